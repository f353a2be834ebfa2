"""When the log was last backed up: the time of a file beside it, since a backup must not wait for the log's writer."""

from __future__ import annotations

import os
from pathlib import Path


def note_backup(database: Path) -> None:
    """Notes that the log has been backed up just now. Raises OSError."""
    handle = os.open(_mark(database), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.utime(handle)
    finally:
        os.close(handle)


def last_backup(database: Path) -> float:
    """Returns when the log was last backed up, in seconds since 1970; 0 where nobody knows."""
    try:
        return _mark(database).stat().st_mtime
    except OSError:
        return 0.0


def _mark(database: Path) -> Path:
    file = database.resolve()
    return file.with_name(file.name + "-backup")
