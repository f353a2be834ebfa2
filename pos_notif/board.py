"""`Board`: what every process of one service knows of the others' passing state. Nothing of it is in the log, and it
dies with its process.

A service of one process has a `LocalBoard`. A board that cannot be asked raises LogUnavailable: what it would have said
is unknown then, which is not the same as nobody or never.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from .clock import Clocks, SteadyMs


class Outcome(Enum):
    """What became of a try."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_MADE = "not made"


class Tries(NamedTuple):
    """What a board says to who begins a try. `counted` tries count now, this one among them where it `may` be made;
    `wait_seconds` is how long it takes until the oldest of them counts no more."""

    may: bool
    counted: int
    wait_seconds: float


class Board(Protocol):
    """What is shared by the processes of one service. `process` is this one's number, from 1 on; None where it is
    alone.

    What is posted is small, and known to all at once; what is asked for may be large, and is made when it is asked for.
    `same_machine` says that they share a machine and a file: one limit holds for all of them, and what they count is
    added up.
    """

    process: int | None
    same_machine: bool

    @property
    def known(self) -> bool:
        """Tells whether a process that has posted nothing is not there; else that is unknown."""

    def post(self, name: str, value: bytes) -> None:
        """Tells the other processes what they shall know of this one until it posts something else or ends."""

    def posted(self, name: str) -> Mapping[int, bytes]:
        """Returns what the other processes have posted, by their numbers; 0 is for what those that have ended left to
        be counted on."""

    def on_post(self, name: str, call: Callable[[int, bytes | None], None]) -> None:
        """Has `call(number, value)` made when another process has posted something of that name, at once for what is
        posted already; and when one has ended, then with None."""

    def answer(self, name: str, make: Callable[[], bytes]) -> None:
        """Has `make()` answer the other processes where they ask for that."""

    async def ask(self, name: str) -> dict[int, bytes | None]:
        """Returns what each of the other processes answers now, by their numbers; None for one that does not answer
        within a second, of which nothing is known then. Raises LogUnavailable where the board cannot be asked."""

    async def begin_try(self, key: str, seconds: float, limit: int) -> Tries:
        """Counts a try for `seconds`, unless `limit` are counted already. It counts before it is made, so a process
        that dies in the middle of one has made it.

        Tries of one key take turns: it waits until the one before has ended. So wrong ones cannot exceed the limit, and
        right ones side by side do not reach it, in whichever process they are. Each that may be made must be ended, by
        `end_try`. Raises LogUnavailable where the board cannot be asked.
        """

    def end_try(self, key: str, outcome: Outcome) -> None:
        """Ends a try: one that succeeded forgives those before it, one that was not made counts no more."""


@dataclass(slots=True)
class _Tried:
    times: list[SteadyMs] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0  # who makes a try or waits for its turn


class LocalBoard:
    """The board of a process that is alone. It counts in memory: a restart forgives."""

    process: int | None = None
    same_machine = True
    known = True

    def __init__(self, clocks: Clocks, max_keys: int = 10_000) -> None:
        self._clocks = clocks
        self._max_keys = max_keys
        self._tried: OrderedDict[str, _Tried] = OrderedDict()

    async def begin_try(self, key: str, seconds: float, limit: int) -> Tries:
        tried = self._tried.setdefault(key, _Tried())
        tried.users += 1
        self._tried.move_to_end(key)
        self._forget_oldest()
        try:
            await tried.turn.acquire()
        except BaseException:
            tried.users -= 1
            raise
        now = self._clocks.steady()
        tried.times = [ms for ms in tried.times if now - seconds * 1000 < ms]
        may = len(tried.times) < limit
        if may:
            tried.times.append(now)
        else:
            self._end_turn(tried)
        return Tries(may, len(tried.times), (tried.times[0] - now) / 1000 + seconds)

    def end_try(self, key: str, outcome: Outcome) -> None:
        tried = self._tried[key]
        if outcome is Outcome.SUCCEEDED:
            tried.times.clear()
        elif outcome is Outcome.NOT_MADE:
            tried.times.pop()
        self._end_turn(tried)

    def post(self, name: str, value: bytes) -> None:
        pass

    def posted(self, name: str) -> Mapping[int, bytes]:
        return {}

    def on_post(self, name: str, call: Callable[[int, bytes | None], None]) -> None:
        pass

    def answer(self, name: str, make: Callable[[], bytes]) -> None:
        pass

    async def ask(self, name: str) -> dict[int, bytes | None]:
        return {}

    def _end_turn(self, tried: _Tried) -> None:
        tried.users -= 1
        tried.turn.release()

    def _forget_oldest(self) -> None:
        for key in list(self._tried)[: max(0, len(self._tried) - self._max_keys)]:
            if not self._tried[key].users:
                del self._tried[key]
