"""Connections whose first request's head is not whole yet: anybody can open thousands, and they say nothing of who they
are."""

from __future__ import annotations

import logging
import time
from typing import Protocol

logger = logging.getLogger("pos_notif")

TELL_SECONDS = 60.0


class Closable(Protocol):
    def close_if_idle(self) -> None: ...


class Newcomers:
    """Those connections, `limit` at most. Beyond it the oldest of the address that has the most is closed: a machine
    that opens connections and sends nothing takes its own places, and nobody else's."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._of: dict[str, dict[Closable, None]] = {}
        self._count = 0
        self._told_at = -TELL_SECONDS

    def add(self, connection: Closable, address: str) -> None:
        self._of.setdefault(address, {})[connection] = None
        self._count += 1
        if self._count > self._limit:
            self._close_one()

    def discard(self, connection: Closable, address: str) -> None:
        """Forgets a connection: its first head is whole, or it is closed."""
        theirs = self._of.get(address, {})
        if connection in theirs:
            del theirs[connection]
            self._count -= 1
            if not theirs:
                del self._of[address]

    def _close_one(self) -> None:
        address = max(self._of, key=lambda known: len(self._of[known]))
        oldest = next(iter(self._of[address]))
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            logger.warning(
                "more than %d connections have sent no request: %d of them come from %s, whose oldest are closed",
                self._limit, len(self._of[address]), address,
            )  # fmt: skip
        self.discard(oldest, address)
        oldest.close_if_idle()
