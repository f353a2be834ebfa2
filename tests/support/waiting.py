"""Waiting for what another process does, which nothing tells us of."""

from __future__ import annotations

import time
from typing import Any


def eventually(condition: Any, seconds: float = 60.0) -> Any:
    """The condition's first true value. A test ends where there is none; how long it takes is no part of it."""
    deadline, pause = time.monotonic() + seconds, 0.02
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(pause)
        pause = min(0.1, 1.1 * pause)  # to look costs whoever is asked, a browser most
