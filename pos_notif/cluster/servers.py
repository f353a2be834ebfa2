"""`Server`: one of the engine's own servers, as `cluster status` shows it."""

from __future__ import annotations

from typing import NamedTuple


class Server(NamedTuple):
    """What it is called, where it is asked, and how it is now."""

    name: str
    address: str
    answers: bool
    leads: bool
