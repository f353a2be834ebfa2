"""An order's lines and sums: completed where a publisher left something out. Prices include the tax."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from ..errors import Invalid
from ..events import PENDING
from .made import FIRST_ROUND, after_change, made_once, marks_of, round_of, without_marks
from .menu import MAX_MONEY
from .state import removes_line

Json = dict[str, Any]

_SUMS = ("subtotal", "impuesto", "total")


def new_lines(sent: list[Json], heard: Mapping[int, Json]) -> list[Json]:
    """Returns the sent lines with all their fields, and an id for each that has none; `heard` is by its id what the log
    has heard of a line already, its state where it does not say that, and what was made of it. Raises Invalid for a
    line whose price passes what is allowed."""
    given = {line["id"] for line in sent if line.get("id") is not None}
    unused = (number for number in count(1) if number not in given)
    whole = []
    for index, told in enumerate(sent):
        line = without_marks(told)
        before = heard.get(line["id"]) if line.get("id") is not None else None
        if before is not None:
            line = {**line, "estado_item": line.get("estado_item") or before["estado_item"], **marks_of(before)}
        line = whole_line(line, "pedido.items", index)
        if line["id"] is None:
            line["id"] = next(unused)
        whole.append(line)
    return whole


def whole_line(line: Json, *path: str | int) -> Json:
    """Returns the line with all its fields. `path` is where it stands in what was sent. Raises Invalid for a price
    beyond what is allowed."""
    whole = {**_LINE, **line}
    whole["cantidad"] = whole["cantidad"] or 1
    whole["estado_item"] = whole["estado_item"] or PENDING
    if "ronda" in line:
        whole["ronda"] = round_of(line)
    price = whole["precio_unitario"]
    if whole["subtotal"] is None and price is not None:
        whole["subtotal"] = subtotal = round(whole["cantidad"] * price, 2)
        check_sum(subtotal, *path, "subtotal")
    return whole


# In the order in which a line is written; what it has beside these follows.
_LINE: Json = {
    "id": None, "producto_id": None, "producto_nombre": None, "cantidad": None, "notas": None, "categoria": None,
    "estado_item": None, "ronda": FIRST_ROUND, "precio_unitario": None, "subtotal": None,
}  # fmt: skip


def changed_line(line: Json | None, draft: Json, order_round: int) -> Json | None:
    """Returns the whole line after the change; None where it is gone, or where neither log nor publisher knows it. A
    line that is new belongs to the order's round."""
    changes = draft["cambios"]
    kind = changes["tipo_cambio"]
    sent = {name: value for name, value in without_marks(draft.get("item") or {}).items() if value is not None}
    if removes_line(changes) or (line is None and not sent and kind != "item_agregado"):
        return None
    after = {**(line or {"ronda": order_round}), **sent, "id": draft["item_id"]}
    if not after.get("producto_nombre"):
        after["producto_nombre"] = changes.get("producto_nombre")
    if kind in ("cantidad_modificada", "item_agregado") and changes.get("cantidad_nueva"):
        after["cantidad"] = changes["cantidad_nueva"]
    # A null clears the note only where the change is one of notes: many publishers send every name each time.
    clears = kind == "notas_modificadas" and "notas_nueva" in changes and "notas" not in sent
    if changes.get("notas_nueva") is not None or clears:
        after["notas"] = changes["notas_nueva"]
    told = kind in ("item_listo", "item_pendiente")
    if told:
        after["estado_item"] = kind.removeprefix("item_")
    repriced = line is not None and any(after.get(name) != line[name] for name in ("cantidad", "precio_unitario"))
    if repriced and "subtotal" not in sent:
        after["subtotal"] = None
    whole = whole_line(after, "item")
    if line is None:
        return whole
    return after_change(
        line, whole, state_said=told or "estado_item" in sent, not_made=kind == "item_pendiente",
        order_round=order_round,
    )  # fmt: skip


def taken_off(before: Json | None, after: Json | None) -> Json | None:
    """Returns how many that had been made leave the bill where a line becomes `after`, and what they cost: null where
    that is not known. None where all stays that was made."""
    if before is None:
        return None
    left = made_once(before) - (after["cantidad"] if after is not None else 0)
    if left <= 0:
        return None
    price = None
    if before["subtotal"] is not None:
        share = left / (before["cantidad"] - (after["cantidad"] if after is not None else 0))
        price = round((before["subtotal"] - _price(after)) * share, 2)
    return {"cantidad": round(left, 3), "precio": price}


def sums(sent: Mapping[str, Any], total: float | None, tax_rate: float) -> Json:
    """Returns `subtotal`, `impuesto` and `total`; what was not sent follows from the total and the rest. Where only the
    total is known, the tax is the part of it that `tax_rate` makes."""
    tax, net = sent.get("impuesto"), sent.get("subtotal")
    if total is not None and tax is None:
        tax = round(total - net, 2) if net is not None else round(total - total / (1 + tax_rate), 2)
    if total is not None and net is None and tax is not None:
        net = round(total - tax, 2)
    return {"subtotal": net, "impuesto": tax, "total": total}


def changed_sums(known: Mapping[str, Any], draft: Json, before: Json | None, after: Json | None, rate: float) -> Json:
    """Returns the order's sums after its line `before` became `after`: as the publisher says, or by the line's
    difference."""
    total = draft["total"] if draft.get("total") is not None else draft["cambios"].get("nuevo_total")
    if total is not None:
        return sums(draft, total, rate)
    old_total = known.get("total")
    if old_total is not None:
        difference = _price(after) - _price(before)
        if difference:
            total = round(old_total + difference, 2)
            check_sum(total, "item.subtotal")
            share = known["impuesto"] / old_total if old_total and known.get("impuesto") is not None else None
            tax = round(total * share, 2) if share is not None else None
            return sums({"impuesto": tax, **_given(draft)}, total, rate)
    return {name: known.get(name) for name in _SUMS} | _given(draft)


def _given(draft: Json) -> Json:
    return {name: draft[name] for name in _SUMS if draft.get(name) is not None}


def _price(line: Json | None) -> float:
    """Returns what the line adds to the total; an unknown price adds nothing."""
    price: float = line["subtotal"] or 0 if line is not None else 0
    return price


def check_sum(amount: float, *path: str | int) -> None:
    """Raises Invalid for an amount beyond what is allowed: a product or a sum of allowed ones may be."""
    if abs(amount) > MAX_MONEY:
        raise Invalid(fields={".".join(map(str, path)): f"pasa de {MAX_MONEY:.0f}"})
