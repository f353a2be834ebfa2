"""A connection until its TLS handshake is done: it counts from its accept, as one without TLS does.

asyncio's own server says nothing of a connection before that: thousands that send nothing would be bounded by their
five seconds alone, and take all the files that may be open.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from .backpressure import address_of
from .long_way import LINGER_SECONDS
from .serving import Serving

# A client that says nothing in its handshake.
HANDSHAKE_SECONDS = 5.0


class Handshake(asyncio.Protocol):
    """Begins TLS, and then gives the connection to the protocol that `accept()` returns."""

    def __init__(self, serving: Serving, tls: ssl.SSLContext, accept: Callable[[], asyncio.Protocol]) -> None:
        self._serving = serving
        self._tls = tls
        self._accept = accept
        self._received: list[bytes] = []  # with the handshake's last words

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.pause_reading()  # until TLS reads
        self._address = address_of(transport)
        if self._serving.over:
            self.abort()
            return
        self._serving.connections.add(self)
        self._serving.newcomers.add(self, self._address)
        self._serving.run(self._run(), "handshake")

    def data_received(self, data: bytes) -> None:
        self._received.append(data)

    def close_if_idle(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._transport.abort()

    async def _run(self) -> None:
        serving = self._serving
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport, self, self._tls, server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS, ssl_shutdown_timeout=LINGER_SECONDS,
            )  # fmt: skip
        except OSError:  # it speaks no TLS, is too slow, or has gone
            return
        finally:
            serving.connections.discard(self)
            serving.newcomers.discard(self, self._address)
            if not serving.connections:
                serving.on_empty()
        if transport is None or transport.is_closing():
            return
        protocol = self._accept()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for data in self._received:
            protocol.data_received(data)
