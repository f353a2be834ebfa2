"""`NotificadorPedidos`: publishing, reading, snapshots and who is connected. What every transport stands on."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from .clock import Clock, business_day, business_day_start, iso, system_clock
from .config import Config
from .counts import Counts
from .database.threads import Database
from .delivery.presence import Directory
from .errors import Invalid, LogUnavailable, NotFound, TooLarge
from .events import FILTERED_ROOMS, KITCHEN, MANAGERS, ROLE_ROOM, order_room
from .log.event_log import NO_ORDERS, Bounds, Cursor, LoggedEvent, Page, Pruned
from .log.subscriptions import Followed, Subscriptions
from .log.tail import PAGE_BYTES, PAGE_EVENTS, Tail
from .log.writer import SqliteLog
from .orders.drafts import parse_draft
from .orders.kitchen_copy import kitchen_copier
from .orders.state import Order, ViewLimits
from .publishing.append import Moment, Rules
from .publishing.publication import Publication, Published, Publisher, check_key
from .wire import sse
from .wire.json_text import dump

logger = logging.getLogger("pos_notif")

FROM_OLDEST = "inicio"
SNAPSHOT_URL = "/api/pedidos"
PUBLISH_ROUTE = "eventos"
RECENT_MS = 5 * 60 * 1000
# How soon this process sees what another one has written: a revocation must bite within a second.
WATCH_SECONDS = 0.25
MAX_ORDER_EVENTS = 1000
_PYTHON = Publisher("python", {"usuario_id": None, "username": "python", "rol": "manager"}, names_actor=True)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose events: a role's room and the orders that its client follows, in the full or the kitchen's copy."""

    role: str
    room: str
    kitchen: bool
    follows: tuple[Followed, ...] = ()

    @classmethod
    def of_role(cls, role: str, *follows: Followed) -> Reader:
        room = ROLE_ROOM[role]
        return cls(role, room, room == KITCHEN, follows)

    @property
    def orders(self) -> Mapping[int, int]:
        """Those followed now: each with the id after which its events match. A manager's room has them all."""
        if self.room == MANAGERS or not self.follows:
            return NO_ORDERS
        if len(self.follows) == 1:
            return self.follows[0].orders
        return {order: after for followed in self.follows for order, after in followed.orders.items()}

    @property
    def rooms(self) -> list[str]:
        return [*filter(None, [self.room]), *map(order_room, self.orders)]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a reader goes on: after the id `after`. `reset` is told to it where its cursor cannot be used."""

    after: int
    reset: dict[str, Any] | None = None


class NotificadorPedidos:
    """Use it as `async with NotificadorPedidos(database=PATH) as notifier`, or as an application's `notifier`.

    The Spanish methods are the API that the POS already knows. A publishing method returns `{"id", "cursor",
    "duplicado"}` once the event is durable; it raises the errors of `pos_notif.errors` (Invalid, OrderExists,
    InvalidTransition, KeyReused, LogUnavailable), and then nothing was published.
    """

    def __init__(
        self, *, database: str | None = None, config: Config | None = None, clock: Clock = system_clock
    ) -> None:
        config = config or Config()
        self.config = replace(config, database=str(database)) if database is not None else config
        self.clock = clock
        self.zone = self.config.zone
        self.limits = ViewLimits(
            view_ms=int(self.config.view_hours * 3_600_000), ready_ms=int(self.config.ready_minutes * 60_000)
        )
        self.tail = Tail(self.config.tail_events, self.config.tail_bytes)
        self.kitchen_copy = kitchen_copier(self.config.kitchen_hides)
        self.directory = Directory(clock, self.zone, lag=self._lag)
        self.subscriptions = Subscriptions()
        self.counts = Counts()
        self._commit_at = 0.0
        self._rules = Rules(self.zone, self.config.tax_rate, self.limits)
        self._tasks: list[asyncio.Task[Any]] = []
        self._foreign_commit: list[Callable[[], None]] = []
        self.damage: str | None = None
        self.closing = False

    async def __aenter__(self) -> NotificadorPedidos:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Raises LogRefused where the file must not be used. Opening what is open does nothing."""
        if self._tasks:
            return
        self.database = await Database.open(self.config.database)
        try:
            # Before the log's bounds are read: what is committed in between is found by the first look.
            version = await self.database.data_version()
            self.log = await SqliteLog.open(self.database, self._appended, self.subscriptions.load)
            # As much as the check at start has read anyway: the first reconnects need no disk.
            newest = await self.log.newest_events(min(1000, self.config.tail_events))
            self.tail.start(self.log.bounds.newest, newest)
        except BaseException:
            await self.database.close()
            raise
        self._tasks = [
            asyncio.create_task(self._watch(version), name="foreign-commit-watch"),
            asyncio.create_task(self._check_rest(), name="log-check"),
        ]

    def _appended(self, events: list[LoggedEvent]) -> None:
        self.counts.events.update([event.tipo for event in events])
        # Another process's commit is only known from when it was found.
        committed_at = self.database.committed_at
        self._commit_at = committed_at if committed_at > self._commit_at else time.perf_counter()
        self.tail.append(events)

    def written(self) -> None:
        """A room's streams have been written what the last commit brought."""
        self.counts.wire_seconds.add(time.perf_counter() - self._commit_at)

    async def close(self) -> None:
        """Publications that were accepted are written first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.log.close()
        await self.database.close()

    def end_waits(self) -> None:
        """Long polls answer now with what there is: the service is stopping."""
        self.closing = True
        self.tail.wake_all()

    def on_foreign_commit(self, call: Callable[[], None]) -> None:
        """`call()` after another process has written: its accounts may have changed."""
        self._foreign_commit.append(call)

    async def _watch(self, version: int) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                found = await self.database.data_version()
                if found != version:
                    await self.log.refresh()
                    version = found
                    for call in self._foreign_commit:
                        call()
            except LogUnavailable as error:
                logger.warning("the database cannot be read: %s", error.__cause__)

    async def _check_rest(self) -> None:
        """The chain before the newest rows; those were checked when the log was opened."""
        try:
            self.damage = await self.log.check_before_newest()
        except LogUnavailable as error:
            self.damage = str(error.__cause__)
        if self.damage:
            logger.error("the event log %s is damaged: %s", self.database.path, self.damage)

    # Publishing

    async def publish(
        self,
        drafts: Sequence[dict[str, Any]],
        *,
        publisher: Publisher,
        key: str | None = None,
        batch: bool = False,
        route: str = PUBLISH_ROUTE,
    ) -> Published:
        """Appends valid drafts, all or none."""
        publication = Publication(
            drafts,
            publisher=publisher,
            route=route,
            now_ms=self.clock(),
            rules=self._rules,
            key=key,
            batch=batch,
        )
        published = await self.log.transact(publication)
        self.counts.duplicates += sum(published.duplicates)
        return published

    async def _notify(self, draft: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in fields.items() if value is not None}
        # Through JSON, so that what a Python caller hands in cannot differ from what was sent over HTTP.
        try:
            text = json.dumps({**draft, **given}, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise Invalid(f"No es JSON: {error}") from error
        if len(text.encode("utf-8", "surrogatepass")) > self.config.max_event_bytes:
            raise TooLarge(f"El evento pasa de {self.config.max_event_bytes // 1024} KiB.")
        sent = parse_draft(json.loads(text))
        if "operacion_id" in sent:
            check_key(sent["operacion_id"], "operacion_id")
        result = await self.publish([sent], publisher=_PYTHON)
        return {"id": result.ids[0], "cursor": self.cursor(result.ids[0]), "duplicado": result.duplicates[0]}

    async def notificar_nuevo_pedido(self, pedido: dict[str, Any], **campos: Any) -> dict[str, Any]:
        return await self._notify({"tipo": "nuevo_pedido", "pedido": pedido}, campos)

    async def notificar_pedido_listo(
        self, pedido_id: int, items_listos: Sequence[str], **campos: Any
    ) -> dict[str, Any]:
        draft = {"tipo": "pedido_listo", "pedido_id": pedido_id, "items_listos": list(items_listos)}
        return await self._notify(draft, campos)

    async def notificar_cambio_estado_pedido(self, pedido_id: int, nuevo_estado: str, **campos: Any) -> dict[str, Any]:
        return await self._notify({"tipo": "cambio_estado", "pedido_id": pedido_id, "estado": nuevo_estado}, campos)

    async def notificar_item_modificado(
        self, pedido_id: int, item_id: int, cambios: dict[str, Any], **campos: Any
    ) -> dict[str, Any]:
        draft = {"tipo": "item_modificado", "pedido_id": pedido_id, "item_id": item_id, "cambios": cambios}
        return await self._notify(draft, campos)

    async def notificar_pedido_cancelado(
        self, pedido_id: int, razon: str | None = None, **campos: Any
    ) -> dict[str, Any]:
        return await self._notify({"tipo": "pedido_cancelado", "pedido_id": pedido_id, "razon": razon}, campos)

    async def notificar_stock_bajo(
        self, producto_id: int, nombre: str, stock_actual: float | None, **campos: Any
    ) -> dict[str, Any]:
        draft = {
            "tipo": "alerta_stock",
            "producto_id": producto_id,
            "nombre": nombre,
            "stock_actual": stock_actual,
        }
        return await self._notify(draft, campos)

    # Reading

    @property
    def bounds(self) -> Bounds:
        return self.log.bounds

    def moment(self) -> Moment:
        """Now, by this configuration's rules: for what is appended."""
        return Moment.of(self.clock(), self._rules)

    def cursor(self, event_id: int) -> str:
        return self.bounds.cursor(event_id)

    def now(self) -> str:
        return iso(self.clock(), self.zone)

    async def start(self, reader: Reader, cursor: str | None, *, allow_oldest: bool = True) -> Start:
        """Where a reader with this cursor goes on; None: from now. Never an error because of a cursor."""
        found = await self._start(reader, cursor, allow_oldest)
        if cursor is not None and allow_oldest:  # a poll's is no replay
            behind = self.bounds.newest - found.after
            result = "resincronizar" if found.reset is not None else "repetido" if behind else "al_dia"
            self.counts.replays[result] += 1
            if found.reset is None:
                self.counts.replayed.add(behind)
        return found

    async def _start(self, reader: Reader, cursor: str | None, allow_oldest: bool) -> Start:
        if cursor is None:
            return Start(self.bounds.newest)
        if cursor == FROM_OLDEST and allow_oldest:
            return Start(self.bounds.oldest - 1)
        parsed = Cursor.parse(cursor)
        if parsed is None:
            return self._reset("desconocido", cursor)
        bounds = self.bounds
        if parsed.epoch != bounds.epoch:
            return self._reset("epoca", cursor)
        if parsed.id > bounds.newest:
            # A snapshot may have seen a commit that we are only about to hear of.
            bounds = await self.log.refresh()
        if parsed.id > bounds.newest:
            return self._reset("futuro", cursor)
        if parsed.id < bounds.oldest - 1:
            return self._reset("expirado", cursor)
        backlog = self.config.max_backlog
        if (
            backlog
            and bounds.newest - parsed.id > backlog
            and await self.log.count(parsed.id, reader.room, up_to=backlog + 1, orders=reader.orders) > backlog
        ):
            return self._reset("atraso", cursor)
        return Start(parsed.id)

    def _reset(self, reason: str, received: str) -> Start:
        bounds = self.bounds
        self.counts.resets[reason] += 1
        return Start(
            bounds.newest,
            {
                "motivo": reason,
                "cursor_recibido": received[:64],
                "mas_antiguo": bounds.cursor(bounds.oldest - 1),
                "cursor": bounds.cursor(),
                "instantanea": SNAPSHOT_URL,
            },
        )

    def pruned(self, after: int) -> Start:
        """For a reader whose place was pruned while it was connected."""
        return self._reset("expirado", self.cursor(after))

    async def page(self, reader: Reader, after: int, *, limit: int = PAGE_EVENTS, max_bytes: int = PAGE_BYTES) -> Page:
        """The reader's next events, from memory or from the log. Raises Pruned or LogUnavailable."""
        if after < self.bounds.oldest - 1:
            raise Pruned
        orders = reader.orders
        page = self.tail.page(after, reader.room, limit=limit, max_bytes=max_bytes, orders=orders)
        if page is None:
            page = await self.log.read(after, reader.room, limit=limit, max_bytes=max_bytes, orders=orders)
        return page

    async def sse_page(self, reader: Reader, after: int) -> tuple[bytes, int]:
        """The reader's next events as SSE frames, and the id they reach. Raises Pruned or LogUnavailable."""
        if after < self.bounds.oldest - 1:
            raise Pruned
        found = self.sse_page_in_memory(reader, after)
        if found is None:
            page = await self.log.read(
                after, reader.room, limit=PAGE_EVENTS, max_bytes=PAGE_BYTES, orders=reader.orders
            )
            found = self.sse_bytes(page, reader.kitchen), page.examined
        return found

    def sse_page_in_memory(self, reader: Reader, after: int) -> tuple[bytes, int] | None:
        """The same, or None where memory does not go back so far."""
        return self.tail.encoded(
            after, reader.room, reader.kitchen, lambda page: self.sse_bytes(page, reader.kitchen), reader.orders
        )

    def sse_bytes(self, page: Page, kitchen: bool) -> bytes:
        """A page's frames in one piece; nothing for an empty page."""
        return sse.frames(
            self.bounds.epoch,
            [(event.id, event.name, self.event_json(event, kitchen)) for event in page.events],
        )

    def event_json(self, event: LoggedEvent, kitchen: bool) -> bytes:
        """The event in one of its two copies, the same bytes for every transport."""
        if not kitchen:
            return event.json
        if event.kitchen_json is None:
            event.kitchen_json = dump(self.kitchen_copy(json.loads(event.json))).encode()
        return event.kitchen_json

    def order_json(self, order: Order, kitchen: bool) -> Any:
        return self.kitchen_copy(order.pedido) if kitchen else order.pedido

    async def recent(self, reader: Reader, limit: int) -> Page:
        """The newest events of the last 5 minutes, for a reader without a cursor."""
        return await self.log.read_since(self.clock() - RECENT_MS, reader.room, limit=limit)

    async def snapshot(
        self, room: str | None, user_id: int | None = None
    ) -> tuple[list[Order], str, list[dict[str, Any]]]:
        """The orders in a room's view (None: all open ones), the cursor after which a stream misses nothing, and the
        alarms of this business day that are to be shown there. Of the waiters' view, what this user is shown."""
        now = self.clock()
        day_start = business_day_start(business_day(now, self.zone), self.zone)
        orders, bounds, alarms = await self.log.snapshot(room, now, self.limits, user_id, day_start)
        return orders, bounds.cursor(), alarms

    async def order_history(self, order_id: int) -> tuple[Order, list[LoggedEvent]]:
        """Raises NotFound."""
        order, events = await self.log.order_history(order_id, MAX_ORDER_EVENTS)
        if order is None:
            raise NotFound(f"No existe el pedido {order_id}.")
        return order, events

    def _lag(self, room: str, position: int) -> int:
        """Of the events in memory; a reader that is further behind lags at least so much."""
        return self.tail.count(position, room)

    # Who is connected

    async def registrar_conexion(self, sid: str, usuario_id: int | None, rol: str, username: str) -> dict[str, Any]:
        """Notes a connection of the caller's own kind under its `sid`. Raises Invalid for an unknown role."""
        if rol not in ROLE_ROOM:
            raise Invalid(fields={"rol": "debe ser uno de: " + ", ".join(ROLE_ROOM)})
        begun = (self.bounds.newest, self.clock())
        presence = self.directory.connect(
            user_id=usuario_id, role=rol, username=username, transport="websocket", room=ROLE_ROOM[rol],
            served=lambda: begun, sid=sid,
        )  # fmt: skip
        return {
            "rol": rol,
            "salas": list(presence.rooms),
            "cursor": self.bounds.cursor(),
            "timestamp": self.now(),
        }

    async def suscribir_a_sala(self, sid: str, sala: str) -> list[str]:
        """The connection's rooms. Raises NotFound for an unknown `sid`, Invalid for what is no room."""
        presence = self._connection(sid)
        number = sala.removeprefix("pedido_")
        if sala not in (*FILTERED_ROOMS, MANAGERS) and not (sala != number and number.isascii() and number.isdigit()):
            raise Invalid(fields={"sala": "no existe"})
        if sala not in presence.rooms:
            presence.rooms.append(sala)
        return list(presence.rooms)

    async def desuscribir_de_sala(self, sid: str, sala: str) -> list[str]:
        presence = self._connection(sid)
        if sala in presence.rooms:
            presence.rooms.remove(sala)
        return list(presence.rooms)

    def _connection(self, sid: str) -> Any:
        presence = self.directory.find(sid)
        if presence is None:
            raise NotFound(f"No existe la conexión {sid}.")
        return presence

    async def obtener_eventos_pendientes(self, rol: str, cursor: str | None = None) -> dict[str, Any]:
        """A poll, as `GET /api/notificaciones/polling/<rol>` answers it. It empties nothing."""
        if rol not in ROLE_ROOM:
            raise Invalid(fields={"rol": "debe ser uno de: " + ", ".join(ROLE_ROOM)})
        from .delivery.polling import poll

        answer = await poll(self, Reader.of_role(rol), cursor, limit=100)
        result: dict[str, Any] = json.loads(answer.body)
        return result

    async def obtener_estado_conexiones(self) -> dict[str, Any]:
        return self.directory.state(self.cursor)
