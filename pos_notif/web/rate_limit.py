"""Limits how often a client may ask: each has a bucket of tokens, refilled at a steady rate, in a bounded memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

MAX_KEYS = 10_000


class Buckets:
    """Each bucket holds `burst` tokens, and `rate` a second refill it; with a rate of 0 there is no limit."""

    __slots__ = ("_burst_seconds", "_clock", "_full_at", "_given", "_max_keys", "_rate", "_spent")

    def __init__(
        self, burst: float, rate: float, clock: Callable[[], float] = time.monotonic, max_keys: int = MAX_KEYS
    ) -> None:
        self._rate = rate
        self._burst_seconds = burst / rate if rate else 0.0
        self._clock = clock
        self._max_keys = max_keys
        # When each will be full. One that is full is as good as unknown.
        self._full_at: dict[Hashable, float] = {}
        self._given: dict[Hashable, Hashable] = {}
        # What was taken since it was last told; None where nobody is to be told.
        self._spent: dict[Hashable, int] | None = None

    def share(self) -> None:
        """Keeps what is taken from now on, for the other processes of the service to be told by `spent`."""
        self._spent = {} if self._rate else None

    def spent(self) -> list[tuple[Hashable, int]]:
        """Returns what was taken here since the last call, as `(key, tokens)`."""
        if not self._spent:
            return []
        told, self._spent = list(self._spent.items()), {}
        return told

    def charge(self, key: Hashable, tokens: int) -> None:
        """Takes what was taken elsewhere, be it more than there is. In the second until it is told of it, each process
        gives as much as one alone would."""
        if self._rate:
            now = self._clock()
            self._full_at[key] = max(now, self._full_at.get(key, now)) + tokens / self._rate

    def _note(self, key: Hashable, tokens: int) -> None:
        if self._spent is not None:
            self._spent[key] = self._spent.get(key, 0) + tokens

    def take(self, key: Hashable, tokens: int = 1) -> float:
        """Takes tokens and returns 0; or takes none, and returns the seconds until they may be taken.

        More than are there are lent to whoever has one, and paid back by waiting: a batch of 500 is no stranger to a
        rate of 10.
        """
        if not self._rate:
            return 0.0
        now = self._clock()
        full_at = max(now, self._full_at.get(key, now))
        # To the last bit, the thirtieth token of a burst of 30 is there.
        wait = full_at + 1 / self._rate - self._burst_seconds - now
        if wait > 1e-6:
            return wait
        if key not in self._full_at and len(self._full_at) >= self._max_keys:
            self._forget(now)
        self._full_at[key] = full_at + tokens / self._rate
        self._note(key, tokens)
        return 0.0

    def give_back(self, key: Hashable, once_for: Hashable = None) -> None:
        """Gives one token back, since what it was taken for was worth it; for the same `once_for` not twice in a
        row."""
        if key not in self._full_at or (once_for is not None and self._given.get(key) == once_for):
            return
        self._full_at[key] -= 1 / self._rate
        self._note(key, -1)
        if once_for is not None:
            self._given[key] = once_for

    def _forget(self, now: float) -> None:
        """Forgets the buckets that are full; and if nearly none is, the older half: whoever asks most is forgiven,
        nobody is kept out."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        kept = len(self._full_at)
        if kept > self._max_keys // 2:
            for key in list(self._full_at)[: kept - self._max_keys // 2]:
                del self._full_at[key]
        self._given = {key: given for key, given in self._given.items() if key in self._full_at}
