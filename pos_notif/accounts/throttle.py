"""Allows 5 failed sign-ins in 15 minutes for a user name from an address, which makes a 4-digit PIN enough."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..clock import Clocks, SteadyMs
from ..errors import BadCredentials, TooManyAttempts

FAILURES_ALLOWED = 5
FAILURE_WINDOW_MS = 15 * 60 * 1000


@dataclass(slots=True)
class _Attempts:
    failures_ms: list[SteadyMs] = field(default_factory=list)
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


class LoginThrottle:
    """Counts the failures in memory: a restart forgives."""

    def __init__(self, clocks: Clocks, max_keys: int = 10_000) -> None:
        self._clocks = clocks
        self._max_keys = max_keys
        self._tried: OrderedDict[bytes, _Attempts] = OrderedDict()

    @asynccontextmanager
    async def attempt(self, username_key: str, address: str) -> AsyncGenerator[None]:
        """Makes the body one attempt: it fails by BadCredentials (or by being cancelled) and succeeds by ending. The
        error is told how many are left.

        Attempts side by side take turns, so that wrong ones cannot exceed the limit and right ones, of ten
        tablets that sign in with one user, do not reach it. Raises TooManyAttempts.
        """
        # Of the names only a digest: nobody fills the memory with long ones.
        key = hashlib.sha256(f"{address}\n{username_key}".encode("utf-8", "surrogatepass")).digest()
        attempts = self._tried.setdefault(key, _Attempts())
        self._tried.move_to_end(key)
        self._forget_oldest()
        async with attempts.one_at_a_time:
            now = self._clocks.steady()
            recent = [ms for ms in attempts.failures_ms if now - FAILURE_WINDOW_MS < ms]
            attempts.failures_ms = recent
            if len(recent) >= FAILURES_ALLOWED:
                raise TooManyAttempts(retry_after=_wait_seconds(recent, now))
            try:
                yield
            except (BadCredentials, asyncio.CancelledError) as error:
                recent.append(now)
                if isinstance(error, BadCredentials):
                    error.count(FAILURES_ALLOWED - len(recent), _wait_seconds(recent, now))
                raise
            recent.clear()

    def _forget_oldest(self) -> None:
        for key in list(self._tried)[: max(0, len(self._tried) - self._max_keys)]:
            if not self._tried[key].one_at_a_time.locked():
                del self._tried[key]


def _wait_seconds(failures_ms: list[SteadyMs], now: SteadyMs) -> float:
    """Returns how long it takes until the oldest failure counts no more."""
    return (failures_ms[0] + FAILURE_WINDOW_MS - now) / 1000
