"""Notes in which business day each room last had a screen: there is no alarm for one that had none today. Each process
notes it of the screens that are connected to itself; who raises the alarms reads what all of them have noted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from ..clock import Instant, SteadyMs, WallMs, business_day
from ..delivery.presence import Directory
from ..errors import LogUnavailable
from ..log.live import LiveLog
from ..log.tables.alarms import read_screens

logger = logging.getLogger("pos_notif")

# At 04:00 a new day begins, and screens stay connected over it.
LOOK_SECONDS = 60.0
WRITE_RETRY_SECONDS = 5.0


class SeenRooms:
    """Use `start` once the log is open, and `close` before it is closed."""

    def __init__(self, log: LiveLog, directory: Directory, rooms: Collection[str]) -> None:
        self._log = log
        self._directory = directory
        self._rooms = rooms
        self._seen: dict[str, SteadyMs] = {}
        # What stood in the log of each when it was last looked: what has not changed is known better here, where the
        # clock may have been set since.
        self._noted: dict[str, int] = {}
        # What the log is still to be told: a screen that came and went meanwhile was there all the same.
        self._unnoted: dict[str, Instant] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._directory.on_screen(self._look)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="seen-rooms")

    async def close(self) -> None:
        self._directory.forget(self._look)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def today(self, room: str) -> bool:
        """Tells whether the room had a screen in this business day, at whichever process. Raises LogUnavailable."""
        if not self._is_today(room):
            for name, ms in (await self._log.database.read(read_screens)).items():
                known = self._noted.get(name)
                # One that is being noted from here is known here, whatever is read of it meanwhile.
                if known != ms and name not in self._unnoted:
                    # Another process has noted it just now; or one before this, of whose clock nothing is known.
                    set_by = 0 if known is None else self._log.clocks.set_by()
                    self._noted[name], self._seen[name] = ms, SteadyMs(ms - set_by)
        return self._is_today(room)

    def _is_today(self, room: str) -> bool:
        seen, clocks, zone = self._seen.get(room), self._log.clocks, self._log.zone
        return seen is not None and business_day(clocks.told(seen), zone) == business_day(clocks.wall(), zone)

    async def _run(self) -> None:
        while True:
            self._look()
            self._wake.clear()
            seconds = LOOK_SECONDS
            try:
                for room, at in list(self._unnoted.items()):
                    await self._log.store.note_screen(room, WallMs(at.ms))
                    self._noted[room] = at.ms
                    if self._unnoted[room] is at:
                        del self._unnoted[room]
            except LogUnavailable as error:
                logger.warning("that a room has a screen cannot be noted: %s", error.reason)
                seconds = WRITE_RETRY_SECONDS
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _look(self) -> None:
        for room in self._rooms:
            if self._has_screen(room) and not self._is_today(room):
                at = self._log.clocks.now()
                self._seen[room], self._unnoted[room] = at.steady, at
                self._wake.set()

    def _has_screen(self, room: str) -> bool:
        until = self._directory.polled_until(room)
        return self._directory.has_screen(room) or (until is not None and until > self._log.clocks.steady())
