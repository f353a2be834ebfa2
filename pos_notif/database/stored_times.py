"""Compares what the wall clock wrote with the steady clock: when the orders and sessions of this process really began,
changed and end, though the machine's clock was set meanwhile.

A stored time is the wall clock's, so that it says the same to everybody and after a restart. What this process has seen
being stored it knows the moment of: by how much the clock had been set then, from which id on. Anything older goes by
the wall clock that wrote it, since nobody knows better.
"""

from __future__ import annotations

import threading

from ..clock import Clocks, SteadyMs, WallMs

# Of a clock that is set all the time, the last ones.
_MAX_STEPS = 1000


class StoredTimes:
    """The times of one kind of rows, whose ids grow: events, or sessions. Any thread may ask it, and tell it."""

    def __init__(self, clocks: Clocks, newest: int = 2**63) -> None:
        """Rows up to the id `newest` were there before; where it is not given, those that nobody notes are taken for
        such."""
        self._clocks = clocks
        self._steps: tuple[tuple[int, int], ...] = ()  # (from which id on, by how much the clock was set)
        self._newest = newest
        self._telling = threading.Lock()

    def copy(self) -> StoredTimes:
        """Returns what is known now, to which may be noted what is not stored."""
        copied = StoredTimes(self._clocks)
        with self._telling:
            copied._steps, copied._newest = self._steps, self._newest
        return copied

    def note(self, row_id: int, set_by: int) -> None:
        """Notes that the row is being stored while the clock is set by so much. One that is not stored after all is
        noted again, with another row."""
        with self._telling:
            self._note(row_id, set_by)

    def heard(self, newest: int) -> None:
        """Notes that another process has stored rows up to this one, as the clock is set now."""
        with self._telling:
            if newest > self._newest:
                self._note(self._newest + 1, self._clocks.set_by())
                self._newest = newest

    def _note(self, row_id: int, set_by: int) -> None:
        steps = self._steps
        last = steps[-1] if steps else (0, 0)
        if set_by != last[1] or row_id < last[0]:
            steps = tuple(step for step in steps if step[0] < row_id)
            if set_by != (steps[-1][1] if steps else 0):
                steps = (*steps, (row_id, set_by))[-_MAX_STEPS:]
            self._steps = steps
        self._newest = max(self._newest, row_id)

    @property
    def differ(self) -> bool:
        """Tells whether any stored time may differ from the steady clock's."""
        return self.differ_where(self._clocks.set_by())

    def differ_where(self, set_by: int) -> bool:
        """Tells the same for who knows by how much the clock is set."""
        return bool(self._steps) or set_by != 0

    def steady(self, row_id: int, ms: int) -> SteadyMs:
        """Returns by the steady clock what the row's time `ms` was."""
        if row_id > self._newest:  # another process's, of just now
            return SteadyMs(ms - self._clocks.set_by())
        for first, set_by in reversed(self._steps):
            if row_id >= first:
                return SteadyMs(ms - set_by)
        return SteadyMs(ms)

    def earliest(self, moment: SteadyMs) -> WallMs:
        """Returns a time of the wall clock before which nothing was stored that is as young as `moment`."""
        return WallMs(moment + min(self._all()))

    def latest(self, moment: SteadyMs) -> WallMs:
        """Returns a time of the wall clock after which nothing was stored that is as old as `moment`."""
        return WallMs(moment + max(self._all()))

    def _all(self) -> tuple[int, ...]:
        return (0, self._clocks.set_by(), *(set_by for _, set_by in self._steps))
