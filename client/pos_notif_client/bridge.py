"""What the drop-in makes of an old POS's calls: the service's events, and what is remembered of each order.

What was last sent of an order stands in the outbox's file and is written in the transaction that stores the events: all
processes of the POS know the same, also after a power cut.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from . import Llena, Salida, old_pos
from .answers import Answers

Json = Dict[str, Any]
Row = Mapping[str, Any]
# The events that tell of an order, and what is said of it after them; made of what was said of it before, and of the
# order as the POS's tables have it.
ToldNow = Tuple[List[Json], Json]
Told = Callable[[Optional[Json], Optional[Json]], ToldNow]

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
# Each that comes too early means that another has told of the same order: after as many the tills hardly rest, and none
# may wait for the others for ever. What the last one tells may be older than what was said.
_MOST_READINGS = 25


class _ReadTooEarly(Exception):
    """Another process has compared the order since this one read it."""


class Bridge:
    """Makes the service's events of the old calls. It is used by any thread."""

    def __init__(
        self,
        outbox: Salida,
        read_order: Callable[[int], Row | None] | None,
        on_ignored: Callable[[Json, str], Any] | None,
    ) -> None:
        self.outbox, self.answers = outbox, Answers(outbox)
        self._read_order, self._on_ignored = read_order, on_ignored
        self._prune_at = 0.0

    def new_order(self, called: Row) -> str | None:
        called = dict(called)
        order_id = old_pos.order_id(called.get("id"))

        def told(said: Json | None, read: Json | None) -> ToldNow:
            if said is not None:
                return self._differences(order_id, said, read)
            return _first_word(called, read if read is not None else called)

        return self._tell(order_id, told, is_new=True)

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

        def told(said: Json | None, read: Json | None) -> ToldNow:
            if said is None and read is not None:
                return _first_word({"id": order_id}, read)
            return self._differences(order_id, said or {}, read)

        return self._tell(order_id, told)

    def _tell_with_lines(self, order_id: int, event: Json) -> str | None:
        """Stores the event, behind what the POS's tables say of the lines."""
        state = _STATE_AFTER.get(event["tipo"]) or event["estado"]

        def told(said: Json | None, read: Json | None) -> ToldNow:
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

    def _differences(self, order_id: int, said: Json, read: Json | None) -> ToldNow:
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

    def _tell(self, order_id: int, told: Told, *, is_new: bool = False) -> str | None:
        """Stores what `told(said, read)` returns of the order, and returns the last event's key."""
        for readings in range(1, _MOST_READINGS + 1):
            try:
                return self._tell_once(order_id, told, is_new, checks=readings < _MOST_READINGS)
            except _ReadTooEarly:
                continue
            except Llena:
                break
        return None

    def _tell_once(self, order_id: int, told: Told, is_new: bool, checks: bool) -> str | None:
        """Reads the POS's tables before the outbox's file is locked: a till that holds its tables and waits for the
        outbox must not be waited for. Raises _ReadTooEarly where another has compared the order meanwhile, so that what
        was read may be older than what was said."""
        times, kept = None, None
        if self._read_order is not None:
            times = self._times(order_id)
            if times == 0 and not is_new:
                kept = self._as_the_service_has_it(order_id)
        read = self._read(order_id)
        return self._store(order_id, lambda said: told(kept if said is None else said, read), times if checks else None)

    def _as_the_service_has_it(self, order_id: int) -> Json | None:
        """Returns what was said of an order of which the outbox's file knows nothing: it may have been lost."""
        order = self.answers.order(order_id)
        if order is None or order.get("incompleto"):
            return None
        return {"estado": order["estado"], "items": old_pos.lines_of(order["items"])}

    def _times(self, order_id: int) -> int:
        def look(db: sqlite3.Connection) -> int:
            has_table = db.execute(_HAS_TABLE).fetchone()
            return _load(db, order_id)[0] if has_table else 0

        times: int = self.outbox.transaccion(look, escribe=False)
        return times

    def _store(self, order_id: int, told: Callable[[Json | None], ToldNow], times: int | None) -> str | None:
        def store(db: sqlite3.Connection) -> str | None:
            key = None
            db.execute(_TABLE)
            now_times, said = _load(db, order_id)
            if times is not None and times != now_times:
                raise _ReadTooEarly
            events, after = told(said)
            for event in events:
                first = event["tipo"] == "nuevo_pedido"
                key = self.outbox.guardar(db, event, f"pedido-{order_id}-nuevo" if first else None)
            db.execute(
                "INSERT OR REPLACE INTO pos_notif_salida_pedidos VALUES (?, ?, ?, ?)",
                (order_id, now_times + 1, json.dumps(after or None), time.time()),
            )
            self._prune(db)
            return key

        key: str | None = self.outbox.transaccion(store)
        return key

    def _prune(self, db: sqlite3.Connection) -> None:
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + _PRUNE_SECONDS
            db.execute("DELETE FROM pos_notif_salida_pedidos WHERE cuando < ?", (time.time() - _KEPT_SECONDS,))

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


def _first_word(called: Row, read: Row) -> ToldNow:
    """Returns the `nuevo_pedido` of an order, and what is said with it."""
    order = old_pos.order_of(called, read)
    order["items"] = old_pos.lines_of(read.get("items") if read.get("items") is not None else called.get("items"))
    event: Json = {"tipo": "nuevo_pedido", "pedido": order}
    if "timestamp" in order:
        event["timestamp_origen"] = order["timestamp"]  # naive local time, as the POS has it
    return [event], {"estado": old_pos.first_state(order), "items": order["items"]}


def _load(db: sqlite3.Connection, order_id: int) -> tuple[int, Json | None]:
    row = db.execute("SELECT vez, dicho FROM pos_notif_salida_pedidos WHERE pedido_id = ?", (order_id,)).fetchone()
    return (row[0], json.loads(row[1])) if row is not None else (0, None)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
