"""Tells in the log when the event loop was blocked: nobody is served meanwhile, and nothing else would show it.

The loop notes four times a second that it turns; a thread sees where it stands when it does not. Together they cost a
few microseconds a second.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType

logger = logging.getLogger("pos_notif.loop")

BEAT_SECONDS = 0.25
LATE_SECONDS = 0.5
# What lasts longer is told while it lasts: it may never end.
STUCK_SECONDS = 5.0
MAX_FRAMES = 8


class LoopWatch:
    """Watches the running loop: `with LoopWatch(): …` in one of its tasks."""

    def __enter__(self) -> LoopWatch:
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._end = threading.Event()
        self._where: list[str] = []
        self._thread = threading.Thread(target=self._look, name="loop-watch", daemon=True)
        self._expect()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beat.cancel()
        self._end.set()
        self._thread.join()

    def _expect(self) -> None:
        self._due = time.monotonic() + BEAT_SECONDS
        self._beat = self._loop.call_later(BEAT_SECONDS, self._turned)

    def _turned(self) -> None:
        late = time.monotonic() - self._due
        where, self._where = self._where, []
        self._expect()
        if late > LATE_SECONDS:
            _tell("blocked", late, where)

    def _look(self) -> None:
        told = 0.0
        while not self._end.wait(BEAT_SECONDS):
            due = self._due
            late = time.monotonic() - due
            if late > LATE_SECONDS and not self._where:
                self._where = self._stack()
            if late > STUCK_SECONDS and told != due:
                told = due
                _tell("still blocked", late, self._stack())

    def _stack(self) -> list[str]:
        """Returns where the loop stands, the innermost call first."""
        frame = sys._current_frames().get(self._loop_thread)
        calls = reversed(traceback.extract_stack(frame)) if frame is not None else ()
        return [f"{'/'.join(Path(call.filename).parts[-2:])}:{call.lineno} {call.name}" for call in calls][:MAX_FRAMES]


def _tell(what: str, seconds: float, where: list[str]) -> None:
    """Logs a line. `where` is empty where the thread could not look either: the machine stood still, or C code held it
    up."""
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "event_loop": what,
        "seconds": round(seconds, 2),
        "where": where,
    }
    logger.warning(json.dumps(line, ensure_ascii=False))
