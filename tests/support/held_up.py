"""Readers of this process that must read all the while: where a busy machine held one up, its trial is void."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from tests.support.live_server import LiveServer

TRIALS = 5


class Pace:
    """The longest from `begin`, or the end of one `with pace.read():`, to the end of the next, which may fail."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.begin()

    def begin(self) -> None:
        self._read_at = time.monotonic()

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.longest = max(self.longest, time.monotonic() - self._read_at)
            self.begin()


def unless_held_up(
    make_server: Callable[..., LiveServer], trial: Callable[[LiveServer, Pace], None],
    write_timeout: float, stalled: int, **settings: str,
) -> None:  # fmt: skip
    """Makes the trial, in which so many readers are to be dropped. It failed, and raises what it did, unless more were
    dropped, and the one that must not be did not read for over half of the time-out: then it is made anew."""
    for left in reversed(range(TRIALS)):
        server, pace = make_server(write_timeout_seconds=f"{write_timeout}", **settings), Pace()
        try:
            return trial(server, pace)
        except Exception:
            server.close()  # it has said all that it says
            dropped = len([line for line in server.stderr_lines if "stalled reader dropped" in line])
            if not left or dropped <= stalled or pace.longest <= write_timeout / 2:
                raise
