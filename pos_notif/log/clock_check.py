"""Judges the wall clock by the log. Whoever begins on another day than the log ended on may have a wrong clock, and by
a wrong clock nothing is thrown away (docs/operations.md, "The clock")."""

from __future__ import annotations

import logging
import sqlite3

from ..clock import Clocks, SteadyMs, WallMs

logger = logging.getLogger("pos_notif")

_DAY_MS = 24 * 3600 * 1000
# A restaurant may be closed for so long without anybody being told of it.
JUMP_MS = 2 * _DAY_MS
# A clock is believed once the log has gone on by it for so long.
PROVED_MS = _DAY_MS


def read_newest_ms(connection: sqlite3.Connection) -> WallMs | None:
    """Returns when the log's newest event was appended; None for a log without one."""
    row = connection.execute("SELECT ms FROM events ORDER BY id DESC LIMIT 1").fetchone()
    return row[0] if row is not None else None


class ClockCheck:
    """What is to be said of the wall clock, by the newest event that was there when this process began: `newest_ms` is
    its time, None where there was none. It `look`s now and then. One process of several `tells` the log of it."""

    def __init__(self, clocks: Clocks, newest_ms: WallMs | None, *, tells: bool = True) -> None:
        self._clocks = clocks
        self._tells = tells
        self._began = clocks.steady()
        # An empty log knows nothing: then it is the clock as it was.
        self._newest_ms = newest_ms if newest_ms is not None else WallMs(self._began)
        self._jump = 0  # in milliseconds; 0: there is none
        self._seen_id = 0
        self._gone_on: SteadyMs | None = None  # since when there is an event by the clock that jumped

    def log_time(self) -> WallMs:
        """Returns how late it is by the log: its newest event's time when this process began, and what has passed
        since."""
        return WallMs(self._newest_ms + self._clocks.steady() - self._began)

    def cut_time(self) -> WallMs:
        """Returns the time to which ages are counted where what is too old is deleted. A clock that was set ahead makes
        no event older than it is."""
        return min(self._clocks.wall(), self.log_time())

    def look(self, newest_id: int) -> None:
        """Notes where the clock stands, and the log with its newest event. Says in the log when the clock has
        jumped."""
        jump = self._clocks.wall() - self.log_time()
        if abs(jump) <= JUMP_MS:
            self._jump, self._gone_on = 0, None
        elif not self._jump or abs(jump - self._jump) > JUMP_MS:
            self._jump, self._seen_id, self._gone_on = jump, newest_id, None
            if self._tells:
                way = "ahead of" if jump > 0 else "behind"
                logger.warning(
                    "the clock is %d days %s the log's newest events: put it right if it is wrong;"
                    " nothing is pruned by it", _days(jump), way,
                )  # fmt: skip
        elif self._gone_on is None and newest_id > self._seen_id:
            self._gone_on = self._clocks.steady()

    def jumped_days(self) -> int:
        """Returns by how many days the clock has jumped, back where it is negative; 0 where it has not, or where the
        log has gone on by it for PROVED_MS since."""
        if self._gone_on is not None and self._clocks.steady() - self._gone_on >= PROVED_MS:
            return 0
        return _days(self._jump) if self._jump > 0 else -_days(self._jump)


def _days(jump: int) -> int:
    return round(abs(jump) / _DAY_MS)
