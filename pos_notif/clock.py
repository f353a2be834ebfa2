"""Time as the service sees it: two clocks, which must not be mixed up (docs/architecture.md, "Two clocks").

The *wall clock* is the machine's. It says when something happened, and is set now and then, by hand or by the network:
to any time, forward or back, while the service runs. The *steady clock* says how long something has lasted. It begins
with the wall clock's time when the process does, and from then on only goes forward, as fast as time does.

`WallMs` and `SteadyMs` are both milliseconds since 1970 in UTC, and the same as long as nobody sets the wall clock.
Both are handed in, so that a test can hold them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NewType

WallMs = NewType("WallMs", int)
SteadyMs = NewType("SteadyMs", int)
# Milliseconds since 1970 in UTC by the machine's clock, whatever that is set to.
WallClock = Callable[[], int]
# Milliseconds since some moment, which only go forward.
Ticks = Callable[[], int]

# Who closes after midnight still belongs to the evening before.
BUSINESS_DAY_CUT_HOURS = 4
# Less than this is no setting of the clock: the two are not read at the same moment.
_SLACK_MS = 500
_READING_MS = 50
# By less than this the clocks of a cluster's machines may differ.
CLOSE_MS = 60_000
_READINGS = 5


def system_clock() -> int:
    """Returns the time by the machine's clock, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def system_ticks() -> int:
    """Returns milliseconds since the machine was started, those in which it was suspended included: who was signed in
    when the lid was closed has been so for all that time."""
    return time.clock_gettime_ns(_SINCE_BOOT) // 1_000_000


_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment by both clocks. `set_by` is by how many milliseconds the wall clock had been set since the process
    began."""

    ms: WallMs
    set_by: int = 0

    @property
    def steady(self) -> SteadyMs:
        return SteadyMs(self.ms - self.set_by)

    def not_before(self, ms: int) -> Instant:
        """Returns this moment, or `ms` where that is later by less than CLOSE_MS: another machine's clock said it,
        which is a little ahead of this one's. By more, one of the two was set wrong, and its time must not become
        everybody's."""
        return Instant(WallMs(ms), self.set_by) if 0 < ms - self.ms < CLOSE_MS else self


class Clocks:
    """The two clocks of a process."""

    def __init__(self, wall: WallClock = system_clock, ticks: Ticks = system_ticks) -> None:
        self._wall = wall
        self._ticks = ticks
        self._began = wall() - ticks()
        self._set_by = 0

    def wall(self) -> WallMs:
        """Returns when it is: what is told to people and written into the log."""
        return WallMs(self._wall())

    def steady(self) -> SteadyMs:
        """Returns the time by which lives and waits are measured."""
        return SteadyMs(self._began + self._ticks())

    def now(self) -> Instant:
        """Returns this moment by both clocks."""
        for _ in range(_READINGS):
            before = self._ticks()
            wall = self._wall()
            if self._ticks() - before <= _READING_MS:  # else the process was held up between the two
                break
        found = wall - self._began - before
        if abs(found - self._set_by) > _SLACK_MS:
            self._set_by = found
        return Instant(WallMs(wall), self._set_by)

    def set_by(self) -> int:
        """Returns by how many milliseconds the wall clock has been set since the process began: 0 where it was not."""
        return self.now().set_by

    def told(self, moment: SteadyMs) -> WallMs:
        """Returns what a moment of the steady clock is called now: as long ago by the wall clock as it is."""
        return WallMs(moment + self.set_by())


def iso(ms: int, zone: tzinfo) -> str:
    """Writes a time as every time on the wire is written: ISO 8601, with milliseconds and the zone's offset."""
    seconds, millis = divmod(ms, 1000)
    moment, offset = _second(seconds, zone)
    return f"{moment}.{millis:03d}{offset}"


@lru_cache(64)  # whoever publishes much does so within few seconds
def _second(seconds: int, zone: tzinfo) -> tuple[str, str]:
    text = datetime.fromtimestamp(seconds, zone).isoformat(timespec="seconds")
    return text[:_SECONDS_LENGTH], text[_SECONDS_LENGTH:]


_SECONDS_LENGTH = len("2026-11-24T19:05:12")


@lru_cache(64)  # of an event its own time is read more than once
def parse_iso(text: str) -> int:
    """Returns the milliseconds since 1970 of an ISO 8601 time. Raises ValueError for a time without an offset, and for
    what is no time."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return round(moment.timestamp() * 1000)


def business_day(ms: int, zone: tzinfo) -> date:
    """Returns the restaurant's day at that time: before 04:00 in its zone it is still the day before."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
    return (local - timedelta(hours=BUSINESS_DAY_CUT_HOURS)).date()


def business_day_start(day: date, zone: tzinfo) -> WallMs:
    """Returns when the restaurant's day begins, in milliseconds since 1970."""
    start = datetime(day.year, day.month, day.day, BUSINESS_DAY_CUT_HOURS, tzinfo=zone)
    return WallMs(int(start.timestamp() * 1000))
