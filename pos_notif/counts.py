"""What has happened since the start, counted where it happens, for `/metrics` to read: plain numbers, no locks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec


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
    cursor came to, `resets` by `motivo`; `failed_publications` and `refused_logins` by error code, `push` messages to
    phones by "way result"."""

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
        self.push: Counter[str] = Counter()

    def dump(self) -> bytes:
        """Returns the counts as the processes of one service post them."""
        return _encode({name: _plain(getattr(self, name)) for name in vars(self)})

    @classmethod
    def of_all(cls, own: Counts, posts: Iterable[bytes]) -> Counts:
        """Returns the counts of a whole service: this process's and those that others have posted."""
        found = cls()
        for name, value in _decode(added([own.dump(), *posts])).items():
            counted = getattr(found, name)
            if isinstance(counted, Counter):
                counted.update(value)
            elif isinstance(counted, Histogram):
                counted.counts, counted.total = value
            else:
                setattr(found, name, value)
        return found


# The name by which processes post them.
COUNTS = "counts"


def added(posts: Sequence[bytes]) -> bytes:
    """Returns the sum of counts that were posted."""
    first, *others = map(_decode, posts)
    for other in others:
        for name, value in other.items():
            first[name] = _sum(first[name], value)
    return _encode(first)


def _plain(counted: Any) -> Any:
    return [counted.counts, counted.total] if isinstance(counted, Histogram) else counted


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
    if isinstance(one, list):
        return [_sum(left, right) for left, right in zip(one, other, strict=True)]
    return one + other


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
