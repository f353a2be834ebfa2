"""Publishers and readers at several nodes, or at one plain service, while it is broken; and what must be true of it."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.cluster.checker import difference_problems, log_problems, reader_problems
from tests.cluster.workload import PUBLISHERS, READERS, Followers, Hopper, Publishers, hoppers
from tests.soak.check import Outcome, read_log
from tests.support.live_server import LiveServer
from tests.support.waiting import eventually

# Alarms would come and go by how busy the machine is.
SETTINGS = {
    "POS_NOTIF_ACCESS_LOG": "false", "POS_NOTIF_MAX_BACKLOG": "0", "POS_NOTIF_POLL_RATE": "0",
    "POS_NOTIF_ACK_SECONDS": "0", "POS_NOTIF_SCREEN_SECONDS": "0",
}  # fmt: skip


class Torture:
    """`with Torture(nodes, token, seed) as torture:` has them published to and read from until `torture.end()`, which
    says what was wrong."""

    def __init__(
        self, nodes: Sequence[LiveServer], token: str, seed: int, *, publishers: int = PUBLISHERS,
        readers: int = len(READERS),
    ) -> None:  # fmt: skip
        self.nodes = nodes
        self.publishers = Publishers(nodes, token, seed, publishers)
        self.tablets = hoppers(nodes, seed, readers)
        self._followers = Followers(self.tablets, seed)
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Torture:
        for tablet in self.tablets:
            tablet.start()
            self._ends.callback(tablet.end)
        self.publishers.start()
        self._ends.callback(self.publishers.end)
        self._followers.start()
        self._ends.callback(self._followers.end)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    @property
    def answered(self) -> int:
        return len(self.publishers.history.answered)

    @property
    def followed(self) -> int:
        """How many orders are followed, by whichever screens."""
        return sum(len(tablet.followed) for tablet in self.tablets)

    def goes_on(self, answers: int = 1) -> None:
        """Waits until so many more have been answered, however busy the machine is."""
        self.reaches(self.answered + answers)

    def reaches(self, answers: int, followed: int = 0) -> None:
        """Waits until it has come so far in all, however busy the machine is."""

        def has_reached() -> bool:
            return self.answered >= answers and self.followed >= followed

        eventually(lambda: self.publishers.history.wrong or has_reached(), 300)

    def end(self) -> Outcome:
        """All nodes must run."""
        self._followers.end()
        self.publishers.end()
        outcome, history = Outcome(), self.publishers.history
        files = [node.database for node in self.nodes]
        outcome.problems += difference_problems(files)
        with contextlib.suppress(AssertionError):  # what is missing is told below
            eventually(lambda: have_all(self.tablets, files[0]), 300)
        for file in files:
            outcome.problems += log_problems(file, history)
        outcome.problems += reader_problems(files[0], self.tablets)
        for tablet in self.tablets:
            tablet.end()
        outcome.problems += difference_problems(files)
        for node in self.nodes:
            outcome.problems += [f"a node logged: {told}" for told in tracebacks(node.stderr_lines)]
        milliseconds = sorted(history.milliseconds) or [0.0]
        outcome.figures += [
            ("events", str(len(read_log(files[0])))),
            ("answered", str(self.answered)),
            ("refused, since it was sold out", str(len(history.refused))),
            ("milliseconds an answer: median, 99 %",
             f"{statistics.median(milliseconds):.1f}, {milliseconds[len(milliseconds) * 99 // 100]:.1f}"),
            ("longest until one was answered, s", f"{history.longest:.1f}"),
            ("events read, each once and in order", str(sum(len(tablet.handled) for tablet in self.tablets))),
            ("connections made by readers", str(sum(tablet.connections for tablet in self.tablets))),
            ("orders followed", str(self.followed)),
        ]  # fmt: skip
        return outcome


def tracebacks(lines: Sequence[str]) -> Iterator[str]:
    """Each with all of its lines, up to the error's own."""
    for first, line in enumerate(lines):
        if "Traceback" in line:
            last = next((n for n in range(first + 1, len(lines)) if not lines[n].startswith(" ")), len(lines) - 1)
            yield "".join(lines[first : last + 1]).rstrip()


def have_all(tablets: Sequence[Hopper], file: Path) -> bool:
    reader_problems(file, tablets)  # takes what each follows
    events = read_log(file)
    return all(tablet.fault or (tablet.is_done and tablet.handled == tablet.due(events)) for tablet in tablets)
