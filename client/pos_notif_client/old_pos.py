"""What an old POS says of an order, in the service's words: pure functions of plain dictionaries, without a database.

The old POS's dictionaries come from its tables, so a number may be a text or a Decimal, a row a `sqlite3.Row`, and a
text longer than the service takes. What cannot be meant is left out, and a text is cut: a ticket that rings with a
short note is worth more than one that was refused.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Iterable, Mapping

Json = Dict[str, Any]

MAX_ID = 2**53 - 1
MAX_PARTS = 100
MAX_MONEY, MAX_QUANTITY, MAX_LINES = 10**12, 10**6, 500
NAME, TEXT, TABLE = 200, 2000, 20  # characters, as docs/protocol.md, section 7, has them

FIRST_STATES = ("pendiente_pago", "pagado", "en_mesa")
TO_COOK = ("pagado", "en_mesa", "en_cocina")
STATES = (*FIRST_STATES, "en_cocina", "listo", "servido", "cerrado", "cancelado")
TABLE_FIELDS = ("mesa_numero", "mesa")
CREDIT = "credito"
# What the old POS says of an order through `item_modificado` that is no change to a line.
PAPERWORK = ("factura_generada", "ticket_generado")

# A product's name, by what the old POS's queries call it.
_NAMES = ("producto_nombre", "nombre_item", "item_nombre", "nombre")
# Of a line these are compared; what a cook has done with it is the kitchen's to say.
_DISH, _MONEY = ("producto_id", "producto_nombre"), ("categoria", "precio_unitario", "subtotal")
_LISTS = ("componentes", "modificadores")


def is_paperwork(kind: Any, line_id: Any) -> bool:
    """Tells whether an `item_modificado` of the old POS is about an invoice or a ticket, and no line."""
    return kind in PAPERWORK or str(kind).startswith("dte_") or not line_id


def order_of(called: Mapping[str, Any], read: Mapping[str, Any] | None) -> Json:
    """Returns a `nuevo_pedido`'s order without its lines: what the call says, over it what was read from the POS's
    tables, which are newer than the totals of the call. The state is the call's: a later one has a call of its own."""
    order: Json = {}
    table: Json = {}
    for source in map(dict, (called, read or {})):
        order.update(_order_fields(source))
        table.update({name: source[name] for name in TABLE_FIELDS if _table({name: source.get(name)})})
    # Of both as a whole: a name in the place of the number is another table than a number from before.
    order = {**{name: value for name, value in order.items() if name not in TABLE_FIELDS}, **_table(table)}
    state = called.get("estado", (read or {}).get("estado"))
    if state in FIRST_STATES:
        order["estado"] = state
    return order


def first_state(order: Json) -> str:
    """Returns the state in which the service takes the order, also where it says none (docs/protocol.md, section 3)."""
    payment = order.get("tipo_pago") or ("anticipado" if order.get("tipo") == "llevar" else "al_final")
    state: str = order.get("estado") or ("pendiente_pago" if payment == "anticipado" else "en_mesa")
    return state


def table_of(read: Mapping[str, Any] | None) -> Json:
    """Returns what any event of an order may say of its table, guest and waiter."""
    fields = _order_fields(dict(read or {}))
    return {name: fields[name] for name in (*TABLE_FIELDS, "cliente_nombre", "mesero") if name in fields}


def sums_of(read: Mapping[str, Any]) -> Json:
    """Returns the order's amounts, those that are known."""
    amounts = {name: _money(dict(read).get(name)) for name in ("subtotal", "impuesto", "total")}
    return {name: amount for name, amount in amounts.items() if amount is not None}


def _order_fields(sent: Json) -> Json:
    kind = sent.get("tipo")
    fields: Json = {
        "id": whole(sent.get("id")),
        "numero": whole(sent.get("numero")) or text(sent.get("numero"), NAME),
        **_table(sent),
        "tipo": kind if kind in ("mesa", "llevar", "domicilio") else None,
        # The old POS says in `tipo` when it is paid; its table has that as `tipo_pago`.
        "tipo_pago": next((word for word in (kind, sent.get("tipo_pago")) if word in ("anticipado", "al_final")), None),
        "timestamp": _time(sent.get("timestamp")),
        **{name: text(sent.get(name), NAME) for name in ("cliente_nombre", "mesero", "telefono", "repartidor")},
        **{name: text(sent.get(name), TEXT) for name in ("notas", "direccion")},
        **sums_of(sent),
    }
    if fields["tipo"] is None and "mesa_id" in sent:
        fields["tipo"] = "mesa" if sent["mesa_id"] else "llevar"
    return {name: value for name, value in fields.items() if value is not None}


def _table(sent: Json) -> Json:
    """Returns the table's number and name, those that are known. An old POS may have a name in the number's place."""
    said = sent.get("mesa_numero")
    table, name = whole(said, least=0), text(sent.get("mesa"), TABLE)
    if table is None and name is None and isinstance(said, str):
        name = text(said, TABLE)
    return {key: value for key, value in (("mesa_numero", table), ("mesa", name)) if value is not None}


def lines_of(sent: Iterable[Mapping[str, Any]] | None) -> list[Json]:
    """Returns lines with what the service knows of a line and an id each; those without an id get the lowest that is
    free. One of which nothing is wanted is none. Raises ValueError where two lines have the same id."""
    lines = [_line(dict(line)) for line in sent or ()]
    lines = [line for line in lines if line["cantidad"] > 0]
    given = [line["id"] for line in lines if line["id"] is not None]
    if len(given) != len(set(given)):
        raise ValueError("two lines have the same id")
    taken = set(given)
    for line in lines:
        if line["id"] is None:
            line["id"] = next(number for number in range(1, len(lines) + 1) if number not in taken)
            taken.add(line["id"])
    return lines


def _line(sent: Json) -> Json:
    name = _name(sent)
    if name is None and not sent.get("producto_id") and sent.get("combo_id"):
        name = f"Combo {sent['combo_id']}"
    found = number(sent.get("cantidad"))
    quantity = 1 if found is None else min(found, MAX_QUANTITY)
    fields = {
        "producto_id": whole(sent.get("producto_id")),
        "producto_nombre": name,
        "notas": text(sent.get("notas"), TEXT),
        "categoria": text(sent.get("categoria"), NAME),
        "precio_unitario": _line_money(sent.get("precio_unitario"), quantity),
        "subtotal": _line_money(sent.get("subtotal"), 1),
        "componentes": _parts(sent.get("componentes"), _component),
        "modificadores": _parts(sent.get("modificadores"), _name),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return {"id": whole(sent.get("id")), "cantidad": quantity, **known}


def changes_between(before: list[Json], after: list[Json]) -> list[Json]:
    """Returns the `item_modificado` that make an order with the lines `before` one with the lines `after`, in the order
    in which they are to be published: each with `item_id`, `cambios` and, but for a line that goes, `item`.

    Both are of `lines_of`; `after` went through `with_what_is_known`."""
    old = {line["id"]: line for line in before}
    new = {line["id"]: line for line in after}
    gone = [line for line in before if line["id"] not in new or _is_other_dish(line, new[line["id"]])]
    replaced = {line["id"] for line in gone}
    events = [_removal(line) for line in gone]
    for line in after:
        known = old.get(line["id"])
        if known is not None and line["id"] not in replaced:
            events += _line_changes(known, line)
    return events + [_addition(line) for line in after if line["id"] not in old or line["id"] in replaced]


def with_what_is_known(before: list[Json], after: list[Json]) -> list[Json]:
    """Returns the lines `after` as the service will have them. A field that is left out says nothing there, but for the
    note; a list that has gone is said as an empty one."""
    old = {line["id"]: line for line in before}
    return [_with_known(old.get(line["id"]), line) for line in after]


def _with_known(known: Json | None, line: Json) -> Json:
    if known is None or _is_other_dish(known, line):
        return line
    kept = {name: known[name] for name in (*_DISH, *_MONEY) if name in known and name not in line}
    if any(name in line and line[name] != known.get(name) for name in ("cantidad", "precio_unitario")):
        kept.pop("subtotal", None)  # the service prices the line anew
    emptied: Json = {name: [] for name in _LISTS if known.get(name) and name not in line}
    return {**line, **kept, **emptied}


def _is_other_dish(known: Json, line: Json) -> bool:
    """Tells whether another dish stands in the line. A dish that is spelt otherwise is the same one."""
    by = "producto_id" if "producto_id" in known and "producto_id" in line else "producto_nombre"
    return by in known and by in line and known[by] != line[by]


def _removal(line: Json) -> Json:
    return {"item_id": line["id"], "cambios": _change("item_removido", line)}


def _addition(line: Json) -> Json:
    return {
        "item_id": line["id"],
        "cambios": _change("item_agregado", line, cantidad_nueva=line["cantidad"]),
        "item": {**line},
    }


def _line_changes(known: Json, line: Json) -> list[Json]:
    item = {name: value for name, value in line.items() if name != "notas"}
    events = []
    notes = known.get("notas") != line.get("notas")
    rest = any((known.get(name) or None) != (line.get(name) or None) for name in (*_DISH, *_LISTS))
    money = any(known.get(name) != line.get(name) for name in _MONEY)
    if known["cantidad"] != line["cantidad"] or (money and not notes and not rest):
        amounts = {"cantidad_anterior": known["cantidad"], "cantidad_nueva": line["cantidad"]}
        events.append({"item_id": line["id"], "cambios": _change("cantidad_modificada", line, **amounts), "item": item})
    if notes or (rest and not events):
        words = {"notas_anterior": known.get("notas"), "notas_nueva": line.get("notas")}
        events.append({"item_id": line["id"], "cambios": _change("notas_modificadas", line, **words), "item": item})
    return events


def _change(kind: str, line: Json, **fields: Any) -> Json:
    name = {"producto_nombre": line["producto_nombre"]} if "producto_nombre" in line else {}
    return {"tipo_cambio": kind, **name, **fields}


def names_of(items: Any) -> list[str]:
    """Returns the names of the dishes that are ready, which the old POS sends as texts or as rows."""
    names = []
    for item in items if isinstance(items, (list, tuple)) else ():
        if not isinstance(item, str):
            item = _name(dict(item)) if hasattr(item, "keys") else None
        name = text(item, NAME)
        if name is not None:
            names.append(name)
    return names


def _money(value: Any, most: float = MAX_MONEY) -> Any:
    found = number(value)
    return found if found is not None and abs(found) <= most else None


def _line_money(value: Any, quantity: Any) -> Any:
    """Returns what `quantity` times makes no order's total too large, of as many lines as it may have."""
    return _money(value, MAX_MONEY / MAX_LINES / max(quantity, 1))


def order_id(value: Any) -> int:
    """Returns an order's id. Raises ValueError for what is none: whose news it is must be known."""
    found = whole(value)
    if found is None:
        raise ValueError(f"no order's id: {value!r}")
    return found


def whole(value: Any, least: int = 1) -> int | None:
    found = number(value)
    return found if isinstance(found, int) and least <= found <= MAX_ID else None


def number(value: Any) -> Any:
    """Returns a number that is one, whole where it can be; None for what is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(found):
        return None
    if isinstance(value, int):
        return value
    return int(found) if found.is_integer() and abs(found) <= MAX_ID else found


def text(value: Any, most: int = TEXT) -> str | None:
    """Returns a text that says something, cut to `most` characters."""
    if value is None or isinstance(value, (bytes, bool)):
        return None
    # A lone half of a pair cannot be sent.
    found = str(value).encode("utf-8", "replace").decode("utf-8").strip()
    return found[:most].strip() or None


def _time(value: Any) -> str | None:
    return value.isoformat() if hasattr(value, "isoformat") else text(value, NAME)


def _parts(value: Any, part_of: Callable[[Json], Any]) -> list[Any] | None:
    """Returns what a combo is made of, or what is changed on a dish: texts, or rows as `part_of` has them; None where
    there is nothing."""
    parts = []
    for part in value if isinstance(value, (list, tuple)) else [value]:
        parts.append(part_of(dict(part)) if hasattr(part, "keys") else text(part, NAME))
    return [part for part in parts if part][:MAX_PARTS] or None


def _component(row: Json) -> Json:
    quantity = number(row.get("cantidad"))
    fields = {
        "producto_nombre": _name(row),
        "cantidad": quantity if quantity and 0 < quantity <= MAX_QUANTITY else None,
        "notas": text(row.get("notas")),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _name(row: Json) -> str | None:
    return text(next((row[name] for name in _NAMES if row.get(name)), None), NAME)
