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

import json
import logging
import os
import threading
import time
import uuid
from datetime import datetime
from typing import Any, Callable, Dict, Mapping

from . import Llena, Salida, old_pos

__all__ = ["NotificadorPedidos", "configurar", "registrar_socketio_handlers"]

Json = Dict[str, Any]
Row = Mapping[str, Any]

_log = logging.getLogger("pos_notif_client")

_TABLE = """CREATE TABLE IF NOT EXISTS pos_notif_salida_pedidos (
    pedido_id INTEGER PRIMARY KEY,
    vez INTEGER NOT NULL,  -- how often the order was compared
    dicho TEXT NOT NULL,   -- JSON {"estado", "items"}: the state and the lines that were last sent; null if not known
    cuando REAL NOT NULL
)"""
_HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE name = 'pos_notif_salida_pedidos'"
_KEPT_SECONDS = 60 * 86_400  # of an order of which nothing more is said
_PRUNE_SECONDS = 86_400
_MOST_READINGS = 5
# Every till has old pages that ask each few seconds; the service answers one client once a second.
_FRESH_SECONDS, _AWAY_SECONDS = 1.0, 5.0
# The old POS calls a role by its room too.
_ROLES = {"cocina": "cocinero", "meseros": "mesero", "cajeros": "cajero", "managers": "manager"}


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
        _log.warning("without leer_pedido, changes to an order's lines are left out, and lines have no names")
    _bridge = _Bridge(Salida(db, url, token, **opciones), leer_pedido, al_ignorar)
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
        return _configured().answers.events(_ROLES.get(rol, rol))

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


_bridge: _Bridge | None = None
_warned = False


def _configured() -> _Bridge:
    if _bridge is None:
        raise RuntimeError("pos_notif_client.flask_socketio.configurar(url, token, db, leer_pedido=…) was not called")
    return _bridge


def _warn_once() -> None:
    global _warned
    if not _warned:
        _warned = True
        _log.warning("connections and rooms are the notification service's: registrar_conexion and the like do nothing")


class _ReadTooEarly(Exception):
    """Another process has compared the order since this one read it."""


class _Bridge:
    """Makes the service's events of the old calls. It is used by any thread."""

    def __init__(
        self,
        outbox: Salida,
        read_order: Callable[[int], Row | None] | None,
        on_ignored: Callable[[Json, str], Any] | None,
    ) -> None:
        self.outbox, self.answers = outbox, _Answers(outbox)
        self._read_order, self._on_ignored = read_order, on_ignored
        self._prune_at = 0.0

    def new_order(self, called: Row) -> str | None:
        called = dict(called)
        order_id = old_pos.order_id(called.get("id"))

        def told(said: Json | None, read: Json | None) -> tuple[list[Json], Json]:
            if said is not None:
                return self._differences(order_id, said, read)
            return _first_word(called, read if read is not None else called)

        return self._tell(order_id, told)

    def state_change(self, order_id: int, state: str) -> str | None:
        event: Json = {"tipo": "cambio_estado", "pedido_id": order_id, "estado": state}
        if state == old_pos.CREDIT:
            event = {**event, "estado": "cerrado", "metodo_pago": state}
        elif state not in old_pos.STATES:
            self._ignore(event, "estado desconocido")
            return None
        return self._tell_with_lines(order_id, event)

    def ready(self, order_id: int, items: Any) -> str | None:
        event = {"tipo": "pedido_listo", "pedido_id": order_id, "items_listos": old_pos.names_of(items)}
        return self._tell_with_lines(order_id, event)

    def cancelled(self, order_id: int, reason: str | None) -> str | None:
        event = {"tipo": "pedido_cancelado", "pedido_id": order_id, "razon": old_pos.text(reason)}
        return self._tell_with_lines(order_id, event)

    def line_change(self, order_id: int, line_id: Any, changes: Row) -> str | None:
        event = {"tipo": "item_modificado", "pedido_id": order_id, "item_id": line_id, "cambios": dict(changes or {})}
        if old_pos.is_paperwork(event["cambios"].get("tipo_cambio"), line_id):
            self._ignore(event, "no es asunto de una cocina")
            return None
        if self._read_order is None:
            # What it calls `item_id` is a dish's id in one place and a line's in another.
            _log.warning("order %s: a change to its lines is left out, for configurar has no leer_pedido", order_id)
            self._ignore(event, "falta leer_pedido")
            return None

        def told(said: Json | None, read: Json | None) -> tuple[list[Json], Json]:
            if said is None and read is not None:
                return _first_word({"id": order_id}, read)
            return self._differences(order_id, said or {}, read)

        return self._tell(order_id, told)

    def _tell_with_lines(self, order_id: int, event: Json) -> str | None:
        """Stores the event, behind what the POS's tables say of the lines."""
        state = _STATE_AFTER.get(event["tipo"]) or event["estado"]

        def told(said: Json | None, read: Json | None) -> tuple[list[Json], Json]:
            events: list[Json] = []
            after = said or {}
            if state == "cancelado":
                pass
            elif said is None and read is not None and state in old_pos.TO_COOK:
                events, after = _first_word({"id": order_id}, read)
            elif said is not None:
                events, after = self._differences(order_id, said, read)
            elif read is not None:
                # Served before the service heard of it: what is added from now on is to be made, and the rest is not.
                after = {"items": old_pos.lines_of(read.get("items"))}
            paid_now = state == "en_cocina" and after.get("estado") == "pendiente_pago"
            # The old till's payment of a takeaway says no more than that it goes to the kitchen.
            paid = {"pagado_at": _now()} if paid_now else {}
            return [*events, {**event, **old_pos.table_of(read), **paid}], {**after, "estado": state}

        return self._tell(order_id, told)

    def _differences(self, order_id: int, said: Json, read: Json | None) -> tuple[list[Json], Json]:
        """Returns the events that tell what is different in the lines, and what was said after them."""
        if read is None or read.get("items") is None:
            return [], said
        before = said.get("items") or []
        lines = old_pos.with_what_is_known(before, old_pos.lines_of(read["items"]))
        table = old_pos.table_of(read)
        events = [
            {"tipo": "item_modificado", "pedido_id": order_id, **change, **table}
            for change in old_pos.changes_between(before, lines)
        ]
        if events:
            events[-1].update(old_pos.sums_of(read))
        return events, {**said, "items": lines}

    def _tell(self, order_id: int, told: Callable[[Json | None, Json | None], tuple[list[Json], Json]]) -> str | None:
        """Stores what `told(said, read)` returns, events and what is said after them, and returns the last one's key.

        The POS's tables are read before the outbox's file is locked: a till that holds its tables and waits for the
        outbox must not be waited for. Who finds then that another has compared meanwhile reads again, since what it
        read may be older than what was said.
        """
        for last in [False] * (_MOST_READINGS - 1) + [True]:
            times = self._times(order_id) if self._read_order is not None else None
            read = self._read(order_id)
            try:
                return self._store(order_id, told, read, None if last else times)
            except _ReadTooEarly:
                continue
            except Llena:
                return None
        return None

    def _times(self, order_id: int) -> int:
        def look(transaction: Any) -> int:
            has_table = transaction.execute(_HAS_TABLE).fetchone()
            return _load(transaction, order_id)[0] if has_table else 0

        times: int = self.outbox.transaccion(look, escribe=False)
        return times

    def _store(self, order_id: int, told: Any, read: Json | None, times: int | None) -> str | None:
        def store(transaction: Any) -> str | None:
            key = None
            transaction.execute(_TABLE)
            now_times, said = _load(transaction, order_id)
            if times is not None and times != now_times:
                raise _ReadTooEarly
            events, after = told(said, read)
            for event in events:
                first = event["tipo"] == "nuevo_pedido"
                key = self.outbox.guardar(transaction, event, f"pedido-{order_id}-nuevo" if first else None)
            transaction.execute(
                "INSERT OR REPLACE INTO pos_notif_salida_pedidos VALUES (?, ?, ?, ?)",
                (order_id, now_times + 1, json.dumps(after or None), time.time()),
            )
            self._prune(transaction)
            return key

        key: str | None = self.outbox.transaccion(store)
        return key

    def _prune(self, transaction: Any) -> None:
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + _PRUNE_SECONDS
            transaction.execute("DELETE FROM pos_notif_salida_pedidos WHERE cuando < ?", (time.time() - _KEPT_SECONDS,))

    def _read(self, order_id: int) -> Json | None:
        """Returns the order as the POS's tables have it; None where they do not say."""
        if self._read_order is None:
            return None
        try:
            read = self._read_order(order_id)
            if read is not None:
                read = {**dict(read), "id": order_id}
                old_pos.lines_of(read.get("items"))
            return read
        except Exception:  # noqa: BLE001  it is the POS's code: whatever it raises, the call's own news goes on
            _log.exception("leer_pedido(%s): the order's lines are compared at its next event", order_id)
            return None

    def _ignore(self, event: Json, reason: str) -> None:
        _log.debug("left out: %s: %s", reason, event)
        if self._on_ignored is not None:
            try:
                self._on_ignored(event, reason)
            except Exception:  # noqa: BLE001  it is the POS's code, and the till goes on
                _log.exception("al_ignorar")


_STATE_AFTER = {"pedido_listo": "listo", "pedido_cancelado": "cancelado"}


def _first_word(called: Row, read: Row) -> tuple[list[Json], Json]:
    """Returns the `nuevo_pedido` of an order, and what is said with it."""
    order = old_pos.order_of(called, read)
    order["items"] = old_pos.lines_of(read.get("items") if read.get("items") is not None else called.get("items"))
    event: Json = {"tipo": "nuevo_pedido", "pedido": order}
    if "timestamp" in order:
        event["timestamp_origen"] = order["timestamp"]  # naive local time, as the POS has it
    return [event], {"estado": old_pos.first_state(order), "items": order["items"]}


def _load(transaction: Any, order_id: int) -> tuple[int, Json | None]:
    row = transaction.execute(
        "SELECT vez, dicho FROM pos_notif_salida_pedidos WHERE pedido_id = ?", (order_id,)
    ).fetchone()
    return (row[0], json.loads(row[1])) if row is not None else (0, None)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


class _Answers:
    """What the service said last to the old pages' questions: one question a second, whoever asks, and none for five
    seconds after it was away, so that no thread of the POS waits for it."""

    def __init__(self, outbox: Salida) -> None:
        self._outbox = outbox
        self._begin()

    def _begin(self) -> None:
        # A child of a fork may have its parent's lock, which nobody frees.
        self._pid, self._lock = os.getpid(), threading.Lock()
        self._client = uuid.uuid4()
        self._known: dict[str, tuple[float, Any]] = {}
        self._away_until = 0.0

    def events(self, role: str) -> list[Json]:
        if role not in _ROLES.values():
            return []
        answer = self._ask(f"/api/notificaciones/polling/{role}?cliente={self._client}")
        return list(answer["eventos"]) if answer is not None else []

    def connections(self) -> Json:
        answer = self._ask("/api/notificaciones/estado")
        return answer if answer is not None else {"total_conexiones": 0, "por_rol": {}, "conexiones": []}

    def _ask(self, path: str) -> Any:
        if self._pid != os.getpid():
            self._begin()
        with self._lock:
            now = time.monotonic()
            until, answer = self._known.get(path, (0.0, None))
            if now < until or now < self._away_until:
                return answer if now < until else None
            answer = self._outbox.consultar(path, 1.0)
            if answer is None:
                self._away_until = time.monotonic() + _AWAY_SECONDS
            else:
                self._known[path] = (time.monotonic() + _FRESH_SECONDS, answer)
            return answer
