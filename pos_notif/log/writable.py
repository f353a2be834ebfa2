"""Says whether the log can be written: now, by writing, and for some time to come, by what is free on its disk."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ..database.threads import Database
from ..errors import LogUnavailable

# The check writes less than an event, and may find room where no event does: room for an evening's is asked for.
RESERVE_BYTES = 32 * 1024 * 1024


async def write_problem(database: Database) -> str | None:
    """Returns in words what keeps the log from being written, or None. A lock or a slow disk holds up the answer as it
    does a publication."""

    def work(connection: sqlite3.Connection) -> str | None:
        connection.execute("UPDATE log SET only_row = 1")
        return space_problem(database.path, RESERVE_BYTES)

    try:
        return await database.write(work)
    except LogUnavailable as error:
        return str(error.__cause__ or error.message)


def space_problem(path: Path, reserve: int) -> str | None:
    """Says what is wrong where fewer bytes than the reserve are free beside the file; None where nothing is."""
    disk = os.statvfs(path)
    free = disk.f_bavail * disk.f_frsize
    return f"disk nearly full: {free >> 20} MiB free, {reserve >> 20} MiB wanted" if free < reserve else None
