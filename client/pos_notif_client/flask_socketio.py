"""The drop-in for a POS that has its notifications from Flask-SocketIO: its calls stay as they are.

    from pos_notif_client.flask_socketio import NotificadorPedidos, configurar, registrar_socketio_handlers

    configurar("http://192.168.1.20:5000", TOKEN, "/var/lib/pos/salida.db", leer_pedido=leer_pedido)

What the old calls say is not what a kitchen needs (docs/integration.md has the table of differences). So each call
about an order has `leer_pedido(pedido_id)` read it from the POS's own tables, compares its lines with what was last
sent of them, and stores what is different, before what the call says itself. What was last sent stands in the outbox's
file and is written in the same transaction: all processes know the same, also after a power cut.

Nothing of Flask is imported, and `socketio`, the first argument of the methods, may be anything.
"""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict, Mapping

from . import Salida, old_pos
from .bridge import Bridge

__all__ = ["NotificadorPedidos", "configurar", "registrar_socketio_handlers"]

Json = Dict[str, Any]
Row = Mapping[str, Any]

_log = logging.getLogger("pos_notif_client")


def configurar(
    url: str,
    token: str,
    db: str,
    leer_pedido: Callable[[int], Row | None] | None = None,
    al_ignorar: Callable[[Json, str], Any] | None = None,
    **opciones: Any,
) -> Salida:
    """Makes the outbox in the file `db` that the calls of `NotificadorPedidos` write to, and returns it. It is to be
    called once in a process, before the first of them; called again, it closes the one before.

    `leer_pedido(pedido_id)` returns the order as the POS's tables have it, with its lines as `items` and their ids, or
    None; it is called before the service hears of the order. `al_ignorar(evento, motivo)` is told what is left out.
    `opciones` are those of `Salida`.
    """
    global _bridge
    before, _bridge = _bridge, None
    if before is not None:
        before.outbox.cerrar()
    if leer_pedido is None:
        _log.warning("without leer_pedido, changes to lines are left out, and only the service's menu names dishes")
    _bridge = Bridge(Salida(db, url, token, **opciones), leer_pedido, al_ignorar)
    return _bridge.outbox


class NotificadorPedidos:
    """The old POS's notifier: its methods, their names and the order of their arguments.

    Those that notify return the event's key once it is stored, in milliseconds, whether or not the service is there;
    None where nothing is to be said or the outbox is full. They raise what `Salida.publicar` raises, and RuntimeError
    before `configurar`.
    """

    @staticmethod
    def notificar_nuevo_pedido(socketio: Any, pedido: Row) -> str | None:
        return _configured().new_order(pedido)

    @staticmethod
    def notificar_pedido_listo(socketio: Any, pedido_id: int, items_listos: Any) -> str | None:
        return _configured().ready(old_pos.order_id(pedido_id), items_listos)

    @staticmethod
    def notificar_cambio_estado_pedido(socketio: Any, pedido_id: int, nuevo_estado: str) -> str | None:
        return _configured().state_change(old_pos.order_id(pedido_id), nuevo_estado)

    @staticmethod
    def notificar_item_modificado(socketio: Any, pedido_id: int, item_id: Any, cambios: Row) -> str | None:
        return _configured().line_change(old_pos.order_id(pedido_id), item_id, cambios)

    @staticmethod
    def notificar_pedido_cancelado(socketio: Any, pedido_id: int, razon: str | None = None) -> str | None:
        return _configured().cancelled(old_pos.order_id(pedido_id), razon)

    @staticmethod
    def notificar_stock_bajo(socketio: Any, producto_id: int, nombre: str, stock_actual: Any) -> str | None:
        return _configured().outbox.notificar_stock_bajo(producto_id, nombre, old_pos.number(stock_actual))

    @staticmethod
    def obtener_eventos_pendientes(rol: str) -> list[Json]:
        """Returns the role's events of the last five minutes, the newest hundred, each time: nothing is emptied. An
        empty list where the service is away."""
        return _configured().answers.events(rol)

    @staticmethod
    def obtener_estado_conexiones() -> Json:
        """Returns who is connected to the service (docs/protocol.md, section 10); nobody where it is away."""
        return _configured().answers.connections()

    @staticmethod
    def registrar_conexion(*_: Any, **__: Any) -> None:
        _warn_once()

    @staticmethod
    def desregistrar_conexion(*_: Any, **__: Any) -> None:
        _warn_once()

    @staticmethod
    def suscribir_a_sala(*_: Any, **__: Any) -> None:
        _warn_once()

    @staticmethod
    def desuscribir_de_sala(*_: Any, **__: Any) -> None:
        _warn_once()


def registrar_socketio_handlers(socketio: Any) -> None:
    """Has a Flask-SocketIO refuse the old pages' connections, so that they go over to polling: one that is accepted
    would wait in silence for events that go by the service now. Does nothing for what is no Flask-SocketIO."""
    if hasattr(socketio, "on"):
        socketio.on("connect", namespace="/")(_refuse)


def _refuse(*_: Any) -> bool:
    return False


_bridge: Bridge | None = None
_warned = False


def _configured() -> Bridge:
    if _bridge is None:
        raise RuntimeError("pos_notif_client.flask_socketio.configurar(url, token, db, leer_pedido=…) was not called")
    return _bridge


def _warn_once() -> None:
    global _warned
    if not _warned:
        _warned = True
        _log.warning("connections and rooms are the notification service's: registrar_conexion and the like do nothing")
