"""Completes a draft: what the menu and the log know is filled in, contradictions are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..clock import parse_iso
from ..errors import Invalid, InvalidTransition, OrderExists
from ..events import (
    AT_TABLE,
    AWAITING_PAYMENT,
    CANCELLED,
    CLOSED,
    DINE_IN,
    ITEM_CHANGED,
    NEW_ORDER,
    ORDER_CANCELLED,
    ORDER_READY,
    OVER,
    PAID,
    PENDING,
    READY,
    SERVED,
    STATE_CHANGE,
    TABLE_CHANGED,
    TAKEAWAY,
)
from .details import after_news, changes
from .lines import changed_line, changed_sums, check_sum, new_lines, sums, taken_off
from .made import round_of, round_start, to_make
from .menu import LOW, NONE_LEFT, Product
from .numbers import named
from .state import DETAILS, Order, lines_of, removes_line

Json = dict[str, Any]


def from_menu(draft: Json, order: Order | None, find: Callable[[int], Product | None]) -> Json:
    """Returns a POS's draft in which each line that is new and has no name, but a `producto_id`, has the name of the
    dish that the POS calls so, and its category and price where it has none; `find` gives that dish. It is asked for
    those lines alone: nearly all of them have their name."""
    if draft["tipo"] == NEW_ORDER:
        lines = draft["pedido"].get("items") or ()
        if any(map(_is_nameless, lines)):
            named = [_with_dish(line, find) if _is_nameless(line) else line for line in lines]
            return {**draft, "pedido": {**draft["pedido"], "items": named}}
    elif draft["tipo"] == ITEM_CHANGED:
        line = draft.get("item")
        known = order.pedido["items"] if order is not None else ()
        if (
            line
            and _is_nameless(line)
            and not draft["cambios"].get("producto_nombre")
            and all(other["id"] != draft["item_id"] for other in known)
        ):
            return {**draft, "item": _with_dish(line, find)}
    return draft


def _is_nameless(line: Json) -> bool:
    return not line.get("producto_nombre") and line.get("producto_id") is not None


def _with_dish(line: Json, find: Callable[[int], Product | None]) -> Json:
    dish = find(line["producto_id"])
    if dish is None:
        return line
    told = {"producto_nombre": dish.name, "categoria": dish.category, "precio_unitario": dish.price}
    return {**line, **{name: value for name, value in told.items() if line.get(name) in (None, "")}}


def complete(
    draft: Json, order: Order | None, news: Json, *, tax_rate: float, timestamp: str, retime: Callable[[str], str]
) -> Json:
    """Returns the type's own fields of an order's event; `pedido` of a known order is set later, by the fold.

    `news` is what it says anew of the order's table, guest and waiter (`details.py`). `timestamp` is the event's;
    `retime` writes a publisher's time as ours are written. Raises OrderExists, InvalidTransition or Invalid.
    """
    known = order.pedido if order is not None else {}
    details = after_news(known, news)
    own = _COMPLETE[draft["tipo"]](draft, order, _Context(tax_rate, timestamp, retime, details))
    if "estado_anterior" in draft:
        own["estado_anterior"] = order.state if order is not None else None
    if draft["tipo"] != NEW_ORDER:
        own |= {name: details[name] for name in DETAILS if name in own}
        names_table = "mesa_numero" in own or "mesa" in own
        own.pop("mesa", None)
        if names_table and details["mesa"] is not None:
            own["mesa"] = details["mesa"]
    if order is None and draft["tipo"] == NEW_ORDER:
        return own
    return own | changes(known, details, moves=draft["tipo"] == TABLE_CHANGED)


class _Context(NamedTuple):
    tax_rate: float
    timestamp: str
    retime: Callable[[str], str]
    details: Json


def _complete_new(draft: Json, order: Order | None, context: _Context) -> Json:
    sent = draft["pedido"]
    if draft.get("pedido_id") not in (None, sent["id"]):
        raise Invalid(fields={"pedido_id": "no es el de pedido.id"})
    if order is not None and not order.incomplete:
        raise OrderExists(fields={"pedido.id": f"el pedido {sent['id']} ya existe"})
    pedido = _new_pedido(sent, order, context)
    if order is not None:
        _check_leaves(order, pedido["estado"], recovered=False)
    return {**draft, "pedido_id": sent["id"], "liberado": bool(draft.get("liberado")), "pedido": pedido}


def _new_pedido(sent: Json, stub: Order | None, context: _Context) -> Json:
    """Returns the order as sent, over what the log already knows of it: events may overtake their order."""
    known = stub.pedido if stub is not None else {}
    kind = sent.get("tipo") or known.get("tipo") or DINE_IN
    payment = sent.get("tipo_pago") or ("anticipado" if kind == TAKEAWAY else "al_final")
    paid_at = context.retime(sent["pagado_at"]) if sent.get("pagado_at") else known.get("pagado_at")
    state = sent.get("estado")
    if not state and stub is not None and not stub.state_assumed:
        state = stub.state
    if not state:
        state = AWAITING_PAYMENT if payment == "anticipado" and not paid_at else AT_TABLE
    if state == PAID and not paid_at:
        paid_at = context.timestamp
    items = lines_of(state, _items(sent, known))
    pedido = {
        "id": sent["id"],
        "numero": sent.get("numero") or sent["id"],
        "mesa_numero": context.details["mesa_numero"],
        "tipo": kind,
        "tipo_pago": payment,
        "cliente_nombre": context.details["cliente_nombre"],
        "mesero": context.details["mesero"],
        "notas": sent.get("notas"),
        "estado": state,
        "items": items,
        **_new_sums(sent, items, known, context.tax_rate),
        "timestamp": known.get("timestamp", context.timestamp),
    }
    if context.details["mesa"] is not None:
        pedido["mesa"] = context.details["mesa"]
    if not _SET_ABOVE.issuperset(sent):
        pedido.update((name, value) for name, value in sent.items() if name not in _SET_ABOVE)
    if sent.get("timestamp"):
        pedido["timestamp_origen"] = sent["timestamp"]
    if known:
        pedido.update((name, known[name]) for name in _KEPT if name in known)
    if paid_at:
        pedido["pagado_at"] = paid_at
    pedido["por_acusar"] = known.get("por_acusar", [])
    return pedido


_TIMES = ("pagado_at", "cocina_at", "listo_at", "servido_at", "visto_at", "entendido_at")
_KEPT = (*_TIMES, "razon", "atiende", "ronda", "ronda_at")
_SET_ABOVE = frozenset({
    "id", "numero", "mesa_numero", "mesa", "tipo", "tipo_pago", "cliente_nombre", "mesero", "notas", "estado", "items",
    "subtotal", "impuesto", "total", "timestamp", *_TIMES, "version", "por_acusar", "incompleto", "ronda", "ronda_at",
})  # fmt: skip


def _items(sent: Json, known: Mapping[str, Any]) -> list[Json]:
    """Returns the sent lines; what the log has heard of a line (it is ready) holds where they do not say."""
    before: list[Json] = known.get("items", [])
    if sent.get("items") is None:
        return before
    return new_lines(sent["items"], {line["id"]: line for line in before})


def _new_sums(sent: Json, items: list[Json], known: Mapping[str, Any], tax_rate: float) -> Json:
    total, prices = sent.get("total"), [line["subtotal"] for line in items]
    if total is None and prices and None not in prices:
        total = round(sum(prices), 2)
        check_sum(total, "pedido.total")
    if total is None and known.get("total") is not None:
        return {name: _known_or(sent, known, name) for name in ("subtotal", "impuesto", "total")}
    return sums(sent, total, tax_rate)


def _complete_state(draft: Json, order: Order | None, context: _Context) -> Json:
    recovered = bool(draft.get("recuperado"))
    if order is not None:
        _check_leaves(order, draft["estado"], recovered or bool(draft.get("deshecho")))
    known = order.pedido if order is not None else {}
    event = {
        **{name: value for name, value in draft.items() if name not in _SAID_OF_WORK},
        "estado_anterior": known.get("estado"),
        "mesa_numero": context.details["mesa_numero"],
        "tipo_servicio": draft.get("tipo_servicio") or known.get("tipo", DINE_IN),
        "recuperado": recovered,
    }
    if draft.get("pagado_at"):
        event["pagado_at"] = context.retime(draft["pagado_at"])
    elif draft["estado"] == PAID or draft.get("metodo_pago"):
        event["pagado_at"] = known.get("pagado_at") or context.timestamp
    return {**event, **_cancelled_lines(order)} if draft["estado"] == CANCELLED else event


def _cancelled_lines(order: Order | None) -> Json:
    """Returns what a cancellation says of the lines before it, so that it can be taken back; and `sin_cocina` where
    nothing of the order is left to make, which the kitchen is not told then."""
    lines = order.pedido["items"] if order is not None else ()
    told: Json = {
        "items_pendientes_ids": [line["id"] for line in lines if line["estado_item"] == PENDING],
        "items_listos_ids": [line["id"] for line in lines if line["estado_item"] == READY],
    }
    # In any other state a cook has it on the board, or may have, and its ticket has to go.
    if order is not None and order.state in (SERVED, CLOSED) and not any(told.values()):
        told["sin_cocina"] = True
    return told


# Which round a change of state begins, and that it brings the kitchen work: the service finds both.
_SAID_OF_WORK = ("ronda", "por_hacer")


def _complete_ready(draft: Json, order: Order | None, context: _Context) -> Json:
    partial = bool(draft.get("parcial"))
    if order is not None and not partial:
        _check_leaves(order, READY, bool(draft.get("recuperado")))
    known = order.pedido if order is not None else {}
    lines = [line for line in known.get("items", ()) if line["estado_item"] in (PENDING, READY)]
    ids = draft.get("items_listos_ids")
    if ids is None:
        ids = [line["id"] for line in lines if not partial or line["producto_nombre"] in draft["items_listos"]]
    started = round_start(known) or known.get("cocina_at") or known.get("pagado_at") or known.get("timestamp")
    seconds = draft.get("segundos_cocina")
    if seconds is None and started:
        seconds = max(0, (parse_iso(context.timestamp) - parse_iso(started)) // 1000)
    return {
        **draft,
        "items_listos_ids": ids,
        "parcial": partial,
        **{name: context.details[name] for name in DETAILS},
        "segundos_cocina": seconds,
    }


def _complete_item(draft: Json, order: Order | None, context: _Context) -> Json:
    known = order.pedido if order is not None else {}
    before = next((line for line in known.get("items", ()) if line["id"] == draft["item_id"]), None)
    after = changed_line(before, draft, round_of(known))
    if order is not None and after is not None and to_make(after) > (to_make(before) if before is not None else 0):
        _check_makes(order)
    money = changed_sums(known, draft, before, after, context.tax_rate)
    event = {**draft, "cambios": _whole_changes(draft["cambios"], before, after, money), "item": after, **money}
    event.pop("quitado", None)
    off = taken_off(before, after) if after is not None or removes_line(draft["cambios"]) else None
    return {**event, "quitado": off} if off is not None else event


def _whole_changes(changes: Json, before: Json | None, after: Json | None, money: Json) -> Json:
    kind = changes["tipo_cambio"]
    old, new = before or {}, after or {}
    filled: Json = {"tipo_cambio": kind, "producto_nombre": (after or old).get("producto_nombre")}
    quantity, notes = kind in _QUANTITY_CHANGES, kind == "notas_modificadas"
    gone = before is not None and removes_line(changes)
    filled["cantidad_anterior"] = old.get("cantidad") if quantity else None
    filled["cantidad_nueva"] = new.get("cantidad") if quantity and not removes_line(changes) else None
    filled["notas_anterior"] = old.get("notas") if notes or gone else None
    filled["notas_nueva"] = new.get("notas") if notes else None
    filled["nuevo_total"] = money["total"]
    return filled | {name: value for name, value in changes.items() if value is not None or name not in filled}


_QUANTITY_CHANGES = ("item_agregado", "cantidad_modificada", "item_removido")


def _complete_cancelled(draft: Json, order: Order | None, context: _Context) -> Json:
    if order is not None:
        _check_leaves(order, CANCELLED, bool(draft.get("recuperado")))
    known = order.pedido if order is not None else {}
    in_progress = draft.get("items_en_curso")
    if in_progress is None:
        in_progress = [line["producto_nombre"] for line in known.get("items", ()) if line["estado_item"] == PENDING]
    return {
        **draft,
        "razon": draft.get("razon"),
        "estado_anterior": known.get("estado"),
        "items_en_curso": in_progress,
        "mesa_numero": context.details["mesa_numero"],
        **_cancelled_lines(order),
    }


def _complete_table(draft: Json, order: Order | None, context: _Context) -> Json:
    return {**draft, "mesa_numero": context.details["mesa_numero"]}


_COMPLETE: Mapping[str, Callable[[Json, Order | None, _Context], Json]] = {
    NEW_ORDER: _complete_new,
    STATE_CHANGE: _complete_state,
    ORDER_READY: _complete_ready,
    ITEM_CHANGED: _complete_item,
    ORDER_CANCELLED: _complete_cancelled,
    TABLE_CHANGED: _complete_table,
}


def complete_stock(draft: Json, waiting: Callable[[int, str], list[int]]) -> Json:
    """Returns an `alerta_stock` with all its fields. The stock decides on the level where the publisher names none.
    `waiting` gives the orders that wait for a dish."""
    stock = draft.get("stock_actual")
    level = draft.get("nivel") or (NONE_LEFT if stock is not None and stock <= 0 else LOW)
    affected = draft.get("pedidos_afectados")
    if affected is None:
        affected = waiting(draft["producto_id"], draft["nombre"]) if level == NONE_LEFT else []
    return {
        **draft,
        "stock_actual": stock,
        "stock_minimo": draft.get("stock_minimo"),
        "nivel": level,
        "pedidos_afectados": affected,
    }


def _known_or(draft: Json, known: Mapping[str, Any], name: str) -> Any:
    """Returns what the publisher says, or else what the log knows."""
    return draft[name] if draft.get(name) is not None else known.get(name)


def _check_leaves(order: Order, state: str, recovered: bool) -> None:
    if state != order.state and not recovered:
        _check_open(order, "un evento")


def _check_makes(order: Order) -> None:
    """Raises InvalidTransition where more would be to make of an order that is over: no kitchen has it in sight, so
    nobody would hear of it. A change to a line brings no order back, `recuperado` or not."""
    _check_open(order, "un cambio_estado")


def _check_open(order: Order, what: str) -> None:
    if order.state in OVER:
        raise InvalidTransition(
            f"El pedido {named(order.pedido)} está {order.state}; solo {what} con recuperado: true lo cambia.",
            extra={"estado": order.state, "permitidas": []},
        )
