"""The staff's screens: each of them has the page of their room open while the demo runs, and a cook sees what comes, so
that nobody is told of a kitchen without a screen who has only closed their own page."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading

from ..events import COOK, MANAGER
from .board import Board
from .client import Client, Refused, Stopped
from .people import PEOPLE, Deed, Person, acknowledge, first_of

# As on the kitchen's board: what was in sight for so long has been seen. In real seconds, since so are the alarms.
SIGHT_SECONDS = 1.0
MOST_RECEIPTS = 500
PAUSE_SECONDS = 2.0
STAFF = tuple(person for person in PEOPLE if person.role != MANAGER)
_READ_BYTES = 64 * 1024


class Eyes:
    """A cook at the kitchen's board, who sees what comes and confirms no cancelled ticket: that is left to people."""

    def __init__(self, pace: float) -> None:
        self._sight = SIGHT_SECONDS * pace
        self._since: dict[int, float] = {}

    def act(self, board: Board, now: float) -> list[Deed]:
        """Returns the receipt of what has been in sight for long enough at `now`."""
        self._since = {event_id: self._since.get(event_id, now) for event_id in board.unseen}
        seen = [event_id for event_id, since in self._since.items() if now - since >= self._sight]
        return [acknowledge(first_of(COOK), seen[:MOST_RECEIPTS])] if seen else []


class Screens:
    """A stream of each of the staff's rooms, opened anew whenever it ends, until `stop` is set: of several ports, which
    serve one log, at the next one."""

    def __init__(self, client: Client, host: str, port: int, stop: threading.Event, *others: int) -> None:
        self._client = client
        self._host = host
        self._ports = itertools.cycle((port, *others))
        self._stop = stop

    async def run(self) -> None:
        await asyncio.gather(*(self._watch(person) for person in STAFF))

    async def _watch(self, person: Person) -> None:
        with contextlib.suppress(Stopped, Refused):  # whom the simulation cannot sign in, it tells of by itself
            while not self._stop.is_set():
                cookie = await asyncio.to_thread(self._client.cookie, person)
                with contextlib.suppress(OSError):
                    if not await self._read(person.role, cookie):
                        self._client.forget(person)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self, role: str, cookie: str) -> bool:
        """Reads the role's stream to its end, and keeps nothing of it. Returns whether there was one."""
        port = next(self._ports)
        reader, writer = await asyncio.open_connection(self._host, port)
        try:
            host = f"[{self._host}]" if ":" in self._host else self._host
            writer.write(
                f"GET /api/notificaciones/stream/{role} HTTP/1.1\r\nHost: {host}:{port}\r\n"
                f"Cookie: {cookie}\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
            found = b" 200 " in await reader.readline()
            while found and await reader.read(_READ_BYTES):
                pass
            return found
        finally:
            writer.close()
