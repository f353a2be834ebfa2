"""What stands at a path. `Path.exists` and its like say False of what may not be seen as well, since Python 3.14, and a
log in a folder without rights would be said not to exist. These raise OSError there."""

from __future__ import annotations

import stat
from pathlib import Path


def exists(path: Path) -> bool:
    return _mode(path) is not None


def is_directory(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path) or 0)


def is_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path) or 0)


def _mode(path: Path) -> int | None:
    """None where nothing is."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
