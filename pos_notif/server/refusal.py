"""What a connection beyond all limits is told."""

from __future__ import annotations

import asyncio

from ..counts import Counts
from ..delivery.streams import BUSY_RETRY_MS
from ..errors import NoCapacity
from ..web.errors import STREAM_PATH
from ..web.stream import STREAM_HEADERS
from ..wire import sse
from ..wire.json_text import dump

REFUSAL_SECONDS = 2.0
# asyncio's own limit for a head that is read by lines.
MAX_HEAD_BYTES = 64 * 1024
_FULL_BODY = dump({"error": {"codigo": NoCapacity.code, "mensaje": NoCapacity.message}}).encode()
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: 30\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_FULL_BODY), _FULL_BODY)
)
_BUSY = b"HTTP/1.1 200 OK\r\n%bConnection: close\r\n\r\n%b%b" % (
    "".join(f"{name}: {value}\r\n" for name, value in STREAM_HEADERS.items()).encode(),
    sse.retry(BUSY_RETRY_MS),
    sse.frame("ocupado", b"{}"),
)


class Refusal(asyncio.Protocol):
    """A connection that is answered once, and closed. A stream is told to come back later: after a 503 a browser would
    not ask again."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._timer = asyncio.get_running_loop().call_later(REFUSAL_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._head += data
        # Read whole, or the reset for what is left would overtake the answer.
        if b"\r\n\r\n" in self._head:
            stream = self._head.startswith(b"GET " + STREAM_PATH.encode())
            self._counts.answers[2 if stream else 5] += 1
            self._transport.write(_BUSY if stream else _FULL)
            self._transport.close()
        elif len(self._head) > MAX_HEAD_BYTES:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
