"""What has happened since the start, counted where it happens, for `/metrics` to read: plain numbers, no locks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence


class Histogram:
    """Counts values of a measure, each under the first of `bounds` that it does not pass. The last of `counts`, one
    more than there are bounds, is for values that pass them all; `total` is the sum of the values."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Counts:
    """The counts of one service. `answers` counts HTTP answers by the first digit of their status, `replays` by what a
    cursor came to, `resets` by `motivo`; `failed_publications` and `refused_logins` by error code."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.events: Counter[str] = Counter()
        self.failed_publications: Counter[str] = Counter()
        self.duplicates = 0
        self.replays: Counter[str] = Counter()
        self.replayed = Histogram((0, 1, 10, 100, 500, 1000, 5000))
        self.resets: Counter[str] = Counter()
        self.stalled = 0
        self.wire_seconds = Histogram((0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5))
        self.refused_logins: Counter[str] = Counter()
