"""What the commands share that append beside a running service: who acts, what is read, the log that is opened."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

from ..config import Config
from ..errors import CommandFailed
from ..events import MANAGER
from ..log.live import LiveLog

if TYPE_CHECKING:
    from ..publishing.publish import Publishing

# Who acts, in the events that come of it.
TERMINAL = {"usuario_id": None, "username": "terminal", "rol": MANAGER}


def read_input(file: str, limit: int, why: str = "") -> bytes:
    """Reads a file, or standard input as `-`, which may have `limit` bytes; a larger one is not read to its end. `why`
    is said of the limit. Raises CommandFailed."""
    with click.open_file(file, "rb") as stream:
        content: bytes = stream.read(limit + 1)
    if len(content) > limit:
        raise CommandFailed(f"{input_name(file)}: is larger than {limit // 1024**2} MiB{why}")
    return content


def input_name(file: str) -> str:
    return "standard input" if file == "-" else file


@contextlib.asynccontextmanager
async def publishing(config: Config) -> AsyncIterator[Publishing]:
    """Opens the log, which must be there, to append to it. Raises LogRefused."""
    from ..publishing.publish import Publishing  # what checks drafts is loaded where something is published

    log = LiveLog(config)
    await log.open(create=False)
    try:
        yield Publishing(log)
    finally:
        await log.close()
