"""Locks beside the database, by which processes agree on who does what: `flock` on files of their own, which the system
takes from a process that dies. The files may be removed by nobody while somebody has the log open."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO

from ..errors import LogRefused
from .connecting import make_file
from .paths import exists

# As long as SQLite waits for its own lock.
TURN_SECONDS = 5.0
# In which the workers of a parent that was killed have ended.
ORPHANS_SECONDS = 10.0


def lock_file(database: str | os.PathLike[str], ending: str) -> Path:
    """Returns the path of a lock's file: beside the database that a link leads to, as SQLite's own companions are."""
    return Path(f"{os.path.realpath(database)}-{ending}")


def take(path: Path) -> BinaryIO:
    """Takes a lock, until what is returned is closed. Raises BlockingIOError where another process has it, and OSError
    where it cannot be had: there is no room for its file, or the file system has no such locks."""
    while True:
        file = _open(path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _has_its_name(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # it was removed meanwhile, by who had made it


def _open(path: Path) -> BinaryIO:
    """Opens a lock's file, which is made where it is not there: its owner's alone, since who may open it may hold the
    lock. Raises OSError."""
    make_file(path)
    return path.open("r+b", buffering=0)


def _has_its_name(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def serving_alone(database: str | os.PathLike[str]) -> Iterator[None]:
    """Makes this process, and those that it forks, the ones that serve the database. Raises LogRefused where others do.

    A second service would know nothing of who is connected to the first, of its failed sign-ins and of its limits.
    Where a file system has no such locks it serves all the same, as it can be used for one restaurant without them.
    """
    path = lock_file(database, "serve")
    with contextlib.ExitStack() as stack:
        is_new = False
        with contextlib.suppress(OSError):  # where nothing can be made there, whoever opens the database says why
            is_new = not exists(path)
            held = stack.enter_context(_take_to_serve(path, database))
            os.truncate(held.fileno(), 0)
            os.pwrite(held.fileno(), str(os.getpid()).encode(), 0)
        try:
            yield
        except LogRefused:
            if is_new:  # nothing is left beside what is no log
                with contextlib.suppress(OSError):
                    path.unlink()
            raise


def _take_to_serve(path: Path, database: str | os.PathLike[str]) -> BinaryIO:
    """Takes the lock of a service. Waits for one whose first process has gone: its workers see that, and end."""
    deadline = time.monotonic() + ORPHANS_SECONDS
    while True:
        try:
            return take(path)
        except BlockingIOError as error:
            number = _who_has(path)
            if number is None or _lives(number) or time.monotonic() > deadline:
                who = f"process {number}" if number is not None else "another process"
                raise LogRefused(
                    f"{database}: {who} serves it already; one log has one service (for more cores: --workers)"
                ) from error
        time.sleep(0.05)


def _who_has(path: Path) -> int | None:
    """Returns the id of the process that has taken the lock of a service; None where that is not known."""
    with contextlib.suppress(OSError):
        number = path.read_bytes()[:20].decode("ascii", "replace")
        if number.isdecimal():
            return int(number)
    return None


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True


class Turns:
    """Has the processes that write to a database take turns. SQLite's own waiting sleeps in growing steps, and starves
    who waits beside one who writes without a pause.

    SQLite's lock is what keeps the database sound; without this one, where it cannot be had, only the turns are unfair.
    """

    def __init__(self, database: Path) -> None:
        self._path = lock_file(database, "writer")
        self._file: BinaryIO | None = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for this process's turn, and keeps it for the body. It is for one thread at a time. Raises TimeoutError
        after TURN_SECONDS."""
        held = self._take()
        try:
            yield
        finally:
            if held is not None:
                # Not by closing it alone: a process that was forked meanwhile has inherited it.
                fcntl.flock(held, fcntl.LOCK_UN)
                if held is not self._file:
                    held.close()

    def _take(self) -> BinaryIO | None:
        try:
            if self._file is None:
                self._file = _open(self._path)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._wait()
        except OSError:
            return None
        return self._file

    def _wait(self) -> BinaryIO | None:
        """Waits in a thread of its own, which goes on waiting where this one gives up: nobody can tell `flock` for how
        long. Such a thread ends with the process, or lets go of the lock as soon as it has it."""
        turn: Future[BinaryIO | None] = Future()
        threading.Thread(target=self._wait_for, args=(turn,), name="writer-turn", daemon=True).start()
        try:
            return turn.result(TURN_SECONDS)
        except TimeoutError:
            if turn.cancel():
                raise TimeoutError(f"another process has been writing for {TURN_SECONDS:g} s") from None
            return turn.result()  # it came in this moment

    def _wait_for(self, turn: Future[BinaryIO | None]) -> None:
        file = None
        with contextlib.suppress(OSError):
            file = _open(self._path)
            fcntl.flock(file, fcntl.LOCK_EX)
        if turn.set_running_or_notify_cancel():
            turn.set_result(file)
        elif file is not None:
            file.close()
