"""How long something took of its own, however busy the machine was."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SAMPLE_SECONDS = 0.05


class Stopwatch:
    """`with Stopwatch() as watch: …`, then `watch.seconds`: those that passed, less those for which a thread of this
    process or of one that it started could have run and had to wait for a core.

    Linux counts that for each thread. Where a system does not, the seconds are those that passed.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._waited: dict[Path, tuple[int, int]] = {}  # of each thread: nanoseconds at its first look and at its last
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="stopwatch")

    def __enter__(self) -> Stopwatch:
        self._look()
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        passed = time.monotonic() - self._began
        self._stop.set()
        self._thread.join()
        self._look()
        waited = sum(last - first for first, last in self._waited.values())
        self.seconds = max(0.0, passed - waited / 1e9)

    def _sample(self) -> None:
        """Processes end, and what was counted for them with them."""
        while not self._stop.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        """Threads that begin later are counted from their beginning."""
        begun = self._thread.ident is not None
        own = str(self._thread.native_id)
        for process in _family(os.getpid()):
            for thread in _threads(process, "schedstat"):
                with contextlib.suppress(OSError, IndexError):
                    waited = int(thread.read_text().split()[1])
                    first, _ = self._waited.setdefault(thread, (0 if begun else waited, waited))
                    if thread.parent.name != own:
                        self._waited[thread] = first, waited


def _family(process: int) -> Iterator[int]:
    yield process
    for thread in _threads(process, "children"):
        with contextlib.suppress(OSError):
            for child in thread.read_text().split():
                yield from _family(int(child))


def _threads(process: int, name: str) -> list[Path]:
    """That file of each of its threads. The process may end meanwhile, and then there is none."""
    with contextlib.suppress(OSError):
        return [Path(f"/proc/{process}/task/{thread}/{name}") for thread in os.listdir(f"/proc/{process}/task")]
    return []
