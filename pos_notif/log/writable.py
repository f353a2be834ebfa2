"""Says whether the log can be written: now, by writing, and for some time to come, by what is free on its disk."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ..database.threads import Database
from ..errors import LogUnavailable

# The check writes less than an event, and may find room where no event does: room for an evening's is asked for.
RESERVE_BYTES = 32 * 1024 * 1024


LOST = "el archivo de la base de datos fue borrado o reemplazado; reinicie el servicio"


async def write_problem(database: Database) -> str | None:
    """Returns in words what keeps the log from being written, or what is wrong with its file; None where nothing is. A
    lock or a slow disk holds up the answer as it does a publication."""

    def work(connection: sqlite3.Connection) -> str | None:
        connection.execute("UPDATE log SET only_row = 1")
        pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
        return space_problem(database.path, RESERVE_BYTES, pages * size)

    try:
        problem = await database.write_here(work)
    except LogUnavailable as error:
        problem = str(error.__cause__ or error.message)
    if database.lost is not None:
        return LOST
    return problem if database.damage is None else f"el archivo de la base de datos está dañado: {database.damage}"


def free_bytes(path: Path) -> int:
    """Returns how many bytes are free on the disk of the file, also where that is gone. Raises OSError."""
    disk = os.statvfs(os.path.dirname(os.path.realpath(path)))  # a link may lead to another disk
    return disk.f_bavail * disk.f_frsize


def space_problem(path: Path, reserve: int, unused: int = 0) -> str | None:
    """Says what is wrong where fewer bytes than the reserve are free on the file's disk and `unused` in the file, by
    what was pruned; None where nothing is."""
    free = free_bytes(path) + unused
    return f"disk nearly full: {free >> 20} MiB free, {reserve >> 20} MiB wanted" if free < reserve else None
