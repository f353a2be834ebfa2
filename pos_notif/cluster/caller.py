"""`Caller`: a thread that waits for the engine, one call after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .bulletin import Bulletin
from .sequence import Closed, Unknown

T = TypeVar("T")

logger = logging.getLogger("pos_notif")


def note_failure(error: Exception) -> None:
    """Writes what nobody expects of an engine, a fault of ours included, into the service's log."""
    if not isinstance(error, Unknown | Closed):
        logger.error("the board failed", exc_info=error)


class Caller:
    """A thread with a bulletin of its own, which does one thing after the other in the order of the calls."""

    def __init__(self, bulletins: Callable[[], Bulletin]) -> None:
        self._bulletins = bulletins
        self._bulletin: Bulletin | None = None
        self._thread = ThreadPoolExecutor(1, "board")
        self._soon: set[asyncio.Future[object]] = set()

    def call(self, work: Callable[[Bulletin], T]) -> asyncio.Future[T]:
        """Returns what becomes of `work`. It raises Unknown, whatever kept the engine from doing it."""
        return asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def soon(self, work: Callable[[Bulletin], object]) -> None:
        """Has `work` done without anybody waiting for it. What the engine does not answer is let go."""
        doing: asyncio.Future[object] = self.call(work)
        self._soon.add(doing)
        doing.add_done_callback(self._done)

    def _done(self, doing: asyncio.Future[object]) -> None:
        self._soon.discard(doing)
        if not doing.cancelled():
            doing.exception()  # it was noted, where it is worth it

    def _do(self, work: Callable[[Bulletin], T]) -> T:
        try:
            if self._bulletin is None:
                self._bulletin = self._bulletins()
            return work(self._bulletin)
        except Unknown:
            raise
        except Exception as error:
            note_failure(error)
            raise Unknown(str(error)) from error

    def close(self) -> None:
        """Waits for what is being done; what has not begun is not done."""
        self._thread.shutdown(cancel_futures=True)
        if self._bulletin is not None:
            self._bulletin.close()
