"""Ten minutes of fuzzing, or two million attempts to publish, whichever is shorter: `python -m tests.soak.fuzz`.

Ends with 1 where the service answered anything by 500, logged a traceback, grew, or afterwards worked harder for an
answer than before or took more than 50 ms for it.
"""

from __future__ import annotations

import argparse
import http.client
import math
import random
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.abuse.attacks import Report, attack
from tests.support.live_server import LiveServer

ANSWER_MS = 50
ANSWERS = 200
WARM_UP_ROUNDS = 50
PUBLICATIONS_OF_A_ROUND = 100
GROWTH_KB = 64_000
# Of it in the second half: what is touched or cut up once, and then used again, is taken in the first.
LATE_GROWTH_KB = 32_000


@dataclass
class Figures:
    report: Report
    during: list[float] = field(default_factory=list)  # milliseconds
    after: list[float] = field(default_factory=list)
    memory_kb: tuple[int, int, int] = (0, 0, 0)  # before, at half-time, afterwards
    files: tuple[int, int] = (0, 0)
    threads: tuple[int, int] = (0, 0)
    cpu_seconds: tuple[float, float] = (0.0, 0.0)  # the service's own, for the same answers
    log: list[str] = field(default_factory=list)

    def slowness(self) -> list[str]:
        """What else the machine does must not count: nine of ten."""
        slow = percentile(self.after, 90)
        return [f"answers took {slow:.1f} ms afterwards"] if slow >= ANSWER_MS else []

    def problems(self) -> list[str]:
        """Those that no other work on the machine can make."""
        found = [f"500 for {request!r}" for request in self.report.faults]
        found += [f"logged: {line.rstrip()}" for line in self.log]
        if self.cpu_seconds[1] > 3 * self.cpu_seconds[0]:
            found.append(f"{ANSWERS} answers cost {self.cpu_seconds[1]} s afterwards, {self.cpu_seconds[0]} s before")
        before, halfway, after = self.memory_kb
        if after - before > GROWTH_KB:
            found.append(f"memory grew from {before} to {after} KB")
        if after - halfway > LATE_GROWTH_KB:
            found.append(f"memory grew from {halfway} KB at half-time to {after} KB")
        if self.files[1] > self.files[0] + 5:
            found.append(f"open files grew from {self.files[0]} to {self.files[1]}")
        if self.threads[1] > self.threads[0] + 3:  # pools start theirs when they are needed
            found.append(f"threads grew from {self.threads[0]} to {self.threads[1]}")
        return found

    def __str__(self) -> str:
        rows = [f"{count:>10,} {name}" for name, count in sorted(self.report.sent.items())]
        rows.append("answers: " + ", ".join(f"{status}: {n:,}" for status, n in sorted(self.report.answers.items())))
        for name, times in (("during", self.during), ("after", self.after)):
            rows.append(
                f"an answer {name}: median {statistics.median(times):.1f} ms, 99 %: {percentile(times, 99):.1f} ms,"
                f" longest {max(times):.1f} ms of {len(times)}"
            )
        rows.append(f"{ANSWERS} answers cost {self.cpu_seconds[0]:.2f} s before, {self.cpu_seconds[1]:.2f} s after")
        rows.append(
            f"memory {', '.join(f'{kb:,}' for kb in self.memory_kb)} KB, files {self.files}, threads {self.threads}"
        )
        return "\n".join(rows)


def percentile(times: list[float], percent: int) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


def fuzz(folder: Path, seed: int, rounds: int, seconds: float = math.inf) -> Figures:
    # A small memory of the newest events: what it takes to fill is no growth.
    settings = {"POS_NOTIF_ACCESS_LOG": "false", "POS_NOTIF_TAIL_BYTES": "1000000"}
    server = LiveServer(folder / "log.db", settings).start()
    try:
        _answer_ms(server)
        fresh = server.open_files()
        # What a process takes once: its caches, its pages of the database, the tail of newest events.
        attack(server.port, server.token, seed - 1, min(WARM_UP_ROUNDS, 1 + rounds // 4), seconds)
        before = _answers(server)[1]
        figures = Figures(Report(), files=(settled_files(server, fresh), 0))
        memory = [server.memory_kb()]
        threads = server.threads()
        stop = threading.Event()
        probe = threading.Thread(target=_probe, args=(server, stop, figures.during))
        probe.start()
        for half in range(2):
            part = attack(server.port, server.token, 2 * seed + half, math.ceil(rounds / 2), seconds / 2)
            figures.report.add(part)
            memory.append(server.memory_kb())
        stop.set()
        probe.join()
        figures.files = (figures.files[0], settled_files(server, figures.files[0]))
        figures.memory_kb = (memory[0], memory[1], memory[2])
        figures.threads = (threads, server.threads())
        figures.after, after = _answers(server)
        figures.cpu_seconds = (before, after)
        assert server.stop() == 0
        lines = server.stderr_lines
        first = next(
            (number for number, line in enumerate(lines) if "ERROR" in line or "Traceback" in line), len(lines)
        )
        figures.log = lines[first : first + 60]
        return figures
    finally:
        server.close()


def settled_files(server: LiveServer, enough: int) -> int:
    """Whoever was cut off is let go within its 2 s."""
    deadline = time.monotonic() + 10
    while server.open_files() > enough and time.monotonic() < deadline:
        time.sleep(0.2)
    return server.open_files()


def _answers(server: LiveServer) -> tuple[list[float], float]:
    """The milliseconds that each took, and the seconds of a core that they cost the service."""
    before = server.cpu_seconds()
    times = [_answer_ms(server) for _ in range(ANSWERS)]
    return times, server.cpu_seconds() - before


def _probe(server: LiveServer, stop: threading.Event, times: list[float]) -> None:
    while not stop.wait(0.1):
        times.append(_answer_ms(server))


def _answer_ms(server: LiveServer) -> float:
    """A client that is known, as a page is: what it waits for an answer on a new connection."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", "/api/auth/sesion", headers={"Authorization": f"Bearer {server.token}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    finally:
        connection.close()
    return (time.perf_counter() - began) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--attempts", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pos-notif-fuzz-") as folder:
        rounds = given.attempts // PUBLICATIONS_OF_A_ROUND
        figures = fuzz(Path(folder), given.seed, rounds, given.minutes * 60)
    print(figures)
    problems = figures.problems() + figures.slowness()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
