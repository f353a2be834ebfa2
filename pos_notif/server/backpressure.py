"""What a connection's peer has not taken yet, and for how long: one that takes nothing for some seconds is dropped.

asyncio and Hypercorn wait for such a peer for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import struct
import termios
from typing import Any

from .serving import Serving

logger = logging.getLogger("pos_notif")


class Backpressure(asyncio.Protocol):
    """The writing side of a connection. Whoever writes looks at `is_full`, or awaits `drain`."""

    __slots__ = ("_room", "_serving", "_watch", "is_full", "lost", "transport")

    transport: asyncio.Transport

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self.is_full = False
        self.lost = False
        self._room: list[asyncio.Future[None]] | None = None
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        # Nothing may wait. asyncio's TLS pauses at the limit, not above it: 0 would be a pause for ever.
        self.transport.set_write_buffer_limits(high=1 if self.is_secure else 0)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self._stop_watch()
        self._let_go()

    @property
    def is_secure(self) -> bool:
        return self.transport.get_extra_info("ssl_object") is not None

    def pause_writing(self) -> None:
        self.is_full = True
        if self._serving.write_timeout:
            self._watch_progress(self._unsent())

    def resume_writing(self) -> None:
        self.is_full = False
        self._stop_watch()
        self._let_go()

    async def drain(self) -> None:
        """Returns once the transport takes more; a peer that takes nothing for long is dropped. Raises
        ConnectionError where it is gone."""
        while self.is_full and not self.lost:
            room = asyncio.get_running_loop().create_future()
            self._room = [*(self._room or ()), room]
            await room
        if self.lost:
            raise ConnectionResetError("the client has gone")

    def _let_go(self) -> None:
        rooms, self._room = self._room, None
        for room in rooms or ():
            if not room.done():
                room.set_result(None)

    def _watch_progress(self, waiting: int) -> None:
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(self._serving.write_timeout, self._check_progress, waiting)

    def _check_progress(self, waiting: int) -> None:
        unsent = self._unsent()
        if unsent >= waiting:
            logger.info("stalled reader dropped")
            self._serving.counts.stalled += 1
            self.transport.abort()
        else:
            self._watch_progress(unsent)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _unsent(self) -> int:
        """Counts the bytes that the peer has yet to acknowledge: a slow reader moves these long before our buffer
        empties."""
        transport: Any = self.transport
        size = transport.get_write_buffer_size()
        if (below := getattr(transport, "_ssl_protocol", None)) is not None and below._transport is not None:
            size += below._transport.get_write_buffer_size()  # TLS: what is encrypted already waits one floor below
        socket = transport.get_extra_info("socket")
        with contextlib.suppress(OSError, ValueError):
            size += struct.unpack("i", fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        return int(size)
