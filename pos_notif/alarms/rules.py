"""What is due: orders that no kitchen screen has acknowledged, and rooms without a screen (docs/protocol.md,
section 17). All of it is pure.

Waiting is measured by `now`, the event loop's time in seconds, and what was when by the steady clock: neither is moved
by a wall clock that is set, which raises no alarm and holds none up. The wall clock says what is told, and whether it
is the shift.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import tzinfo

from ..alarm_hours import Shift
from ..clock import SteadyMs, WallMs

# At most one `sin_acuse` in so many seconds.
PAUSE_SECONDS = 10.0
# What should have been raised longer ago than this is told to nobody: at a start, and what was imported.
STALE_MS = 10 * 60 * 1000
# Events that come within so many seconds of each other fall due together: a burst costs no more than one order.
GATHER_SECONDS = 1.0


@dataclass(slots=True)
class _Arrivals:
    """What came within GATHER_SECONDS, up to the event `up_to`."""

    first: float
    last: float
    up_to: int
    at: SteadyMs


@dataclass(frozen=True, slots=True)
class Due:
    """Events after `after`, up to `up_to`, that have had their time; of them those that were appended since
    `since` are live ones."""

    after: int
    up_to: int
    since: SteadyMs


class Unseen:
    """Remembers when the kitchen had events, and how far the log had come by then; nothing of each event, whose receipt
    the log knows."""

    def __init__(self, ack_seconds: float, covered: int) -> None:
        """Events up to `covered` have had their alarm, or never will."""
        self._ack_seconds = ack_seconds
        self._stale_ms = int(ack_seconds * 1000) + STALE_MS
        self._covered = covered
        self._arrivals: deque[_Arrivals] = deque()
        self._not_before = float("-inf")

    def arrived(self, up_to: int, now: float, at: SteadyMs) -> bool:
        """Notes that the kitchen has events up to this one. Tells whether they are the only ones that are waited
        for."""
        if self._arrivals:
            newest = self._arrivals[-1]
            if now - newest.first < GATHER_SECONDS:
                newest.last, newest.up_to = now, up_to
                return False
        self._arrivals.append(_Arrivals(now, now, up_to, at))
        return len(self._arrivals) == 1

    def raised(self, now: float) -> None:
        """Notes that an alarm was given."""
        self._not_before = now + PAUSE_SECONDS

    def next_due(self) -> float | None:
        """Returns when there is something to look at next, by the clock of `now`; None where nothing is waited for."""
        if not self._arrivals:
            return None
        return max(self._arrivals[0].last + self._ack_seconds, self._not_before)

    def due(self, now: float) -> Due | None:
        """Returns what is to be looked at now: the same again, until it is `done`."""
        found = [arrivals for arrivals in self._arrivals if arrivals.last + self._ack_seconds <= now]
        if not found or now < self._not_before:
            return None
        return Due(self._covered, found[-1].up_to, SteadyMs(found[0].at - self._stale_ms))

    def done(self, due: Due) -> None:
        """Notes that what was due has been looked at."""
        self._covered = due.up_to
        while self._arrivals and self._arrivals[0].up_to <= due.up_to:
            self._arrivals.popleft()


@dataclass(slots=True)
class RoomScreens:
    """A room's screens. `lost` is since when there is none, where the log says so already; `gone_at` and `gone` are
    when the last one went, by the event loop and by the steady clock."""

    gone_at: float
    gone: SteadyMs
    lost: SteadyMs | None = None
    present: bool = False

    def found(self, present: bool, now: float, at: SteadyMs) -> None:
        """Notes whether the room has a screen now."""
        if self.present and not present:
            self.gone_at, self.gone = now, at
        self.present = present

    def unknown(self, now: float, at: SteadyMs) -> None:
        """Notes that nobody knows whether the room has a screen: the time without one begins anew."""
        if not self.present:
            self.gone_at, self.gone = now, at

    @property
    def recovered(self) -> bool:
        """Tells whether it is to be told that there is a screen again."""
        return self.present and self.lost is not None

    def due_in(self, now: float, ms: WallMs, seconds: float, hours: Shift, zone: tzinfo) -> float | None:
        """Returns the seconds until it is to be told that a room has no screen which had one in this business day: 0
        where it is due, None where there is nothing to tell. `ms` is the time of the day."""
        if self.present or self.lost is not None:
            return None
        left = self.gone_at + seconds - now
        if left <= 0 and not hours.holds(ms, zone):
            return (hours.next_begin(ms, zone) - ms) / 1000
        return max(0.0, left)
