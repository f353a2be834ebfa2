"""Several workers on one log beside one process: what a publication takes, when it is at a stream of another worker,
and how many a second there are, of all and of each worker.

    python -m tests.benchmarks.workers [--seconds 8] [--repetitions 3] [--workers 1,2]

The load is that of `nodes.py`, with 16 publishers who are dealt out evenly. Which worker has a connection is looked up
in `/proc`: the kernel deals them out, so some are opened until one is where it should be. All processes, the clients'
too, share this machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.nodes import HEAD, Connect, measure, to
from tests.cluster.torture import SETTINGS
from tests.cluster.workload import furnish
from tests.support.live_server import LiveServer

PUBLISHERS = 16


def _process_of(writer: asyncio.StreamWriter, processes: list[int]) -> int | None:
    """Which of the processes has the other end; None before it was accepted."""
    port = f":{writer.get_extra_info('sockname')[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[2].endswith(port):
            inode = f"socket:[{fields[9]}]"
            for process in processes:
                for entry in os.scandir(f"/proc/{process}/fd"):
                    with contextlib.suppress(FileNotFoundError):
                        if os.readlink(entry.path) == inode:
                            return process
    return None


def at(server: LiveServer, process: int) -> Connect:
    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            reader, writer = await to(server)()
            while (found := _process_of(writer, server.processes()[1:])) is None:
                await asyncio.sleep(0.001)
            if found == process:
                return reader, writer
            writer.close()

    return connect


@contextlib.contextmanager
def places(folder: Path, workers: int) -> Iterator[tuple[list[Connect], str]]:
    token = furnish(folder / "log.db")
    server = LiveServer(folder / "log.db", {**SETTINGS, "POS_NOTIF_WORKERS": str(workers)}, forked=True).start()
    try:
        own = server.processes()[1:]
        yield [at(server, process) for process in own] if own else [to(server)], token
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--workers", default="1,2")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}", HEAD, sep="\n", flush=True)
    for _ in range(options.repetitions):
        for workers in map(int, options.workers.split(",")):
            with (
                tempfile.TemporaryDirectory(prefix="workers-") as name,
                places(Path(name), workers) as (found, token),
            ):
                row = measure(found, token, options.seconds, PUBLISHERS).row(f"{workers} worker{'s' * (workers > 1)}")
            print(row, flush=True)


if __name__ == "__main__":
    main()
