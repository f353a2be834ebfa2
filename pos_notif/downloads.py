"""Downloads of the log: each is a process that reads (`export_process.py`), and what a client takes of it.

The client sets the pace: the next page is taken from the process when the one before has been sent, and the process
waits for that in its pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .appending import Moment
from .errors import LogUnavailable, NoCapacity
from .event_log import Transaction
from .export_process import FRAME_HEAD, describe
from .notifier import NotificadorPedidos
from .sqlite_export import Export

logger = logging.getLogger("pos_notif")

# Each has a process of 25 MB.
MAX_RUNNING = 4
REMEMBERED = 20
_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from pos_notif.export_process import main; main()"
_PACKAGE = str(Path(__file__).parent.parent)

RUNNING, DONE, BROKEN = "en_curso", "completa", "interrumpida"


@dataclass(slots=True)
class Progress:
    """What the manager's page is told of a download, by the name that it gave it."""

    name: str | None
    format: str
    rows: int = 0
    sent: int = 0
    state: str = RUNNING

    def told(self) -> dict[str, Any]:
        return {
            "descarga": self.name,
            "formato": self.format,
            "filas": self.rows,
            "enviadas": self.sent,
            "estado": self.state,
        }


class Downloads:
    def __init__(self, notifier: NotificadorPedidos) -> None:
        self._notifier = notifier
        self._progress: deque[Progress] = deque(maxlen=REMEMBERED)
        self._running: set[Download] = set()

    @property
    def progress(self) -> list[Progress]:
        """Of those running and the last ones, oldest first."""
        return list(self._progress)

    async def start(self, export: Export, name: str | None, actor: dict[str, Any]) -> Download:
        """Counts its rows, and notes it in the log unless it goes on with another one. Raises NoCapacity or
        LogUnavailable."""
        if len(self._running) >= MAX_RUNNING:
            raise NoCapacity("Hay demasiadas descargas en curso. Espere a que termine una.")
        progress = Progress(name, export.format)
        download = Download(self, export, progress)
        self._running.add(download)
        try:
            total = await download.open(self._notifier.config.database)
            if not export.after:
                record = _Record(self._notifier.moment(), actor, export, total)
                await self._notifier.log.transact(record)
        except BaseException:
            await download.close()
            raise
        self._progress.append(progress)
        return download

    def ended(self, download: Download) -> None:
        self._running.discard(download)

    async def close(self) -> None:
        for download in list(self._running):
            await download.close()


class Download:
    """Iterate over its bytes once; close it in any case."""

    def __init__(self, downloads: Downloads, export: Export, progress: Progress) -> None:
        self._downloads = downloads
        self._export = export
        self._progress = progress
        self._thread = ThreadPoolExecutor(1, "download")
        self._process: subprocess.Popen[bytes] | None = None

    async def open(self, database: str) -> int:
        """How many rows there are in all."""
        loop = asyncio.get_running_loop()
        self._process = await loop.run_in_executor(self._thread, _start, describe(self._export, database))
        self._progress.rows, total = await self._next()
        return int(total)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        following = asyncio.create_task(self._next(), name="download")
        try:
            while True:
                rows, page = await following
                if not page:
                    self._progress.state = DONE
                    return
                following = asyncio.create_task(self._next(), name="download")  # read while this one is sent
                yield page
                self._progress.sent += rows
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await self.close()

    async def _next(self) -> tuple[int, bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        loop = asyncio.get_running_loop()
        frame = await loop.run_in_executor(self._thread, _read_frame, self._process.stdout)
        if frame is None:
            logger.error(
                "a download broke off: %s", await loop.run_in_executor(self._thread, _last_words, self._process)
            )
            raise LogUnavailable
        return frame

    async def close(self) -> None:
        """Ends the process: at once, and whoever it is that stopped listening."""
        if self._progress.state == RUNNING:
            self._progress.state = BROKEN
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # A thread may still read: it meets the pipe's end now.
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, _reap, process))
        self._thread.shutdown(wait=False)
        self._downloads.ended(self)


@dataclass(frozen=True, slots=True)
class _Record:
    """Appends `descarga`. Call it with the transaction."""

    moment: Moment
    actor: dict[str, Any]
    export: Export
    rows: int

    def __call__(self, transaction: Transaction) -> None:
        event = {
            "id": transaction.next_id(),
            "tipo": "descarga",
            "timestamp": self.moment.timestamp,
            "actor": self.actor,
            "formato": self.export.format,
            "filtros": self.export.filters.sent,
            "filas": self.rows,
        }
        transaction.append(event, set(), self.moment.ms, None)


# In the download's thread.


def _start(asked: bytes) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _RUN, _PACKAGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(asked)
    return process


def _read_frame(pipe: IO[bytes]) -> tuple[int, bytes] | None:
    head = pipe.read(FRAME_HEAD.size)
    if len(head) < FRAME_HEAD.size:
        return None
    rows, size = FRAME_HEAD.unpack(head)
    content = pipe.read(size)
    return (rows, content) if len(content) == size else None


def _last_words(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.read().decode(errors="replace").strip() or f"exit code {process.wait()}"


def _reap(process: subprocess.Popen[bytes]) -> None:
    with process:  # closes its pipes, and waits for it
        pass
