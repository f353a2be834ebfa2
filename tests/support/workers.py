"""A service of several processes, as a test sees it from outside: which worker has what, and who lives."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.live_server import LiveServer
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

STATE = "/api/notificaciones/estado"


def state(server: LiveServer) -> dict[str, Any]:
    status, _, answer = server.request("GET", STATE)
    assert status == 200
    return dict(answer)


def children(process: int) -> set[int]:
    """The processes that any of its threads has begun."""
    found: set[int] = set()
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            found |= set(map(int, file.read_text().split()))
    return found


def lives(process: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may end between opening and reading
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def worker(server: LiveServer, number: int) -> int:
    """The process of a worker, as the service's log has told it last."""

    def told() -> list[str]:
        lines = [line for line in server.stderr_lines if f"worker {number} (process" in line and "answers" in line]
        return [line.split("(process ")[1].split(")")[0] for line in lines]

    return int(eventually(told)[-1])


@contextlib.contextmanager
def stream_at(server: LiveServer, number: int, role: str, **how: Any) -> Iterator[SseClient]:
    """A stream of a worker: the kernel deals connections out, so some are opened until one is there. Each stays until
    the next one is open, so that however long that takes, a room that has a screen is not without one meanwhile."""
    deadline = time.monotonic() + 60
    other: SseClient | None = None
    with contextlib.ExitStack() as opened_:
        for attempt in itertools.count():
            assert time.monotonic() < deadline, f"no stream of worker {number}"
            name = f"00000000-0000-4000-8000-{number:06}{attempt:06}"
            stream = opened_.enter_context(SseClient(server, role, query=f"?cliente={name}", **how))
            is_in = stream.next_event("hola", "ocupado").event == "hola"
            if other is not None:
                other.close()
                other = None
            # Where there is a limit, those closed before are counted until the workers have told each other.
            if not is_in:
                stream.close()
                time.sleep(0.1)
                continue
            rows = [row for row in state(server)["conexiones"] if row["cliente"] == name and row["conectado"]]
            if [row["proceso"] for row in rows] == [number]:
                break
            other = stream
        yield stream
