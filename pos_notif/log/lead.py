"""`Lead`: which process does what only one may do for all that share a log: it raises the alarms, and prunes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from ..database.locks import take
from .event_log import Transaction

logger = logging.getLogger("pos_notif")

LOCK_RETRY_SECONDS = 5.0


class Lead(Protocol):
    """What a process asks before it does what only one may do."""

    @property
    def leads(self) -> bool:
        """Tells whether this process is the one, as far as it knows."""

    async def taken(self) -> None:
        """Returns once this process is the one."""

    def stands(self, transaction: Transaction) -> bool:
        """Tells inside a transaction whether this process is the one still."""

    def on_change(self, call: Callable[[], None]) -> None:
        """Has `call()` made when this process begins or ceases to be the one, until it is forgotten."""

    def forget(self, call: Callable[[], None]) -> None: ...

    def release(self) -> None:
        """Leaves it to another process where that is this one's to say."""


class LockLead:
    """The one is who has the lock: the system takes it from a process that dies, so it changes for nobody else.
    `may_be_taken` says that there are others, and nothing is told of it where one of them has the lock."""

    def __init__(self, path: Path, *, may_be_taken: bool, what: str = "alarms") -> None:
        self._path = path
        self._may_be_taken = may_be_taken
        self._what = what
        self._held: BinaryIO | None = None

    @property
    def leads(self) -> bool:
        return self._held is not None

    async def taken(self) -> None:
        told = None
        while self._held is None:
            try:
                self._held = take(self._path)
            except OSError as error:
                is_taken = isinstance(error, BlockingIOError)
                reason = "another process raises those of this log" if is_taken else str(error)
                if reason != told and not (is_taken and self._may_be_taken):
                    logger.warning("no %s from here: %s", self._what, reason)
                    told = reason
                await asyncio.sleep(LOCK_RETRY_SECONDS)

    def stands(self, transaction: Transaction) -> bool:
        return True

    def on_change(self, call: Callable[[], None]) -> None:
        pass

    def forget(self, call: Callable[[], None]) -> None:
        pass

    def release(self) -> None:
        if self._held is not None:
            with contextlib.suppress(OSError):
                self._held.close()
            self._held = None
