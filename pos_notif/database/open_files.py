"""Tells whether the files that a database has open are still those that stand under its name, and whether this process
has a file open at all.

SQLite goes on writing into a file that was removed or replaced, and says of each commit that it is durable. Only names
and descriptors are looked at here, and no file is opened: closing one beside SQLite takes its locks away.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

# Where a process may have more open files than this, looking at each number would take seconds.
MOST_DESCRIPTORS = 65_536


class FilesLost(Exception):
    """What stands under the database's name is not what is open. The message says in English what has happened."""


class OpenFiles:
    """The files of a database that is open: itself, its write-ahead log and the index of that.

    Make it while connections are open that have read: all three files are there then until the last of them closes.
    """

    def __init__(self, path: Path) -> None:
        # SQLite follows a link, and makes the companions beside the file that it leads to.
        real = os.path.realpath(path)
        self._names = (os.fspath(path), f"{real}-wal", f"{real}-shm")
        self._identities = tuple(map(_identity, self._names))

    @property
    def identity(self) -> tuple[int, int] | None:
        """Returns the device and the inode of the database itself."""
        return self._identities[0]

    def check(self) -> None:
        """Raises FilesLost where the database itself is not there any more or is another file, and OSError where that
        cannot be seen. It is quick: each commit asks three times."""
        self._compare(self._names[0], self._identities[0])

    def check_all(self) -> None:
        """Does as `check`, for the companions too."""
        for name, identity in zip(self._names, self._identities, strict=True):
            self._compare(name, identity)

    def _compare(self, name: str, identity: tuple[int, int] | None) -> None:
        found = _identity(name)
        if found != identity:
            raise FilesLost(f"{name} was " + ("removed" if found is None else "replaced by another file"))

    def has_itself(self) -> bool:
        """Tells whether the database itself is still there, whatever happened to its companions. Raises OSError."""
        return _identity(self._names[0]) == self._identities[0]

    def signature(self) -> tuple[int, int, int]:
        """Returns what changes when the database itself is written: by SQLite, which does it now and then, or by
        whoever copies another file over it. Raises OSError."""
        found = os.stat(self._names[0])
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def wal_bytes(self) -> int:
        """Returns the length of the write-ahead log's file. Raises OSError."""
        return os.stat(self._names[1]).st_size

    def set_companions_aside(self) -> None:
        """Renames the companions that still have their names: SQLite would take them for those of whatever stands under
        the database's name now, and damage that. Raises OSError."""
        moment = time.strftime("%Y%m%d-%H%M%S")
        for name, identity in zip(self._names[1:], self._identities[1:], strict=True):
            if identity is not None and _identity(name) == identity:
                os.rename(name, f"{name[:-4]}.lost-{moment}{name[-4:]}")


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def is_open_here(path: Path) -> bool:
    """Tells whether this very process has the file open, whoever opened it and by whatever name. Locks do not say so:
    those of one process never stand in each other's way (POSIX). Raises OSError."""
    identity = _identity(os.fspath(path))
    # Each number is asked, since not every system has a list of those that are open; the lowest are given first.
    for descriptor in range(min(os.sysconf("SC_OPEN_MAX"), MOST_DESCRIPTORS)):
        with contextlib.suppress(OSError):  # it is not open
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) == identity:
                return True
    return False
