"""Our service beside its peers, in one table.

    python -m tests.benchmarks.run [--peers ours,nchan,…] [--scenarios …] [--repetitions 3] [--quick] [--directory DIR]

Servers run on the first core, the load on the second (`taskset`), one after the other, interleaved in each
repetition. The streams' clients are in C (`ssefan.c`, `siofan.c`, built with `cc`): one in Python would be the
bottleneck. They check every delivery for loss and repetition. Figures are medians with minimum and maximum, and the
ratio to nchan's median; compare only figures of one run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks import contestants
from tests.benchmarks.contestants import HERE, Missing, Target, pinned

PEERS: dict[str, Callable[[Path], AbstractContextManager[Target]]] = {
    "ours": contestants.ours,
    "ours-asgi": partial(contestants.ours, fast_streams="false"),
    "nchan": contestants.nchan,
    "naive Quart": contestants.naive_quart,
    "python-socketio": contestants.python_socketio,
    "Socket.IO on Node": contestants.node_socketio,
}
REFERENCE = "nchan"


@dataclass(frozen=True)
class Scenario:
    """`arguments` of the load client; `figures` are the names it prints, with ours."""

    streams: int
    arguments: tuple[str, ...]
    figures: dict[str, str]
    replay: bool = False


FANOUT = {
    "1000x4": Scenario(1000, ("-m", "600", "-k", "4"), {"deliv_per_s": "deliveries/s, 1,000 streams, 4 publishers"}),
    "1000x16": Scenario(
        1000, ("-m", "1200", "-k", "16"), {"deliv_per_s": "deliveries/s, 1,000 streams, 16 publishers"}
    ),
    "5000x4": Scenario(5000, ("-m", "150", "-k", "4"), {"deliv_per_s": "deliveries/s, 5,000 streams, 4 publishers"}),
    "100x4": Scenario(100, ("-m", "2000", "-k", "4"), {"deliv_per_s": "deliveries/s, 100 streams, 4 publishers"}),
    "single": Scenario(1000, ("-m", "200", "-l", "1"), {"deliv_per_s": "deliveries/s, 1,000 streams, one in flight"}),
    "rate": Scenario(
        1000,
        ("-r", "10", "-d", "33", "-W", "30", "-k", "64"),
        {
            "last_p50": "10 events/s to 1,000 streams: the last has it, ms (p50)",
            "last_p99": "10 events/s to 1,000 streams: the last has it, ms (p99)",
            "cpu_s_per_100k": "10 events/s to 1,000 streams: CPU s per 100,000 deliveries",
        },
    ),
    "replay": Scenario(
        1000, ("-m", "500", "-y"), {"deliv_per_s": "deliveries/s, 1,000 streams return, 500 owed"}, True
    ),
    "idle": Scenario(1000, ("-i", "1"), {"kb_per_conn": "KB an idle stream, 1,000 streams"}),
}
# Of ours alone: the load's script, its connections, what more it is told, and the figure.
OWN: dict[str, tuple[str, int, tuple[str, ...], str]] = {
    "publish1": ("publish_load.py", 1, ("1",), "durable publishes/s, 1 connection"),
    "publish16": ("publish_load.py", 16, ("1",), "durable publishes/s, 16 connections"),
    "batches": ("publish_load.py", 4, ("500",), "durable events/s, batches of 500"),
    "polls": ("poll_load.py", 16, (), "idle polls/s, 16 connections"),
}


def build(directory: Path) -> None:
    for tool in ("ssefan", "siofan"):
        subprocess.run(["cc", "-O2", "-o", str(directory / tool), str(HERE / f"{tool}.c")], check=True)


def fan_out(directory: Path, target: Target, scenario: Scenario, quick: bool) -> dict[str, float]:
    arguments = target.arguments
    if scenario.replay:
        if not target.replay_arguments:
            raise Missing("it has no replay")
        arguments = target.replay_arguments
    streams, own = (50, ("-m", "20")) if quick else (scenario.streams, scenario.arguments)
    if quick and "kb_per_conn" in scenario.figures:
        own = ("-i", "0.2")
    command = pinned(
        1, str(directory / target.tool), *arguments, "-n", str(streams), *own, "-s", str(target.pid), "-j", "-w", "20"
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    try:
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise Missing(f"the load client failed: {done.stderr.strip()[-200:]}") from None
    if result.get("missing") or result.get("dup"):
        raise Missing(f"{result['missing']} deliveries missing, {result['dup']} repeated")
    return {label: float(result[name]) for name, label in scenario.figures.items() if name in result}


def own_load(target: Target, script: str, connections: int, more: tuple[str, ...], quick: bool) -> float:
    assert target.server is not None
    arguments = (target.server.url, target.server.token, str(connections), "0.5" if quick else "4", *more)
    command = pinned(1, sys.executable, str(HERE / script), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["per_second"])


def measure(directory: Path, peers: list[str], names: list[str], repetitions: int, quick: bool) -> dict[str, Any]:
    """figures[label][peer]: its values, or why there are none."""
    figures: dict[str, Any] = {}
    for repetition in range(repetitions):
        for name in names:
            for peer in peers:
                if name in OWN and peer != "ours":
                    continue
                print(f"{repetition + 1}/{repetitions} {name:10} {peer}", file=sys.stderr, flush=True)
                label = OWN[name][3] if name in OWN else next(iter(FANOUT[name].figures.values()))
                try:
                    with PEERS[peer](directory) as target:
                        if name in OWN:
                            script, connections, more, _ = OWN[name]
                            found = {label: own_load(target, script, connections, more, quick)}
                        else:
                            found = fan_out(directory, target, FANOUT[name], quick)
                except (Missing, subprocess.SubprocessError) as reason:
                    figures.setdefault(label, {}).setdefault(peer, []).append(str(reason))
                    continue
                for found_label, value in found.items():
                    figures.setdefault(found_label, {}).setdefault(peer, []).append(value)
    return figures


def table(figures: dict[str, Any]) -> str:
    lines = []
    for label, by_peer in figures.items():
        lines.append(label)
        numbers = {peer: [v for v in values if isinstance(v, float)] for peer, values in by_peer.items()}
        reference = statistics.median(numbers[REFERENCE]) if numbers.get(REFERENCE) else None
        for peer, values in by_peer.items():
            if not numbers[peer]:
                lines.append(f"    {peer:20} -           ({values[0]})")
                continue
            median = statistics.median(numbers[peer])
            ratio = f"  {median / reference:6.2f} of {REFERENCE}'s" if reference else ""
            spread = f"({min(numbers[peer]):,.1f} to {max(numbers[peer]):,.1f})"
            lines.append(f"    {peer:20}{median:>12,.1f}  {spread:24}{ratio}")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peers", default=",".join(PEERS))
    options.add_argument("--scenarios", default=",".join([*FANOUT, *OWN]))
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    options.add_argument("--directory", type=Path, help="keeps what the peers need between runs")
    chosen = options.parse_args()
    peers, scenarios = chosen.peers.split(","), chosen.scenarios.split(",")
    for given, known in ((peers, PEERS), (scenarios, {**FANOUT, **OWN})):
        if unknown := set(given) - set(known):
            options.error(f"unknown: {', '.join(sorted(unknown))} (there are {', '.join(known)})")
    with tempfile.TemporaryDirectory() as temporary:
        directory = (chosen.directory or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        build(directory)
        print(table(measure(directory, peers, scenarios, chosen.repetitions, chosen.quick)))


if __name__ == "__main__":
    main()
