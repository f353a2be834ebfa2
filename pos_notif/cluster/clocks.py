"""`NodeClock`: the wall clock of a node, which goes by its machine's unless most of the others say otherwise.

A machine without a battery for its clock begins on some other day, and one that cannot reach a time server drifts. In a
cluster an event's time, a session's end and an alarm would then depend on which node a client is connected to.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from ..clock import Ticks, WallClock, system_clock, system_ticks

# Clocks that differ by less are taken for the same: what a machine's own synchronisation allows, and the seconds that a
# post takes in the worst case.
DIFFERENCE_MS = 10_000
# So many clocks say which of them is wrong.
ENOUGH = 3
# A median that is another all at once is believed when it has stayed so for as long as a node that says nothing new is
# taken for living: until then two clocks may seem to be wrong of which one was put right before the other was set.
STAYED_MS = 10_000


class NodeClock:
    """A `WallClock`. `hear` tells it what the other nodes' machines say; any thread may ask it.

    Who is more than DIFFERENCE_MS from the median of three or more goes by the median: by how far that is from the
    ticks of this machine, which nobody sets. Where fewer than three are there, that is kept until two of them agree: a
    node that dies must not make a wrong clock right.
    """

    def __init__(self, wall: WallClock = system_clock, ticks: Ticks = system_ticks) -> None:
        self._wall = wall
        self._ticks = ticks
        # By how much a clock is ahead of the ticks, in milliseconds: the median, and the other one of two.
        self._median: int | None = None
        self._other: int | None = None
        # A median that is far from the one that counts, and when, by the ticks, it was first heard.
        self._doubted: tuple[int, int] | None = None

    def __call__(self) -> int:
        own, median = self._wall(), self._median
        if median is None:
            return own
        by_median = median + self._ticks()
        return own if abs(own - by_median) <= DIFFERENCE_MS else by_median

    def raw(self) -> int:
        """Returns what this machine's clock says, which is what the others are to be told."""
        return self._wall()

    def hear(self, others: Iterable[tuple[int, float]]) -> None:
        """Takes in what the clocks of the other living nodes said, as `(milliseconds, how many seconds ago)`."""
        ticks = self._ticks()
        ahead = [ms - ticks + round(seconds * 1000) for ms, seconds in others]
        own = self._wall() - ticks
        self._other = ahead[0] if len(ahead) == 1 else None
        if len(ahead) + 1 >= ENOUGH:
            # Of an even number the lower of the two in the middle: it must be the time of one of them.
            self._weigh(statistics.median_low([own, *ahead]), ticks)
        elif self._other is not None and abs(self._other - own) <= DIFFERENCE_MS:
            self._median = None

    def _weigh(self, median: int, ticks: int) -> None:
        if self._median is None or abs(median - self._median) <= DIFFERENCE_MS:
            self._median, self._doubted = median, None
            return
        if self._doubted is None or abs(median - self._doubted[0]) > DIFFERENCE_MS:
            self._doubted = (median, ticks)
        if ticks - self._doubted[1] >= STAYED_MS:
            self._median, self._doubted = median, None

    def warning(self) -> str | None:
        """Returns in Spanish what is to be said of this machine's clock; None where there is nothing."""
        own = self._wall() - self._ticks()
        if self._median is not None:
            off = own - self._median
            if abs(off) > DIFFERENCE_MS:
                return f"el reloj de esta máquina {_differs(off)} de la mayoría: se usa la hora de la mayoría"
        elif self._other is not None and abs(own - self._other) > DIFFERENCE_MS:
            return f"el reloj de esta máquina {_differs(own - self._other)} del reloj del otro nodo"
        return None


def _differs(off: int) -> str:
    return f"está {abs(off) // 1000} s {'delante' if off > 0 else 'detrás'}"
