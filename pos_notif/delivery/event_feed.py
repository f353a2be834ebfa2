"""A reader's events on a socket: in order, each with its cursor, at the pace at which the socket takes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Set

from ..errors import LogUnavailable
from ..events import MANAGERS
from ..log.event_log import NO_ROOM, LoggedEvent, Pruned
from ..log.tail import Waiter
from ..notifier import NotificadorPedidos, Reader
from ..socketio.packets import INTERNAL_ERROR, TRY_AGAIN_LATER
from ..socketio.sockets import Socket

logger = logging.getLogger("pos_notif")


class EventFeed:
    """Everything after the id `after`, until it is stopped. Nothing is queued: it is a cursor and a task.

    Whoever holds `turn` has the socket to itself: no event is sent meanwhile. `sent` are events that an earlier feed
    of this socket has sent although they are after `after`.
    """

    def __init__(
        self, notifier: NotificadorPedidos, socket: Socket, reader: Reader, after: int, sent: Set[int] = frozenset()
    ) -> None:
        self.reader = reader
        self.turn = asyncio.Lock()
        self._notifier = notifier
        self._socket = socket
        self._after = after
        # Without a room, only followed orders' events are sent: another feed may begin before them.
        self.sent = set(sent)
        self._waits = False
        self._stale = False
        self._waiter = Waiter()
        self._room: str | None = None
        self._task = asyncio.get_running_loop().create_task(self._run(), name="socket-events")

    @property
    def position(self) -> int:
        """The id up to which everything has been sent that was for this socket."""
        idle = self._waits and not self._waiter.woken
        return max(self._after, self._notifier.tail.reached) if idle else self._after

    async def stop(self) -> None:
        self._task.cancel()
        self._listen_to(None)
        await asyncio.gather(self._task, return_exceptions=True)

    async def rest(self) -> int:
        """Stops between two events; the position from which another feed goes on."""
        async with self.turn:
            position = self.position
            await self.stop()
        return position

    def orders_changed(self) -> None:
        """Called before an event of an order that is followed now is handed on: it may be in any room."""
        self._after = self.position
        self._stale = True
        self._listen_to(MANAGERS if self.reader.orders else self.reader.room or MANAGERS)

    def _listen_to(self, room: str | None) -> None:
        if self._room is not None:
            self._notifier.tail.forget(self._waiter, self._room)
        self._room = room
        if room is not None:
            self._notifier.tail.listen(self._waiter, room)

    async def _run(self) -> None:
        self.orders_changed()
        try:
            while True:
                self._waiter.clear()
                if not await self._send_page():
                    self._waits = True
                    await self._waiter.wait()
                    self._waits = False
        except LogUnavailable:
            self._socket.close(TRY_AGAIN_LATER, LogUnavailable.code)
        except Exception:
            logger.exception("a socket's events failed")
            self._socket.close(INTERNAL_ERROR, "")

    async def _send_page(self) -> bool:
        """Whether there may be more at once."""
        self._stale = False
        try:
            page = await self._notifier.page(self.reader, self._after)
        except Pruned:
            start = self._notifier.pruned(self._after)
            async with self.turn:
                await self._socket.emit("resincronizar", start.reset)
            self._after = start.after
            return True
        for event in page.events:
            async with self.turn:
                if self._stale:  # what is followed has changed since the page was read
                    return True
                if event.id not in self.sent:
                    await self._send(event)
                self._after = event.id
                if self.reader.room == NO_ROOM:
                    self.sent.add(event.id)
        self._after = page.examined
        return page.more

    async def _send(self, event: LoggedEvent) -> None:
        data = self._notifier.event_json(event, self.reader.kitchen).decode()
        await self._socket.emit_encoded(f'["{event.name}",{data},"{self._notifier.cursor(event.id)}"]')
