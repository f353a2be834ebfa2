"""Waiting for what another process does, which nothing tells us of."""

from __future__ import annotations

import time
from typing import Any


def eventually(condition: Any, seconds: float = 10.0) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
