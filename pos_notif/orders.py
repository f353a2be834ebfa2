"""The orders' state: a pure fold over the log. No clock, no database, no request.

A draft of an order's event goes through `complete` (what the log knows is filled in, contradictions are refused),
then `apply` gives the order after it. `fold` does the same from a stored event, for a rebuild.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .clock import parse_iso
from .errors import Invalid, InvalidTransition, OrderExists
from .events import ACKNOWLEDGEABLE, KITCHEN, TILLS, WAITERS

Json = dict[str, Any]

KITCHEN_STATES = ("pagado", "en_mesa", "en_cocina")
TERMINAL_STATES = ("cerrado", "cancelado")
# Stored events of these types carry the whole order after them.
CARRIES_ORDER = frozenset({"nuevo_pedido", "cambio_estado", "pedido_listo"})
_BEFORE_READY = ("pendiente_pago", "pagado", "en_mesa", "en_cocina")


@dataclass(frozen=True, slots=True)
class Order:
    """`pedido` is what travels; the rest is bookkeeping that the log implies and no reader sees."""

    pedido: Json
    first_event_id: int
    last_event_ms: int
    ready_ms: int | None = None
    kitchen_had_it: bool = False
    # No event has said the state yet: a stub made by a change to a line.
    state_assumed: bool = False

    @property
    def state(self) -> str:
        return str(self.pedido["estado"])

    @property
    def takeaway(self) -> bool:
        return bool(self.pedido["tipo"] == "llevar")

    @property
    def incomplete(self) -> bool:
        return bool(self.pedido.get("incompleto", False))


@dataclass(frozen=True, slots=True)
class ViewLimits:
    """`view_ms` without an event: in no view (0: no limit). `ready_ms`: a ready order stays in the kitchen's."""

    view_ms: int
    ready_ms: int


def views_holding(order: Order | None, now_ms: int, limits: ViewLimits) -> set[str]:
    """The rooms whose view holds the order (docs/protocol.md, section 9, "Views")."""
    if order is None or (limits.view_ms and order.last_event_ms < now_ms - limits.view_ms):
        return set()
    views = set()
    state = order.state
    if (
        state in KITCHEN_STATES
        or (state == "listo" and (order.ready_ms or 0) >= now_ms - limits.ready_ms)
        or (state == "cancelado" and order.kitchen_had_it and "entendido_at" not in order.pedido)
    ):
        views.add(KITCHEN)
    if state in ("pendiente_pago", "servido") or (state == "listo" and order.takeaway):
        views.add(TILLS)
    if state == "listo":
        views.add(WAITERS)
    return views


# Completing a draft


def complete(
    draft: Json, order: Order | None, *, tax_rate: float, timestamp: str, retime: Callable[[str], str]
) -> Json:
    """The type's own fields of the event, with what the log knows filled in; `pedido` is set later, by the fold.

    `timestamp` is the event's; `retime` writes a publisher's time as ours are written.
    Raises OrderExists, InvalidTransition or Invalid.
    """
    return _COMPLETE[draft["tipo"]](draft, order, _Context(tax_rate, timestamp, retime))


@dataclass(frozen=True, slots=True)
class _Context:
    tax_rate: float
    timestamp: str
    retime: Callable[[str], str]


def _complete_new(draft: Json, order: Order | None, context: _Context) -> Json:
    sent = draft["pedido"]
    if draft.get("pedido_id", sent["id"]) != sent["id"]:
        raise Invalid(fields={"pedido_id": "no es el de pedido.id"})
    if order is not None and not order.incomplete:
        raise OrderExists(fields={"pedido.id": f"el pedido {sent['id']} ya existe"})
    pedido = _new_pedido(sent, order, context)
    if order is not None:
        _check_leaves(order, pedido["estado"], recovered=False)
    return {**draft, "pedido_id": sent["id"], "liberado": bool(draft.get("liberado")), "pedido": pedido}


def _new_pedido(sent: Json, stub: Order | None, context: _Context) -> Json:
    known = stub.pedido if stub is not None else {}
    kind = sent.get("tipo") or "mesa"
    payment = sent.get("tipo_pago") or ("anticipado" if kind == "llevar" else "al_final")
    paid_at = context.retime(sent["pagado_at"]) if sent.get("pagado_at") else known.get("pagado_at")
    state = sent.get("estado")
    if not state and stub is not None and not stub.state_assumed:
        state = stub.state  # later news than this order: the log already knows how far it is
    if not state:
        state = "pendiente_pago" if payment == "anticipado" and not paid_at else "en_mesa"
    if state == "pagado" and not paid_at:
        paid_at = context.timestamp
    items = [_new_line(line, index, sent["items"]) for index, line in enumerate(sent.get("items") or ())]
    total, prices = sent.get("total"), [line["subtotal"] for line in items]
    if total is None and prices and None not in prices:
        total = round(sum(prices), 2)
    pedido = {
        "id": sent["id"],
        "numero": sent.get("numero") or sent["id"],
        "mesa_numero": sent.get("mesa_numero"),
        "tipo": kind,
        "tipo_pago": payment,
        "cliente_nombre": sent.get("cliente_nombre"),
        "mesero": sent.get("mesero"),
        "notas": sent.get("notas"),
        "estado": state,
        "items": items,
        **_money(sent, total, context.tax_rate),
        "timestamp": known.get("timestamp", context.timestamp),
    }
    times = {name: known[name] for name in _TIMES if name in known}
    if paid_at:
        times["pagado_at"] = paid_at
    extra = {name: value for name, value in sent.items() if name not in pedido and name not in _SERVICE_SETS}
    if sent.get("timestamp"):
        extra["timestamp_origen"] = sent["timestamp"]
    return {**pedido, **times, **extra, "por_acusar": known.get("por_acusar", [])}


_TIMES = ("pagado_at", "cocina_at", "listo_at", "servido_at", "visto_at", "entendido_at")
_SERVICE_SETS = (*_TIMES, "version", "por_acusar", "incompleto", "timestamp", "timestamp_origen")


def _new_line(line: Json, index: int, lines: list[Json]) -> Json:
    line_id = line.get("id")
    if line_id is None:
        # Above every id that was sent, so that the given ones keep theirs.
        line_id = max((other.get("id") or 0 for other in lines), default=0) + index + 1
    return _whole_line({**line, "id": line_id})


def _whole_line(line: Json) -> Json:
    quantity = line.get("cantidad") or 1
    price, subtotal = line.get("precio_unitario"), line.get("subtotal")
    if subtotal is None and price is not None:
        subtotal = round(quantity * price, 2)
    known = {
        "id": line["id"],
        "producto_id": line.get("producto_id"),
        "producto_nombre": line.get("producto_nombre"),
        "cantidad": quantity,
        "notas": line.get("notas"),
        "categoria": line.get("categoria"),
        "estado_item": line.get("estado_item") or "pendiente",
        "precio_unitario": price,
        "subtotal": subtotal,
    }
    return {**known, **{name: value for name, value in line.items() if name not in known}}


def _money(sent: Mapping[str, Any], total: float | None, tax_rate: float) -> Json:
    """Prices include the tax: of a total alone, the tax is its share."""
    tax, net = sent.get("impuesto"), sent.get("subtotal")
    if total is not None and tax is None:
        tax = round(total - net, 2) if net is not None else round(total - total / (1 + tax_rate), 2)
    if total is not None and net is None and tax is not None:
        net = round(total - tax, 2)
    return {"subtotal": net, "impuesto": tax, "total": total}


def _complete_state(draft: Json, order: Order | None, context: _Context) -> Json:
    recovered = bool(draft.get("recuperado"))
    if order is not None:
        _check_leaves(order, draft["estado"], recovered)
    known = order.pedido if order is not None else {}
    event = {
        **draft,
        "estado_anterior": known.get("estado"),
        "mesa_numero": _known_or(draft, known, "mesa_numero"),
        "tipo_servicio": draft.get("tipo_servicio") or known.get("tipo", "mesa"),
        "recuperado": recovered,
    }
    if draft.get("pagado_at"):
        event["pagado_at"] = context.retime(draft["pagado_at"])
    elif draft["estado"] == "pagado" or draft.get("metodo_pago"):
        event["pagado_at"] = known.get("pagado_at") or context.timestamp
    return event


def _complete_ready(draft: Json, order: Order | None, context: _Context) -> Json:
    partial = bool(draft.get("parcial"))
    if order is not None and not partial:
        _check_leaves(order, "listo", bool(draft.get("recuperado")))
    known = order.pedido if order is not None else {}
    lines = [line for line in known.get("items", ()) if line["estado_item"] in ("pendiente", "listo")]
    ids = draft.get("items_listos_ids")
    if ids is None:
        ids = [line["id"] for line in lines if not partial or line["producto_nombre"] in draft["items_listos"]]
    started = known.get("cocina_at") or known.get("pagado_at") or known.get("timestamp")
    seconds = draft.get("segundos_cocina")
    if seconds is None and started:
        seconds = max(0, (parse_iso(context.timestamp) - parse_iso(started)) // 1000)
    return {
        **draft,
        "items_listos_ids": ids,
        "parcial": partial,
        **{name: _known_or(draft, known, name) for name in ("mesa_numero", "cliente_nombre", "mesero")},
        "segundos_cocina": seconds,
    }


def _complete_item(draft: Json, order: Order | None, context: _Context) -> Json:
    known = order.pedido if order is not None else {}
    line = _find(known.get("items", ()), draft["item_id"])
    changes = dict(draft["cambios"])
    if line is not None:
        changes.setdefault("producto_nombre", line["producto_nombre"])
        if changes["tipo_cambio"] in ("cantidad_modificada", "item_removido"):
            changes.setdefault("cantidad_anterior", line["cantidad"])
        if changes["tipo_cambio"] == "notas_modificadas":
            changes.setdefault("notas_anterior", line["notas"])
    total = draft["total"] if draft.get("total") is not None else changes.get("nuevo_total")
    if total is not None:
        money = _money(draft, total, context.tax_rate)
    else:
        money = {name: _known_or(draft, known, name) for name in ("subtotal", "impuesto", "total")}
    return {**draft, "cambios": changes, "item": _changed_line(line, draft, changes), **money}


def _known_or(draft: Json, known: Mapping[str, Any], name: str) -> Any:
    """What the publisher says, or else what the log knows."""
    return draft[name] if draft.get(name) is not None else known.get(name)


def _removes(changes: Json) -> bool:
    return changes["tipo_cambio"] == "item_removido" or changes.get("cantidad_nueva") == 0


def _changed_line(line: Json | None, draft: Json, changes: Json) -> Json | None:
    """The whole line after the change; None where it is gone, or where neither log nor publisher knows it."""
    kind = changes["tipo_cambio"]
    if _removes(changes) or (line is None and draft.get("item") is None and kind != "item_agregado"):
        return None
    sent = {name: value for name, value in (draft.get("item") or {}).items() if value is not None}
    after = {**(line or {}), **sent, "id": draft["item_id"]}
    if changes.get("producto_nombre") and not after.get("producto_nombre"):
        after["producto_nombre"] = changes["producto_nombre"]
    if changes.get("cantidad_nueva"):
        if after.get("cantidad") != changes["cantidad_nueva"] and "subtotal" not in sent:
            after["subtotal"] = None  # priced anew below
        after["cantidad"] = changes["cantidad_nueva"]
    if "notas_nueva" in changes:
        after["notas"] = changes["notas_nueva"]
    if kind in ("item_listo", "item_pendiente"):
        after["estado_item"] = kind.removeprefix("item_")
    return _whole_line(after)


def _complete_cancelled(draft: Json, order: Order | None, context: _Context) -> Json:
    if order is not None:
        _check_leaves(order, "cancelado", bool(draft.get("recuperado")))
    known = order.pedido if order is not None else {}
    in_progress = draft.get("items_en_curso")
    if in_progress is None:
        in_progress = [line["producto_nombre"] for line in known.get("items", ()) if line["estado_item"] == "pendiente"]
    return {
        **draft,
        "razon": draft.get("razon"),
        "estado_anterior": known.get("estado"),
        "items_en_curso": in_progress,
        "mesa_numero": _known_or(draft, known, "mesa_numero"),
    }


_COMPLETE: Mapping[str, Callable[[Json, Order | None, _Context], Json]] = {
    "nuevo_pedido": _complete_new,
    "cambio_estado": _complete_state,
    "pedido_listo": _complete_ready,
    "item_modificado": _complete_item,
    "pedido_cancelado": _complete_cancelled,
}


def complete_stock(draft: Json) -> Json:
    stock = draft.get("stock_actual")
    return {
        **draft,
        "stock_actual": stock,
        "stock_minimo": draft.get("stock_minimo"),
        "nivel": draft.get("nivel") or ("agotado" if stock is not None and stock <= 0 else "bajo"),
        "pedidos_afectados": draft.get("pedidos_afectados") or [],
    }


def _check_leaves(order: Order, state: str, recovered: bool) -> None:
    if order.state in TERMINAL_STATES and state != order.state and not recovered:
        raise InvalidTransition(
            f"El pedido {order.pedido['id']} está {order.state}; solo un evento con recuperado: true lo cambia.",
            extra={"estado": order.state, "permitidas": []},
        )


# Folding


def fold(order: Order | None, event: Json) -> Order | None:
    """The order after a stored event (with `salas`); None after an event that has no order."""
    if "version" not in event:
        return order
    after = apply(order, event)
    if event["tipo"] in CARRIES_ORDER:
        return replace(after, pedido=event["pedido"])
    return await_receipt(after, event, event["salas"])


def await_receipt(order: Order, event: Json, rooms: Collection[str]) -> Order:
    """The order with the event among those that a kitchen screen has yet to acknowledge, where it is one."""
    if KITCHEN not in rooms or event["tipo"] not in ACKNOWLEDGEABLE:
        return order
    return replace(order, pedido={**order.pedido, "por_acusar": [*order.pedido["por_acusar"], event["id"]]})


def apply(order: Order | None, event: Json) -> Order:
    """The order after a completed event with `id`, `timestamp` and `version`. The order given stays as it is."""
    now_ms = parse_iso(event["timestamp"])
    kind = event["tipo"]
    before = order.pedido if order is not None else _stub(event)
    match kind:
        case "nuevo_pedido":
            after = dict(event["pedido"])
        case "cambio_estado":
            after = _with_state(before, event["estado"], event)
            if event.get("pagado_at"):
                after["pagado_at"] = event["pagado_at"]
        case "pedido_listo":
            ready = set(event["items_listos_ids"])
            after = before if event["parcial"] else _with_state(before, "listo", event)
            after = {**after, "items": [_ready_line(line, ready) for line in after["items"]]}
        case "item_modificado":
            after = {**before, "items": _with_line(before["items"], event)}
            after.update({name: event[name] for name in ("subtotal", "impuesto", "total")})
        case _:
            after = {**_with_state(before, "cancelado", event), "razon": event["razon"]}
    after["version"] = event["version"]
    state = after["estado"]
    was_ready = order.ready_ms if order is not None else None
    unknown_and_cancelled = order is None and state == "cancelado"
    return Order(
        pedido=after,
        first_event_id=order.first_event_id if order is not None else event["id"],
        last_event_ms=now_ms,
        ready_ms=(was_ready if before["estado"] == "listo" and was_ready else now_ms) if state == "listo" else None,
        kitchen_had_it=(order is not None and order.kitchen_had_it)
        or state in (*KITCHEN_STATES, "listo")
        or unknown_and_cancelled,
        state_assumed=(order is None or order.state_assumed)
        and (kind == "item_modificado" or (kind == "pedido_listo" and event["parcial"])),
    )


def _stub(event: Json) -> Json:
    """An order of which only this event is known: treated as dine-in, no lines."""
    return {
        "id": event["pedido_id"],
        "numero": event["pedido_id"],
        "mesa_numero": event.get("mesa_numero"),
        "tipo": event.get("tipo_servicio") or "mesa",
        "tipo_pago": "anticipado" if event.get("tipo_servicio") == "llevar" else "al_final",
        "cliente_nombre": event.get("cliente_nombre"),
        "mesero": event.get("mesero"),
        "notas": None,
        "estado": "en_mesa",
        "items": [],
        "subtotal": None,
        "impuesto": None,
        "total": None,
        "timestamp": event["timestamp"],
        "por_acusar": [],
        "incompleto": True,
    }


def _with_state(pedido: Json, state: str, event: Json) -> Json:
    at = event["timestamp"]
    after = {**pedido, "estado": state}
    items = pedido["items"]
    if state in _BEFORE_READY:
        after.pop("listo_at", None)
        after.pop("servido_at", None)
    if state == "en_cocina":
        after.setdefault("cocina_at", at)  # a recalled order's clock keeps its first start
        if event.get("recuperado"):
            items = [_line_as(line, ("listo", "servido", "cancelado"), "pendiente") for line in items]
    elif state == "listo":
        if pedido["estado"] != "listo":
            after["listo_at"] = at
        items = [_line_as(line, ("pendiente",), "listo") for line in items]
    elif state == "servido":
        after.setdefault("servido_at", at)
        items = [_line_as(line, ("pendiente", "listo"), "servido") for line in items]
    elif state == "cancelado":
        items = [_line_as(line, ("pendiente", "listo"), "cancelado") for line in items]
    return {**after, "items": items}


def _line_as(line: Json, states: tuple[str, ...], state: str) -> Json:
    return {**line, "estado_item": state} if line["estado_item"] in states else line


def _ready_line(line: Json, ready: set[int]) -> Json:
    return _line_as(line, ("pendiente",), "listo") if line["id"] in ready else line


def _with_line(lines: list[Json], event: Json) -> list[Json]:
    line_id, item = event["item_id"], event["item"]
    if _removes(event["cambios"]):
        return [line for line in lines if line["id"] != line_id]
    if item is None:
        return lines
    if _find(lines, line_id) is None:
        return [*lines, item]
    return [item if line["id"] == line_id else line for line in lines]


def _find(lines: Any, line_id: int) -> Json | None:
    return next((line for line in lines if line["id"] == line_id), None)
