"""A reader's events on a socket: in order, each with its cursor, at the pace at which the socket takes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Set
from contextlib import aclosing

from ..errors import LogUnavailable
from ..events import MANAGERS
from ..log.event_log import NO_ROOM, LoggedEvent, Page
from ..log.tail import Waiter
from ..socketio.packets import INTERNAL_ERROR, TRY_AGAIN_LATER
from ..socketio.sockets import Socket
from .reader import Reader, Start

logger = logging.getLogger("pos_notif")


class EventFeed:
    """Sends everything after the id `after`, until it is stopped. Nothing is queued: it is a cursor and a task.

    Whoever holds `turn` has the socket to itself: no event is sent meanwhile. `sent` are events that an earlier feed
    of this socket has sent although they are after `after`.
    """

    def __init__(self, socket: Socket, reader: Reader, after: int, sent: Set[int] = frozenset()) -> None:
        self.reader = reader
        self.turn = asyncio.Lock()
        self._log = reader.log
        self._socket = socket
        self._after = after
        # Without a room, only followed orders' events are sent: another feed may begin before them.
        self.sent = set(sent)
        self._stale = False
        self._waiter = Waiter()
        self._room: str | None = None
        self._task = asyncio.get_running_loop().create_task(self._run(), name="socket-events")

    @property
    def position(self) -> int:
        """Returns the id up to which everything has been sent that was for this socket."""
        return max(self._after, self._log.tail.reached) if self._waiter.waiting else self._after

    async def stop(self) -> None:
        self._task.cancel()
        self._listen_to(None)
        await asyncio.gather(self._task, return_exceptions=True)

    async def rest(self) -> int:
        """Stops between two events, and returns the position from which another feed goes on."""
        async with self.turn:
            position = self.position
            await self.stop()
        return position

    def orders_changed(self) -> None:
        """Goes on by what is followed now. It is called before an event of a newly followed order is handed on, which
        may be in any room."""
        self._after = self.position
        self._stale = True
        self._listen_to(MANAGERS if self.reader.orders else self.reader.room or MANAGERS)

    def _listen_to(self, room: str | None) -> None:
        if self._room is not None:
            self._log.tail.forget(self._waiter, self._room)
        self._room = room
        if room is not None:
            self._log.tail.listen(self._waiter, room)

    async def _run(self) -> None:
        self.orders_changed()
        try:
            while True:
                await self._send_pages()
        except LogUnavailable:
            self._socket.close(TRY_AGAIN_LATER, LogUnavailable.code)
        except Exception:
            logger.exception("a socket's events failed")
            self._socket.close(INTERNAL_ERROR, "")

    async def _send_pages(self) -> None:
        """Sends page after page, until other orders are followed than when it began."""
        self._stale = False
        async with aclosing(self.reader.pages(self._after, self.reader.page, waiter=self._waiter)) as pages:
            async for page in pages:
                if self._stale:
                    return
                if isinstance(page, Start):
                    async with self.turn:
                        await self._socket.emit("resincronizar", page.reset)
                    self._after = page.after
                else:
                    await self._send_page(page)
                if self._stale:
                    return

    async def _send_page(self, page: Page) -> None:
        for event in page.events:
            await self._socket.engine.room(len(self.reader.json_of(event)))
            async with self.turn:
                if self._stale:  # what is followed has changed since the page was read
                    return
                if event.id not in self.sent:
                    await self._send(event)
                self._after = event.id
                if self.reader.room == NO_ROOM:
                    self.sent.add(event.id)
        self._after = page.examined

    async def _send(self, event: LoggedEvent) -> None:
        data = self.reader.json_of(event).decode()
        await self._socket.emit_encoded(f'["{event.name}",{data},"{self._log.cursor(event.id)}"]')
