"""`NotificadorPedidos`: what the POS already calls, in one class above the packages that do it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from .clock import Clocks, Ticks, WallClock, system_clock, system_ticks
from .config import Config
from .delivery.polling import poll
from .delivery.presence import Directory, Presence
from .delivery.reader import Reader
from .errors import Invalid, NotFound, TooLarge
from .events import (
    FILTERED_ROOMS,
    ITEM_CHANGED,
    MANAGER,
    MANAGERS,
    NEW_ORDER,
    ORDER_CANCELLED,
    ORDER_READY,
    ROLE_ROOM,
    STATE_CHANGE,
    STOCK_ALERT,
    TABLE_CHANGED,
)
from .log.live import LiveLog, LogNode
from .log.siblings import Siblings
from .orders.drafts import parse_draft
from .publishing.publication import Publisher, check_key
from .publishing.publish import Publishing

_PYTHON = Publisher("python", {"usuario_id": None, "username": "python", "rol": MANAGER}, names_actor=True)


class NotificadorPedidos:
    """Use it as `async with NotificadorPedidos(database=PATH) as notifier`, or as an application's `notifier`.

    The Spanish methods are the API that the POS already knows. A publishing method returns `{"id", "cursor",
    "duplicado"}` once the event is durable; it raises the errors of `pos_notif.errors` (Invalid, OrderExists,
    InvalidTransition, KeyReused, LogUnavailable), and then nothing was published.
    """

    def __init__(
        self,
        *,
        database: str | None = None,
        config: Config | None = None,
        clock: WallClock = system_clock,
        ticks: Ticks = system_ticks,
        siblings: Siblings | None = None,
        node: LogNode | None = None,
    ) -> None:
        """Makes it, to be opened. `clock` and `ticks` are what the two clocks of `pos_notif.clock` read, `siblings` the
        other processes of a service that has several; `node` is what the settings say of a cluster, where that is made
        already."""
        config = config or Config()
        self.config = replace(config, database=str(database)) if database is not None else config
        self.log = LiveLog(self.config, Clocks(clock, ticks), siblings, node)
        self.publishing = Publishing(self.log)
        self.directory = Directory(
            self.log.clocks, self.log.zone, lag=lambda room, position: self.log.tail.count(position, room)
        )

    async def __aenter__(self) -> NotificadorPedidos:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Opens the log; opening what is open does nothing. Raises LogRefused where the file must not be used."""
        await self.log.open()

    async def close(self) -> None:
        """Closes the log once all publications that were accepted are written."""
        await self.log.close()

    # Publishing

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
        result = await self.publishing.publish([sent], publisher=_PYTHON)
        return {"id": result.ids[0], "cursor": self.log.cursor(result.ids[0]), "duplicado": result.duplicates[0]}

    async def notificar_nuevo_pedido(self, pedido: dict[str, Any], **campos: Any) -> dict[str, Any]:
        return await self._notify({"tipo": NEW_ORDER, "pedido": pedido}, campos)

    async def notificar_pedido_listo(
        self, pedido_id: int, items_listos: Sequence[str], **campos: Any
    ) -> dict[str, Any]:
        draft = {"tipo": ORDER_READY, "pedido_id": pedido_id, "items_listos": list(items_listos)}
        return await self._notify(draft, campos)

    async def notificar_cambio_estado_pedido(self, pedido_id: int, nuevo_estado: str, **campos: Any) -> dict[str, Any]:
        return await self._notify({"tipo": STATE_CHANGE, "pedido_id": pedido_id, "estado": nuevo_estado}, campos)

    async def notificar_item_modificado(
        self, pedido_id: int, item_id: int, cambios: dict[str, Any], **campos: Any
    ) -> dict[str, Any]:
        draft = {"tipo": ITEM_CHANGED, "pedido_id": pedido_id, "item_id": item_id, "cambios": cambios}
        return await self._notify(draft, campos)

    async def notificar_pedido_cancelado(
        self, pedido_id: int, razon: str | None = None, **campos: Any
    ) -> dict[str, Any]:
        return await self._notify({"tipo": ORDER_CANCELLED, "pedido_id": pedido_id, "razon": razon}, campos)

    async def notificar_cambio_mesa(
        self, pedido_id: int, mesa_numero: int | None = None, **campos: Any
    ) -> dict[str, Any]:
        """Publishes that the order's guests sit elsewhere: at a number, or at the name `mesa` among `campos`, or at
        both."""
        return await self._notify({"tipo": TABLE_CHANGED, "pedido_id": pedido_id, "mesa_numero": mesa_numero}, campos)

    async def notificar_stock_bajo(
        self, producto_id: int, nombre: str, stock_actual: float | None, **campos: Any
    ) -> dict[str, Any]:
        draft = {
            "tipo": STOCK_ALERT,
            "producto_id": producto_id,
            "nombre": nombre,
            "stock_actual": stock_actual,
        }
        return await self._notify(draft, campos)

    # Who is connected

    async def registrar_conexion(self, sid: str, usuario_id: int | None, rol: str, username: str) -> dict[str, Any]:
        """Notes a connection of the caller's own kind under its `sid`. Raises Invalid for an unknown role."""
        if rol not in ROLE_ROOM:
            raise Invalid(fields={"rol": "debe ser uno de: " + ", ".join(ROLE_ROOM)})
        begun = (self.log.bounds.newest, self.log.clocks.steady())
        presence = self.directory.connect(
            user_id=usuario_id, role=rol, username=username, transport="websocket", room=ROLE_ROOM[rol],
            served=lambda: begun, sid=sid,
        )  # fmt: skip
        return {
            "rol": rol,
            "salas": list(presence.rooms),
            "cursor": self.log.bounds.cursor(),
            "timestamp": self.log.now(),
        }

    async def suscribir_a_sala(self, sid: str, sala: str) -> list[str]:
        """Adds a room to the connection's, and returns them. Raises NotFound for an unknown `sid`, Invalid for what is
        no room."""
        presence = self._connection(sid)
        number = sala.removeprefix("pedido_")
        if sala not in (*FILTERED_ROOMS, MANAGERS) and not (sala != number and number.isascii() and number.isdigit()):
            raise Invalid(fields={"sala": "no existe"})
        if sala not in presence.rooms:
            presence.rooms.append(sala)
        return list(presence.rooms)

    async def desuscribir_de_sala(self, sid: str, sala: str) -> list[str]:
        """Takes a room from the connection's, and returns them. Raises NotFound for an unknown `sid`."""
        presence = self._connection(sid)
        if sala in presence.rooms:
            presence.rooms.remove(sala)
        return list(presence.rooms)

    def _connection(self, sid: str) -> Presence:
        presence = self.directory.find(sid)
        if presence is None:
            raise NotFound(f"No existe la conexión {sid}.")
        return presence

    async def obtener_eventos_pendientes(self, rol: str, cursor: str | None = None) -> dict[str, Any]:
        """Returns what `GET /api/notificaciones/polling/<rol>` answers. It empties nothing. Raises Invalid for an
        unknown role."""
        if rol not in ROLE_ROOM:
            raise Invalid(fields={"rol": "debe ser uno de: " + ", ".join(ROLE_ROOM)})
        answer = await poll(Reader.of_role(self.log, rol), cursor, limit=100)
        result: dict[str, Any] = json.loads(answer.body)
        return result

    async def obtener_estado_conexiones(self) -> dict[str, Any]:
        """Returns what `GET /api/notificaciones/estado` answers."""
        return self.directory.state(self.log.cursor)
