"""What a client does on its socket: signs in, asks for its role's events, follows orders, acknowledges.

The actions are those of `publishing/following.py`, and are answered by an event and, where the client asks for one, by
an ack with the same object (docs/protocol.md, section 18).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ..clock import SteadyMs
from ..errors import (
    DomainError,
    Invalid,
    LogUnavailable,
    NoCapacity,
    NotAuthenticated,
    OriginNotAllowed,
    RoleNotAllowed,
    UnknownAction,
)
from ..events import COOK, ROLE_ROOM, may_read
from ..log.event_log import NO_ROOM, Cursor
from ..log.live import LiveLog
from ..log.subscriptions import Followed, client_name
from ..principal import Owner, Principal
from ..publishing.following import acknowledge, flag, subscribe, unsubscribe
from ..socketio.engine import WEBSOCKET, EngineSession
from ..socketio.long_polling import POLLING
from ..socketio.packets import POLICY_VIOLATION, SERVICE_RESTART, TRY_AGAIN_LATER, BadPacket
from ..socketio.sockets import Socket, Sockets
from ..wire.json_limits import BODY
from .connections import RESTART, SESSION_ENDED, Connections
from .event_feed import EventFeed
from .presence import Directory, Presence
from .reader import Reader, Start

logger = logging.getLogger("pos_notif")

RECEIPTS = "acusar_recibo"
# What `estado` calls Engine.IO's transports.
TRANSPORTS = {WEBSOCKET: "websocket", POLLING: "polling-largo"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came with the request that a connection began with: `credentials` as `Accounts.find_first` takes them, and
    whether it came from a `foreign` page, which may use none."""

    credentials: Sequence[tuple[str, str, str]]
    foreign: bool


class ClientConnection:
    """One client's connection, by a websocket or by polls, from its opening to its close."""

    def __init__(
        self, engine: EngineSession, arrival: Arrival, log: LiveLog, directory: Directory, connections: Connections
    ) -> None:
        self.arrival = arrival
        self.log = log
        self.directory = directory
        self.connections = connections
        self._engine = engine
        self._client: ClientSocket | None = None

    async def run(self) -> None:
        connections = self.connections
        connections.strangers.add(self)
        if connections.closing:  # since the upgrade was let in
            self.end(RESTART)
        try:
            await Sockets(self._engine, {"/": self._make_client}).run()
        finally:
            connections.strangers.discard(self)
            connections.open.discard(self)

    def signed_in(self) -> None:
        """Counts the connection as somebody's. Raises BadPacket where there is no room: the client comes back."""
        connections = self.connections
        if self not in connections.open:
            if connections.full:
                raise BadPacket(NoCapacity.code, TRY_AGAIN_LATER)
            connections.strangers.discard(self)
            connections.open.add(self)
        # The session may have ended between its check and now, when a revocation finds us.
        connections.verify()

    def _make_client(self, socket: Socket) -> ClientSocket:
        self._client = ClientSocket(socket, self)
        return self._client

    @property
    def principal(self) -> Principal | None:
        return self._client.principal if self._client is not None else None

    def end(self, reason: str) -> None:
        if reason == SESSION_ENDED and self._client is not None:
            self._client.end_session()
        else:
            self._engine.close(SERVICE_RESTART if reason == RESTART else POLICY_VIOLATION, reason)


class ClientSocket:
    """The client in the namespace `/`: a `SocketHandler`."""

    def __init__(self, socket: Socket, connection: ClientConnection) -> None:
        self.principal: Principal | None = None
        self._socket = socket
        self._arrival = connection.arrival
        self._log = connection.log
        self._connection = connection
        self._cursor: str | None = None  # where the events are to begin that have not begun yet
        self._own = Followed()  # without a `cliente`
        self._own.listeners.add(self._orders_changed)
        self._owner: Owner | None = None
        self._followed: tuple[Followed, ...] = (self._own,)
        self._role: str | None = None  # the one it has asked for
        self._feed: EventFeed | None = None
        self._presence: Presence | None = None
        self._expiry: asyncio.TimerHandle | None = None

    # As the connection sees it

    async def authorize(self, auth: dict[str, Any]) -> str | None:
        token = auth.get("token")
        if token is None and self._arrival.foreign:
            return OriginNotAllowed.code
        try:
            who = await self._find(token)
        except LogUnavailable as error:  # not told as a refusal: stock clients do not come back after one
            raise BadPacket(error.code, TRY_AGAIN_LATER) from error
        if who is None:
            return NotAuthenticated.code
        self._cursor = _cursor_in(auth)
        self.principal = who
        if who.expires_ms is not None:
            seconds = max(0.0, (who.expires_ms - self._log.clocks.steady()) / 1000)
            self._expiry = asyncio.get_running_loop().call_later(seconds, self.end_session)
        self._connection.signed_in()
        return None

    async def _find(self, token: Any) -> Principal | None:
        sent = self._arrival.credentials
        if token is not None:
            sent = [("token", token, "")] if isinstance(token, str) else []
        found = await self._connection.connections.accounts.find_first(sent)
        return found[1] if found is not None else None

    async def opened(self) -> None:
        pass  # the client speaks first

    async def event(self, name: str, arguments: list[Any]) -> Sequence[Any] | None:
        action = _ACTIONS.get(name)
        try:
            if action is None:
                raise UnknownAction(f"No existe la acción {name[:60]}.")
            return [await action(self, arguments[0] if arguments else None)]
        except DomainError as error:
            if isinstance(error, LogUnavailable):
                logger.error("the event log is not available: %s", error.reason)
            if name == RECEIPTS:
                self._log.counts.failed_publications[error.code] += 1
            told = error.told()
            await self._socket.emit("error", told)
            return [told]

    async def closed(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self._take_owner(None)
        self.principal = None
        await self._stop_feed()

    def end_session(self) -> None:
        if self.principal is not None:
            self._socket.close(POLICY_VIOLATION, SESSION_ENDED, SESSION_ENDED, {"hora_servidor": self._log.now()})

    # What it can do

    async def _connect_user(self, sent: Any) -> dict[str, Any]:
        """Begins to send a role's events. Whatever the client says of who it is, the session decides."""
        body = _object(sent)
        who = self._who
        role = body.get("rol", who.role)
        if not isinstance(role, str) or role not in ROLE_ROOM or not may_read(who.role, role):
            raise RoleNotAllowed
        wants_events = flag(body, "eventos", default=True)
        owner = who.owner(client_name(body.get("cliente")))
        if self._role is None:  # on this connection's first call
            self._cursor = _cursor_in(body) or self._cursor
        start = None
        if wants_events and (self._feed is None or self._cursor is not None):
            then = Reader.of_role(self._log, role, self._own, *([self._log.subscriptions.of(owner)] if owner else []))
            start = await then.start(self._cursor)
            self._cursor = None
        position, sent = (await self._feed.rest(), self._feed.sent) if self._feed is not None else (None, set())
        if start is None:
            start = Start(position if position is not None else self._log.bounds.newest)
        await self._stop_feed()
        self._take_owner(owner)
        self._role = role
        reader = self._reader
        answer = {
            "rol": role,
            "salas": reader.rooms,
            "cursor": None if start.reset is not None else self._log.cursor(start.after),
            "timestamp": self._log.now(),
        }
        await self._socket.emit("conexion_confirmada", answer)
        if start.reset is not None:
            await self._socket.emit("resincronizar", start.reset)
        if wants_events:
            self._start_feed(reader, start.after, sent)
        return answer

    async def _subscribe(self, sent: Any) -> dict[str, Any]:
        order_id = _object(sent).get("pedido_id")
        by: Owner | Followed = self._owner or self._own
        async with self._turn:
            # No event of the order before this answer, which would look newer than it is.
            answer = await subscribe(self._log, self._who, order_id, by=by, kitchen=self._kitchen)
            await self._socket.emit("suscripcion_confirmada", answer)
        if self._feed is None and self._role is None:
            cursor = Cursor.parse(answer["cursor"])
            assert cursor is not None
            self._start_feed(self._reader, cursor.id)
        return answer

    async def _unsubscribe(self, sent: Any) -> dict[str, Any]:
        order_id = _object(sent).get("pedido_id")
        answer = await unsubscribe(self._log, self._who, order_id, by=self._own)
        if self._owner is not None:
            answer = await unsubscribe(self._log, self._who, order_id, by=self._owner)
        async with self._turn:
            await self._socket.emit("desuscripcion_confirmada", answer)
        return answer

    async def _acknowledge(self, sent: Any) -> dict[str, Any]:
        answer = await acknowledge(self._log, self._who, _object(sent))
        await self._socket.emit("acuse_confirmado", answer)
        return answer

    async def _ping(self, sent: Any) -> dict[str, Any]:
        async with self._turn:  # so that its cursor is that of the event before it on the wire
            answer = {"timestamp": self._log.now(), "cursor": self._log.cursor(self._position)}
            await self._socket.emit("pong", answer)
        return answer

    # Its events

    @property
    def _who(self) -> Principal:
        assert self.principal is not None  # it is connected
        return self.principal

    @property
    def _reader(self) -> Reader:
        if self._role is None:
            return Reader(self._log, self._who.role, NO_ROOM, self._kitchen, self._followed)
        return Reader.of_role(self._log, self._role, *self._followed)

    @property
    def _kitchen(self) -> bool:
        return (self._role or self._who.role) == COOK

    @property
    def _turn(self) -> asyncio.Lock:
        """Returns the lock whose holder sends between two events."""
        return self._feed.turn if self._feed is not None else asyncio.Lock()

    @property
    def _position(self) -> int:
        return self._feed.position if self._feed is not None else self._log.bounds.newest

    def _take_owner(self, owner: Owner | None) -> None:
        subscriptions = self._log.subscriptions
        if self._owner is not None:
            subscriptions.detach(self._owner, self._orders_changed)
        self._owner, self._followed = owner, (self._own,)
        if owner is not None:
            self._followed = (self._own, subscriptions.attach(owner, self._orders_changed))

    def _orders_changed(self) -> None:
        if self._feed is not None and self._presence is not None:
            self._feed.orders_changed()
            self._presence.rooms = self._feed.reader.rooms

    def _start_feed(self, reader: Reader, after: int, sent: Set[int] = frozenset()) -> None:
        who = self._who
        self._feed = EventFeed(self._socket, reader, after, sent)
        self._presence = self._connection.directory.connect(
            user_id=who.user_id, role=who.role, username=who.username, transport=self._transport, room=reader.room,
            client=self._owner.client if self._owner is not None else None, served=self._served, sid=self._socket.sid,
            is_screen=who.is_person, who=who,
        )  # fmt: skip
        self._presence.rooms = reader.rooms
        self._socket.engine.on_upgrade(self._upgraded)

    @property
    def _transport(self) -> str:
        return TRANSPORTS[self._socket.engine.transport]

    def _upgraded(self) -> None:
        if self._presence is not None:
            self._connection.directory.change_transport(self._presence, self._transport)

    async def _stop_feed(self) -> None:
        feed, self._feed = self._feed, None
        if self._presence is not None:
            self._connection.directory.disconnect(self._presence)
            self._presence = None
        if feed is not None:
            await feed.stop()

    def _served(self) -> tuple[int, SteadyMs]:
        silent_ms = int((time.monotonic() - self._socket.engine.heard_at) * 1000)
        return self._position, SteadyMs(self._log.clocks.steady() - silent_ms)


def _cursor_in(sent: dict[str, Any]) -> str | None:
    """Reads a cursor that may be there; what is no text is none."""
    cursor = sent.get("cursor")
    return cursor if isinstance(cursor, str) and cursor else None


def _object(sent: Any) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise Invalid(fields={BODY: "debe ser un objeto"})
    return sent


_ACTIONS: dict[str, Callable[[ClientSocket, Any], Awaitable[dict[str, Any]]]] = {
    "conectar_usuario": ClientSocket._connect_user,
    "suscribir_pedido": ClientSocket._subscribe,
    "desuscribir_pedido": ClientSocket._unsubscribe,
    RECEIPTS: ClientSocket._acknowledge,
    "ping": ClientSocket._ping,
}
