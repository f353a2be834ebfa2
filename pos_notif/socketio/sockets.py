"""Socket.IO v5 over an Engine.IO session (protocol document v5-current): namespaces, events, acks, byte strings.

The client speaks first; nothing but refusals is sent to it in a namespace before its CONNECT is answered.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .engine import EngineSession
from .packets import (
    ACK,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    POLICY_VIOLATION,
    ROOT,
    TOO_BIG,
    UNSUPPORTED_DATA,
    BadPacket,
    Packet,
    decode,
    encode,
    put_back,
)

CONNECT_SECONDS = 45.0
ATTACHMENT_SECONDS = 10.0
# What somebody may send who has joined nothing yet: a CONNECT with a token and a cursor.
MAX_STRANGERS_MESSAGE = 4096
INVALID_NAMESPACE = {"message": "Invalid namespace"}


class SocketHandler(Protocol):
    """What one client's socket in one namespace does. Its calls come one after the other."""

    async def authorize(self, auth: dict[str, Any]) -> str | None:
        """Judges the CONNECT's payload before it is answered. A text refuses the connection and is told to the
        client."""

    async def opened(self) -> None:
        """Is called once the client has its answer."""

    async def event(self, name: str, arguments: list[Any]) -> Sequence[Any] | None:
        """Returns the ack's arguments, which are sent where the client asked for an ack; after None there is no ack."""

    async def closed(self) -> None:
        """Is called for every handler that was asked to authorize, however its socket ended."""


class Socket:
    """The server's end in one namespace. `sid` names it to its client, and is not the Engine.IO session's."""

    def __init__(self, engine: EngineSession, namespace: str) -> None:
        self.sid = secrets.token_urlsafe(15)
        self.engine = engine
        self._namespace = namespace

    async def emit(self, name: str, *arguments: Any) -> None:
        await self.send(EVENT, [name, *arguments])

    async def emit_encoded(self, arguments: str) -> None:
        """Sends an event whose list of name and arguments is JSON already."""
        prefix = "" if self._namespace == ROOT else self._namespace + ","
        await self.engine.send(f"{EVENT}{prefix}{arguments}")

    async def send(self, kind: int, data: Any, ack_id: int | None = None) -> None:
        await self.engine.send(*encode(Packet(kind, self._namespace, data, ack_id)))

    def close(self, code: int, reason: str, *last: Any) -> None:
        """Ends the whole connection; `last` is an event's name and arguments."""
        words = encode(Packet(EVENT, self._namespace, list(last))) if last else []
        self.engine.close(code, reason, *words)


class Sockets:
    """One client's sockets. `namespaces` makes the handler of a new one; `run` is the connection's whole life."""

    def __init__(
        self,
        engine: EngineSession,
        namespaces: Mapping[str, Callable[[Socket], SocketHandler]],
        *,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._engine = engine
        self._namespaces = namespaces
        self._connect_seconds = connect_seconds
        self._sockets: dict[str, tuple[Socket, SocketHandler]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._incomplete: Packet | None = None
        self._attachments: list[bytes] = []

    async def run(self) -> None:
        self._await_connect()
        try:
            await self._engine.run(self._message)
        finally:
            self._stop_timer()
            while self._sockets:
                _, (_, handler) = self._sockets.popitem()
                await handler.closed()

    async def _message(self, data: str | bytes) -> None:
        if not self._sockets and len(data) > MAX_STRANGERS_MESSAGE:
            raise BadPacket("message too big before joining a namespace", TOO_BIG)
        if isinstance(data, bytes):
            return await self._attachment(data)
        if self._incomplete is not None:
            raise BadPacket("text before the attachments were complete")
        packet = decode(data)
        if not packet.attachments:
            return await self._packet(packet)
        self._connected(packet)
        self._incomplete = packet
        self._set_timer(ATTACHMENT_SECONDS, "attachments timeout")

    async def _attachment(self, data: bytes) -> None:
        packet = self._incomplete
        if packet is None:
            raise BadPacket("a binary message that belongs to no packet", UNSUPPORTED_DATA)
        self._attachments.append(data)
        if sum(map(len, self._attachments)) > self._engine.settings.max_payload:
            raise BadPacket("attachments too big", TOO_BIG)
        if len(self._attachments) == packet.attachments:
            put_back(packet, self._attachments)
            self._incomplete, self._attachments = None, []
            self._stop_timer()
            await self._packet(packet)

    async def _packet(self, packet: Packet) -> None:
        if packet.type == CONNECT:
            return await self._connect(packet)
        socket, handler = self._connected(packet)
        if packet.type == EVENT:
            name, *arguments = packet.data
            answer = await handler.event(name, arguments)
            if packet.ack_id is not None and answer is not None:
                await socket.send(ACK, list(answer), packet.ack_id)
        elif packet.type == DISCONNECT:
            del self._sockets[packet.namespace]
            if not self._sockets:
                self._await_connect()
            await handler.closed()
        # Nobody asks for an ack here: those that come are let go, as the reference does (socket.io, `lib/socket.ts`).

    def _connected(self, packet: Packet) -> tuple[Socket, SocketHandler]:
        try:
            return self._sockets[packet.namespace]
        except KeyError:
            raise BadPacket("not connected to this namespace") from None

    async def _connect(self, packet: Packet) -> None:
        if packet.namespace in self._sockets:
            raise BadPacket("connected already")
        make = self._namespaces.get(packet.namespace)
        if make is None:
            return await self._engine.send(*encode(Packet(CONNECT_ERROR, packet.namespace, INVALID_NAMESPACE)))
        socket = Socket(self._engine, packet.namespace)
        handler = make(socket)
        self._sockets[packet.namespace] = socket, handler
        refusal = await handler.authorize(packet.data or {})
        if refusal is not None:
            del self._sockets[packet.namespace]
            await handler.closed()
            return await socket.send(CONNECT_ERROR, {"message": refusal})
        self._stop_timer()
        await socket.send(CONNECT, {"sid": socket.sid})
        await handler.opened()

    # A client in no namespace is not kept, and a packet is not waited for, for ever.

    def _await_connect(self) -> None:
        self._set_timer(self._connect_seconds, "connect timeout")

    def _set_timer(self, seconds: float, reason: str) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._engine.close, POLICY_VIOLATION, reason)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
