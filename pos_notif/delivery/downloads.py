"""Downloads of the log: each is a process that reads (`history/process.py`), and what a client takes of it.

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
from functools import partial
from typing import Any

from ..database.threads import Database
from ..errors import LogUnavailable, NoCapacity
from ..events import DOWNLOAD
from ..history.process import DAMAGED, FRAME_HEAD, describe
from ..history.query import Export
from ..log.live import LiveLog
from ..principal import Principal
from ..publishing.system_events import append_system
from ..resources import PACKAGE
from .connections import Connections

logger = logging.getLogger("pos_notif")

# Each has a process of 25 MB.
MAX_RUNNING = 4
REMEMBERED = 20
_RUN = f"import sys; sys.path.insert(0, sys.argv[1]); from {describe.__module__} import main; main()"

RUNNING, DONE, BROKEN = "en_curso", "completa", "interrumpida"


@dataclass(slots=True)
class Progress:
    """What the manager's page is told of a download, by the name that it gave it; and when it ended, which tells
    whose ended last of several processes."""

    name: str | None
    format: str
    rows: int = 0
    sent: int = 0
    state: str = RUNNING
    ended_ms: int = 0

    def told(self) -> dict[str, Any]:
        return {
            "descarga": self.name,
            "formato": self.format,
            "filas": self.rows,
            "enviadas": self.sent,
            "estado": self.state,
        }


class Downloads:
    """The downloads that are running, MAX_RUNNING at most, and how the last ones ended."""

    def __init__(self, log: LiveLog, connections: Connections) -> None:
        self._log = log
        self._connections = connections
        self._running: list[Download] = []
        self._ended: deque[Progress] = deque(maxlen=REMEMBERED)
        # Running at the other processes of the service, as far as they have told.
        self.elsewhere = 0

    @property
    def progress(self) -> list[Progress]:
        """Tells of the last downloads that ended and of those that are running, each oldest first."""
        return [*self._ended, *(download.progress for download in self._running)]

    def told(self) -> list[dict[str, Any]]:
        """Returns what the other processes are told of them: `fin` is for `merged`."""
        return [{**each.told(), "fin": each.ended_ms} for each in self.progress]

    @property
    def running(self) -> int:
        return len(self._running)

    async def start(self, export: Export, name: str | None, principal: Principal) -> Download:
        """Begins a download: counts its rows, and notes it in the log unless it goes on with another one. It ends with
        the session or token of `principal`. Raises NoCapacity, NotAuthenticated or LogUnavailable."""
        if len(self._running) + self.elsewhere >= MAX_RUNNING:
            raise NoCapacity("Hay demasiadas descargas en curso. Espere a que termine una.")
        download = Download(self, self._log.database, export, principal, Progress(name, export.format))
        self._running.append(download)
        self._connections.downloads.add(download)
        self._connections.verify()  # the session may have ended since the request was let in
        asking = asyncio.current_task()
        assert asking is not None
        asking.add_done_callback(download.end)  # also where its client goes before the first byte is asked for
        try:
            total = await download.open()
            if not export.after:
                await self._note(export, principal, total)
        except BaseException:
            await download.close()
            raise
        return download

    async def _note(self, export: Export, principal: Principal, rows: int) -> None:
        log = self._log
        fields = {
            "actor": principal.actor, "formato": export.format, "filtros": export.filters.sent, "filas": rows,
        }  # fmt: skip
        note = partial(append_system, tipo=DOWNLOAD, fields=fields, at=log.clocks.now(), zone=log.zone)
        await log.transact(note, principal)

    def ended(self, download: Download) -> None:
        self._running.remove(download)
        self._connections.downloads.discard(download)
        download.progress.ended_ms = self._log.clocks.wall()
        self._ended.append(download.progress)

    async def close(self) -> None:
        for download in list(self._running):
            await download.close()


def merged(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns what is told of the downloads of several processes: as many ended ones as of one process, then those that
    are running."""
    ended = sorted((each for each in told if each["estado"] != RUNNING), key=lambda each: each.get("fin", 0))
    running = [each for each in told if each["estado"] == RUNNING]
    return [{name: value for name, value in each.items() if name != "fin"} for each in (*ended[-REMEMBERED:], *running)]


class Download:
    """Iterate over its bytes once; close it in any case."""

    def __init__(
        self, downloads: Downloads, database: Database, export: Export, principal: Principal, progress: Progress
    ) -> None:
        self.principal = principal
        self.progress = progress
        self._downloads = downloads
        self._database = database
        self._export = export
        self._thread = ThreadPoolExecutor(1, "download")
        self._process: subprocess.Popen[bytes] | None = None  # set by the thread: whoever awaits it may be cancelled
        self._following: asyncio.Task[tuple[int, bytes]] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> int:
        """Starts the process, and returns how many rows there are in all. Raises LogUnavailable."""
        database = self._database
        if database.lost is not None:  # the process would open what stands there now
            raise LogUnavailable
        asked = describe(self._export, str(database.path), database.files.identity)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._start, asked)
        self.progress.rows, total = await self._next()
        return int(total)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            self._following = asyncio.create_task(self._next(), name="download")
            while True:
                rows, page = await self._following
                if self._closing is not None:
                    raise LogUnavailable
                if not page:
                    self.progress.state = DONE
                    return
                self._following = asyncio.create_task(self._next(), name="download")  # read while this one is sent
                yield page
                self.progress.sent += rows
        finally:
            await self.close()

    async def _next(self) -> tuple[int, bytes]:
        if self._closing is not None:
            raise LogUnavailable
        loop = asyncio.get_running_loop()
        frame = await loop.run_in_executor(self._thread, self._read_frame)
        if frame is None:
            if self._closing is None:
                words, code = await loop.run_in_executor(self._thread, self._last_words)
                logger.error("a download broke off: %s", words)
                if code == DAMAGED:
                    self._database.note_damage(words)
            raise LogUnavailable
        return frame

    def end(self, reason: object = None) -> None:
        """Ends the download soon; where it is not at its end, it breaks off."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(), name="download-end")

    async def close(self) -> None:
        """Ends the process at once, whoever it is that stopped listening, and waits until it is gone. Who awaits this
        may be cancelled meanwhile, a second time where the client has gone: the process is ended all the same."""
        self.end()
        assert self._closing is not None
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self.progress.state == RUNNING:
            self.progress.state = BROKEN
        if self._process is not None:
            self._process.kill()  # the thread may still read: it meets the pipe's end now
        if self._following is not None:
            await asyncio.gather(self._following, return_exceptions=True)
        # Behind a start that is under way.
        await asyncio.get_running_loop().run_in_executor(self._thread, self._reap)
        self._thread.shutdown(wait=False)
        self._downloads.ended(self)

    # In the thread

    def _start(self, asked: bytes) -> None:
        process = self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _RUN, str(PACKAGE.parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(asked)

    def _read_frame(self) -> tuple[int, bytes] | None:
        assert self._process is not None
        pipe = self._process.stdout
        assert pipe is not None
        head = pipe.read(FRAME_HEAD.size)
        if len(head) < FRAME_HEAD.size:
            return None
        rows, size = FRAME_HEAD.unpack(head)
        content = pipe.read(size)
        return (rows, content) if len(content) == size else None

    def _last_words(self) -> tuple[str, int]:
        """Returns what the process said at its end, and its exit code."""
        assert self._process is not None
        assert self._process.stderr is not None
        words, code = self._process.stderr.read().decode(errors="replace").strip(), self._process.wait()
        return words or f"exit code {code}", code

    def _reap(self) -> None:
        if self._process is not None:
            with self._process as process:  # closes its pipes, and waits for it
                process.kill()
