"""What a connection's peer has not taken yet, and for how long: one that takes nothing for some seconds is dropped.

asyncio and Hypercorn wait for such a peer for ever, and the kernel for a quarter of an hour. Where it is told to wait
for less, as here of a peer that acknowledges nothing (a tablet without power), Linux gives up slow readers too: it
counts from its first probe of a window that is too small for what is next, whatever is taken meanwhile. So a reader
that is behind is watched from here alone, until it has taken everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import socket
import struct
import sys
import termios
from typing import Any

from .serving import Serving

logger = logging.getLogger("pos_notif")

UNACKNOWLEDGED_SECONDS = 8.0
# struct tcp_info of linux/tcp.h: tcpi_bytes_acked, 64 bits.
_BYTES_ACKED = 120


def give_up_unacknowledged(connection: Any, seconds: float | None) -> None:
    """Has the kernel give up the peer of a `connection` (a socket, or asyncio's view of one; a listener's are those
    that it accepts) that acknowledges nothing for 8 s, or for `seconds` where that is longer; None: no sooner than by
    itself."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        patience = 0.0 if seconds is None else max(UNACKNOWLEDGED_SECONDS, seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(patience * 1000))


def address_of(transport: asyncio.BaseTransport) -> str:
    """Returns the address that a connection comes from; the empty text where the system no longer tells."""
    peer = transport.get_extra_info("peername")
    return peer[0] if peer else ""


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
        if self._serving.write_timeout and self._watch is None:
            self._give_up_after(None)
            self._watch_progress(*self._progress())

    def resume_writing(self) -> None:
        self.is_full = False
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

    def _watch_progress(self, taken: int, waiting: int) -> None:
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(self._serving.write_timeout, self._check_progress, taken, waiting)

    def _check_progress(self, taken_before: int, waiting_before: int) -> None:
        taken, waiting = self._progress()
        if not self.is_full and not waiting:
            self._watch = None
            self._give_up_after(self._serving.write_timeout)
        elif taken > taken_before or waiting < waiting_before or not (taken or self.is_full):
            self._watch_progress(taken, waiting)
        else:
            logger.info("stalled reader dropped")
            self._serving.counts.stalled += 1
            self.transport.abort()

    def _give_up_after(self, seconds: float | None) -> None:
        with contextlib.suppress(OSError):
            give_up_unacknowledged(self.transport.get_extra_info("socket"), seconds)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _progress(self) -> tuple[int, int]:
        """Counts the bytes that the peer has acknowledged, 0 where the system does not tell, and those that it has yet
        to: a slow reader moves both long before our buffer empties."""
        transport: Any = self.transport
        taken, waiting = 0, transport.get_write_buffer_size()
        if (below := getattr(transport, "_ssl_protocol", None)) is not None and below._transport is not None:
            waiting += below._transport.get_write_buffer_size()  # TLS: what is encrypted already waits one floor below
        peer = transport.get_extra_info("socket")
        with contextlib.suppress(OSError, ValueError):
            waiting += struct.unpack("i", fcntl.ioctl(peer.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
            if sys.platform == "linux":
                told = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
                taken = struct.unpack_from("=Q", told.ljust(_BYTES_ACKED + 8, b"\0"), _BYTES_ACKED)[0]
        return taken, int(waiting)
