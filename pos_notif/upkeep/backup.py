"""Backups of a log and the way back. Whatever is made has another name until it is whole and on the disk, so that a
`kill -9` or a power cut leaves what was there before (docs/protocol.md, section 12)."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ..cluster.places import end_membership
from ..database.connecting import connect, is_writing
from ..database.file import in_transaction, new_epoch, opened, opened_to_read, reason
from ..database.open_files import is_open_here
from ..database.paths import exists, is_directory, private
from ..errors import CommandFailed
from ..log.tables.epochs import ID_GAP, lift_other_ids
from .progress import OnProgress, silent
from .verification import Sound, naming, verify_database

PAGES_AT_ONCE = 1024
# So far above the backup's are the next ids of orders placed here, of dishes, users, sessions and tokens. People read
# these: an order's id is its number.
OTHER_IDS_GAP = 100_000
_COMPANIONS = ("-wal", "-shm", "-journal")
_PART = ".part-"
# SQLite's lock bytes (sqlite.org/fileformat2.html, "the lock-byte page"): in WAL mode whoever has the file open holds a
# shared lock in this range, so that it can be locked exclusively by nobody else.
_LOCK_BYTES = (512, 0x40000000)


def back_up(database: Path, target: Path, progress: OnProgress = silent, checked: OnProgress = silent) -> Sound:
    """Copies the log as it is at one moment, while it is served and written, and verifies the copy. Raises
    CommandFailed, LogRefused, OSError or sqlite3.Error, and then there is no new file."""
    if exists(target):
        raise CommandFailed(f"{target}: exists already; a backup replaces no file")
    with new_file(target) as part:
        copy_log(database, part, progress)
        with naming(database), opened_to_read(part) as connection:
            sound = verify_database(connection, progress=checked)
        settle(part)
        publish(part, target)
    return sound


def open_copy(database: Path) -> BinaryIO:
    """Returns a copy of the log of one moment, made while it is served and written, as an open file that has no name
    any more and is gone when it is closed. Raises CommandFailed, LogRefused, OSError or sqlite3.Error."""
    with new_file(Path(f"{database}.copy")) as part:
        copy_log(database, part, silent)
        return part.open("rb")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place. `aside` is where the log that was replaced is kept, or None where there was none."""

    sound: Sound
    next_id: int
    aside: Path | None


def restore(source: Path, database: Path, progress: OnProgress = silent, checked: OnProgress = silent) -> Restored:
    """Puts a verified copy of a backup in the place of a log that nobody has open, with a new epoch and without
    sessions. Raises CommandFailed, LogRefused, OSError or sqlite3.Error, and then the log is as it was."""
    database = database.resolve()
    if exists(database):
        if database.samefile(source):
            raise CommandFailed(f"{source}: is the log itself")
        refuse_in_use(database)
    with new_file(database) as part:
        copy_log(source, part, progress)
        _leave_cluster(part)
        with naming(source), opened(part) as connection:
            sound = verify_database(connection, progress=checked)
            next_id = in_transaction(connection, _begin_anew)
        settle(part)
        aside = swap(part, database)
    return Restored(sound, next_id, aside)


def refuse_in_use(database: Path) -> None:
    """Raises CommandFailed where another process, or this one, has the log open."""
    if exists(database):
        with _locked(database):
            pass


def _leave_cluster(part: Path) -> None:
    """Makes a copy of a node's file a log of its own: its place among the cluster's records is another log's."""
    with contextlib.closing(connect(part)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'node'").fetchone() is not None:
            in_transaction(connection, end_membership)


def _begin_anew(connection: sqlite3.Connection) -> int:
    """Gives the log a new epoch, and returns its next id. Sessions end: one that was revoked since the backup must not
    come to life again. No other id that was given since is given anew either: a tap that waits in a browser would be
    done to somebody else's order."""
    connection.execute("DELETE FROM sessions")
    lift_other_ids(connection, OTHER_IDS_GAP)
    connection.execute("UPDATE log SET epoch = ?, head_id = head_id + ?", (new_epoch(), ID_GAP - 1))
    return int(connection.execute("SELECT head_id + 1 FROM log").fetchone()[0])


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yields a file beside the target, in the same file system, for as long as it is being made. Raises CommandFailed
    with the target's name where it cannot be written, whatever else is open."""
    directory = target.parent
    if not is_directory(directory):
        raise CommandFailed(f"{target}: the directory {directory} does not exist")
    _remove_abandoned(target)
    handle, name = tempfile.mkstemp(prefix=target.name + _PART, dir=directory)  # of mode 0600
    part = Path(name)
    try:
        with contextlib.suppress(OSError):  # where a file system has no such locks, nobody removes what is abandoned
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield part
    except sqlite3.Error as error:
        if not is_writing(error):
            raise
        raise CommandFailed(f"{target}: {reason(error)}") from error
    except OSError as error:
        if error.filename not in (None, name):
            raise
        raise CommandFailed(f"{target}: {error.strerror or error}") from error
    finally:
        _unlink(_companion(part, ending) for ending in ("", *_COMPANIONS))
        os.close(handle)


def _remove_abandoned(target: Path) -> None:
    """Removes what a killed command has left of the same target: nobody holds its lock any more."""
    for part in target.parent.glob(f"{glob.escape(target.name + _PART)}*"):
        if part.name.endswith(_COMPANIONS):
            continue
        with contextlib.suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _unlink(_companion(part, ending) for ending in ("", *_COMPANIONS))


def copy_log(source: Path, part: Path, progress: OnProgress) -> None:
    """Copies by SQLite's backup API, within one read transaction: so the copy is one moment's log, and is not begun
    anew with every commit of another process."""
    with opened_to_read(source) as connection, contextlib.closing(connect(part)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # it is synced once, when it is whole
        connection.execute("BEGIN")
        connection.execute("SELECT head_id FROM log").fetchone()
        connection.backup(copy, pages=PAGES_AT_ONCE, progress=lambda _, left, total: progress(total - left, total))
        connection.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, readable where nothing can be written


def settle(part: Path) -> None:
    """Makes the part one file that is on the disk."""
    with contextlib.closing(connect(part)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    _sync(part)


def swap(part: Path, database: Path, why: str = "restore") -> Path | None:
    """Gives the part the log's place and name. Returns the name under which the log is kept, which has `before-<why>`
    in it, or None where there was none."""
    aside = _aside(database, why)
    # What SQLite would take for the new file's own, and might discard with a damaged log.
    companions = [path for path in map(partial(_companion, database), _COMPANIONS) if exists(path)]
    kept = {path: _companion(aside, path.name.removeprefix(database.name)) for path in companions}
    for path, kept_path in kept.items():
        _keep(path, kept_path)
    if not exists(database):
        _unlink(companions)
        publish(part, database)
        return None
    try:
        whole = _fold_in_wal(database)
        with _locked(database) as held:
            if whole and exists(_companion(database, "-wal")):
                raise _in_use(database)
            _unlink(kept.values() if whole else companions)
            _keep(database, aside, held)
            _take_owner(part, database)
            os.replace(part, database)
            _sync(database.parent)
    except CommandFailed:
        _unlink(kept.values())
        raise
    return aside


def publish(part: Path, target: Path) -> None:
    """Gives the part a name that nobody has. Raises FileExistsError."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, such as a memory stick's
        os.rename(part, target)
    _sync(target.parent)


def _keep(path: Path, name: Path, locked: BinaryIO | None = None) -> None:
    """Keeps a file under another name too. A `locked` one is read through the handle that holds its lock: closing any
    other handle of the file would take the lock away."""
    try:
        os.link(path, name)
    except OSError:  # a file system without links
        source = contextlib.nullcontext(locked) if locked is not None else path.open("rb")
        with source as content, open(name, "xb", opener=private) as copy:
            shutil.copyfileobj(content, copy)
        shutil.copystat(path, name)
        _sync(name)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _fold_in_wal(database: Path) -> bool:
    """Makes the log one file. Returns False where it is so damaged that SQLite cannot."""
    try:
        with contextlib.closing(connect(database)) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise _in_use(database) from error
        return False
    except sqlite3.DatabaseError:
        return False
    return True


@contextlib.contextmanager
def _locked(database: Path) -> Iterator[BinaryIO]:
    """Keeps everybody else from opening the log; raises CommandFailed where somebody has it open. Where that is this
    very process, the file is not touched: closing it here would take the locks of SQLite away, which no lock of ours
    would notice, and the next command would delete what was acknowledged."""
    if is_open_here(database):
        raise CommandFailed(f"{database}: is in use by this process itself; close the log there first")
    with database.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, *_LOCK_BYTES)
        except OSError as error:
            raise _in_use(database) from error
        yield file


def _in_use(database: Path) -> CommandFailed:
    return CommandFailed(f"{database}: is in use by another process; stop the service first")


def _aside(database: Path, why: str) -> Path:
    stem = f"{database.name}.before-{why}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 0
    while exists(aside := database.with_name(stem + (f"-{number}" if number else ""))):
        number += 1
    return aside


def _companion(database: Path, ending: str) -> Path:
    return database.with_name(database.name + ending)


def _take_owner(part: Path, database: Path) -> None:
    """Gives the part the log's mode and owner: root restores for the service's user."""
    before = database.stat()
    os.chmod(part, before.st_mode & 0o777)
    with contextlib.suppress(PermissionError):
        os.chown(part, before.st_uid, before.st_gid)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
