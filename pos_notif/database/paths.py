"""Tells what stands at a path. Since Python 3.14 `Path.exists` and its like say False also of what may not be seen, and
a log in a folder without rights would be said not to exist. The functions here raise OSError there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# Of what the service and its commands make: it holds what customers ordered, and hashes of PINs.
PRIVATE = 0o600


def exists(path: Path) -> bool:
    return _mode(path) is not None


def is_directory(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path) or 0)


def is_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path) or 0)


def private(name: str, flags: int) -> int:
    """Opens a file as `open(…, opener=private)` has it: one that is made is its owner's alone, one that is there keeps
    its mode."""
    return os.open(name, flags, PRIVATE)


def _mode(path: Path) -> int | None:
    """Returns the mode of what stands there, or None where nothing does."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
