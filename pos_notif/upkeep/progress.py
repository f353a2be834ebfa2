"""How far a long command is, on standard error: a line that is written over on a terminal, seldom lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

# Of what is done and all there is to do; 0 of all: nobody knows.
OnProgress = Callable[[int, int], None]

TERMINAL_SECONDS = 0.2
FILE_SECONDS = 10.0


def silent(done: int, total: int) -> None:
    pass


class Display:
    """Use it as `with Display() as progress: …`, and `progress("verified", unit)(done, total)` as the work goes on."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + (TERMINAL_SECONDS if self._terminal else FILE_SECONDS)
        self._shown = 0

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Clears the line, so that whatever comes next begins its own."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()
            self._shown = 0

    def __call__(self, what: str) -> OnProgress:
        def show(done: int, total: int) -> None:
            now = time.monotonic()
            if now < self._next:
                return
            share = f" ({100 * done // total} %)" if total else ""
            self._write(f"{what} {done:,}" + (f" of {total:,}" if total else "") + share)
            self._next = now + (TERMINAL_SECONDS if self._terminal else FILE_SECONDS)

        return show

    def _write(self, line: str) -> None:
        if self._terminal:
            sys.stderr.write("\r" + line.ljust(self._shown))
            self._shown = len(line)
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()
