"""`Central`: whether this node has an engine now, as everybody in its process sees it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..clock import WallClock, system_clock

logger = logging.getLogger("pos_notif")


class Central:
    """What is known of the engine. `away_since` is when it was last heard of, by the wall clock in milliseconds since
    1970; None while it answers. `reason` says in English what is wrong with it. `stopped` says why this node takes part
    no more: only a person can change that, and it stays until a restart. `heard_at` is when it last did what the writer
    asked, by `time.monotonic`. Any thread may tell and ask."""

    def __init__(self, clock: WallClock = system_clock) -> None:
        self._clock = clock
        self.away_since: int | None = None
        self.reason: str | None = None
        self.stopped: str | None = None
        self.heard_at = 0.0
        self._telling = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def may_write(self) -> bool:
        return self.away_since is None and self.stopped is None

    def on_change(self, call: Callable[[], None]) -> None:
        """Has `call()` made, in whichever thread finds it, when the engine goes, comes, or this node stops."""
        self._listeners.append(call)

    def lost(self, reason: str) -> None:
        """Notes that the engine cannot be used, and why."""
        with self._telling:
            known, self.reason = self.away_since, reason
            if known is None:
                self.away_since = self._clock()
        if known is None:
            self._tell()

    def heard(self) -> None:
        """Notes that the engine has just done what it was asked."""
        self.heard_at = time.monotonic()

    def found(self) -> None:
        """Notes that the engine answers, and that it is the one that the log was opened with."""
        with self._telling:
            known, self.away_since, self.reason = self.away_since, None, None
        if known is not None:
            self._tell()

    def stop(self, why: str, advice: Callable[[], str] | None = None) -> None:
        """Notes that this node takes part no more, and then logs it. `advice()` says what is to be done, and is added
        to why: it may take seconds, in which nobody may be shown what is not so."""
        with self._telling:
            known, self.stopped = self.stopped, self.stopped or why
        if known is not None:
            return
        self._tell()
        if advice is not None:
            self.stopped = f"{why}: {advice()}"
        logger.error("this node takes part no more: %s", self.stopped)

    def _tell(self) -> None:
        for call in list(self._listeners):
            call()
