"""What an event says to a manager, in one Spanish sentence: `descripcion` in the log's table and in its CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..clock import parse_iso
from ..events import (
    AWAITING_PAYMENT,
    CANCELLED,
    DELIVERY,
    DOWNLOAD,
    ITEM_CHANGED,
    MANAGER,
    MANAGERS,
    NEW_ORDER,
    NO_SCREEN,
    ORDER_CANCELLED,
    ORDER_READY,
    PRUNING,
    RECEIPT,
    SCREEN_BACK,
    STATE_CHANGE,
    STATE_WORD,
    STOCK_ALERT,
    TABLE_CHANGED,
    TAKEAWAY,
    TILLS,
    TYPE_WORD,
    UNSEEN,
)
from .event_fields import NO_CHANGES, NO_ORDER, Event, Line, Order

_SCREEN_GONE = {
    "cocinero": "La pantalla de cocina no responde",
    "mesero": "Ningún mesero tiene pantalla",
    "cajero": "La pantalla de caja no responde",
}
_SCREEN_BACK = {
    "cocinero": "La cocina tiene pantalla otra vez",
    "mesero": "Los meseros tienen pantalla otra vez",
    "cajero": "La caja tiene pantalla otra vez",
}
_TO_GO = {TAKEAWAY: "Para llevar", DELIVERY: "A domicilio"}
# By how a dish's first word ends. Of others its gender is not known, and nobody should read "listo el carne".
_READY_DISH = {"as": "listas las", "os": "listos los", "a": "lista la", "o": "listo el"}
MOST_NAMED = 10  # orders in a sentence
# A download's filters and their values, as the log's page calls them.
_FILTER = {
    "dia": "día", "pedido_id": "código del pedido", "numero": "N.º", "desde_id": "después del evento",
    "estado": "pasó a", "usuario": "quién", "sala": "para", "q": "con las palabras", "asunto": "solo",
}  # fmt: skip
_FILTERED: Mapping[Any, Mapping[Any, str]] = {
    "estado": STATE_WORD,
    "tipo": TYPE_WORD,
    "asunto": {CANCELLED: "cancelados", "recuperado": "recuperados", "quitado": "quitados", "alarma": "alarmas"},
    "rol": {MANAGER: "encargado"},
    "sala": {TILLS: "caja", MANAGERS: "encargados"},
}
_UNDONE = {
    "servir": "se deshizo la entrega",
    "cobrar": "se deshizo el cobro",
    "cerrar": "se deshizo el cierre",
    "cancelar": "se deshizo la cancelación",
    "listo": "se deshizo LISTO",
    "iniciar": "se deshizo INICIAR",
}


class Service(NamedTuple):
    """What an event's order is to people, as far as the event or the log knows it; and of a receipt the event that was
    seen, where the log has it still."""

    table: Any = None
    kind: Any = None
    customer: Any = None
    number: Any = None
    seen: Event | None = None

    @classmethod
    def of(cls, event: Event, order: Order, seen: Event | None = None) -> Service:
        """Takes what the event does not say from `order`: the event's own, else the one that the log knows, else
        `NO_ORDER`."""
        table, kind = _table(event), event.tipo_servicio
        return cls(
            table if table is not None else _table(order),
            kind if kind is not None else order.tipo,
            event.cliente_nombre or order.cliente_nombre,
            order.numero or event.pedido_id,
            seen,
        )

    def __str__(self) -> str:
        if self.kind in _TO_GO and (self.table is None or self.kind == DELIVERY):
            return f"{_TO_GO[self.kind]}, {self.customer or number(self.number)}"
        return f"Pedido {number(self.number)}" if self.table is None else _called(self.table)


def sentence(event: Event, service: Service) -> str:
    """Returns the event's sentence, which is empty for a type that this version does not know."""
    say = _SAY.get(event.tipo)
    return say(event, service) + _moved(event) if say is not None else ""


def number(value: Any) -> str:
    """Writes 2 for 2.0: a quantity that is a JSON number is often whole."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _table(of: Event | Order) -> Any:
    """Returns the table's name, else its number. What is no text is no name."""
    return of.mesa if isinstance(of.mesa, str) and of.mesa else of.mesa_numero


def _called(table: Any) -> str:
    """Returns what people call the table: "Mesa 7", "Terraza 3"."""
    text = number(table)
    return f"Mesa {text}" if text.isdigit() else text


def _moved(event: Event) -> str:
    """Returns what the event changes of its order's table, guest and waiter beside what it is about, to follow its
    sentence."""
    told = []
    if event.mesa_anterior is not None and event.tipo != TABLE_CHANGED:
        told.append(_way(event))
    for word, before, after in (
        ("cliente", event.cliente_anterior, event.cliente_nombre),
        ("mesero", event.mesero_anterior, event.mesero),
    ):
        if before is not None:
            order = event.pedido or NO_ORDER
            told.append(f"{word} {before} → {after or (order.cliente_nombre if word == 'cliente' else order.mesero)}")
    return "".join(f", {each}" for each in told)


def _way(event: Event) -> str:
    """Returns "Mesa 5 → 12", or "Mesa 5 → Terraza 3"."""
    after = _table(event)
    if after is None:  # a new order's table stands in the order
        after = _table(event.pedido or NO_ORDER)
    before, after = _called(event.mesa_anterior), _called(after)
    return f"{before} → {after.removeprefix('Mesa ') if before.startswith('Mesa ') else after}"


def _table_changed(event: Event, service: Service) -> str:
    way = f", {_way(event)}" if event.mesa_anterior is not None else ""
    return f"{service}: cambio de mesa{way}"


def _new(event: Event, service: Service) -> str:
    order = event.pedido or NO_ORDER
    what = "pedido nuevo"
    if event.liberado:
        what = "pagado, pasa a cocina"
    elif order.estado == AWAITING_PAYMENT:
        what = "pedido nuevo, por cobrar"
    note = [f"nota: {order.notas}"] if _is_written(order.notas) else []
    return f"{service}: {', '.join([what, *_dishes(order.items or ()), *note])}"


def _ready(event: Event, service: Service) -> str:
    ids, order = _list(event.items_listos_ids), event.pedido or NO_ORDER
    dishes = _dishes([line for line in order.items or () if line.id in ids])
    if not dishes:  # of a publisher whose order is not known: names alone
        dishes = [str(name) for name in _list(event.items_listos)]
    return f"{service}: {', '.join(['listo en parte' if event.parcial else 'listo', *dishes])}"


def _state(event: Event, service: Service) -> str:
    before, after = event.estado_anterior, event.estado
    told = []
    if before != after:
        told.append(f"{_word(before)} → {_word(after)}" if before else _word(after))
    if event.recuperado:
        told.append("recuperado")
    if event.por_hacer is True and event.ronda:
        told.append(f"{event.ronda}.ª ronda")
    if event.atiende is not None:
        told.append(f"lo atiende {event.atiende.username}")
    if event.deshecho is True:
        told.append(_UNDONE.get(event.deshace, "deshecho"))
    if event.metodo_pago:
        total = (event.pedido or NO_ORDER).total
        told.append(f"pago {event.metodo_pago}" + (f" ${total:,.2f}" if isinstance(total, int | float) else ""))
    if event.razon:
        told.append(str(event.razon))
    return f"{service}: {', '.join(told) or _word(after)}"


def _line(event: Event, service: Service) -> str:
    return f"{service}: {_change(event)}"


def _change(event: Event) -> str:
    """Returns what has become of an order's line."""
    changes = event.cambios or NO_CHANGES
    dish = changes.producto_nombre or f"línea {number(event.item_id)}"
    before, after = changes.cantidad_anterior, changes.cantidad_nueva
    # Of three burgers, the note says which.
    which = dish + _note(event.item if event.item is not None else Line(notas=changes.notas_anterior))
    match changes.tipo_cambio:
        case "item_agregado":
            what = f"se agregó {_amount(after)}{which}"
        case "item_removido":
            what = f"se quitó {_amount(before)}{which}"
        case "cantidad_modificada":
            what = f"{'?' if before is None else number(before)}→{'?' if after is None else number(after)} {which}"
        case "notas_modificadas":
            what = f"{dish}, nota: {changes.notas_anterior or '—'} → {changes.notas_nueva or '—'}"
        case "item_listo":
            what = _ready_dish(which)
        case "item_pendiente":
            what = f"{which}, otra vez pendiente"
        case _:  # of a newer version, or damaged
            what = f"cambió {which}"
    if event.quitado is not None and event.razon:
        what += f", ya hecho: {event.razon}"
    return what


def _cancelled(event: Event, service: Service) -> str:
    return f"{service}: cancelado" + (f", {event.razon}" if event.razon else "")


def _stock(event: Event, service: Service) -> str:
    left, minimum = event.stock_actual, event.stock_minimo
    what = {"agotado": "se acabó", "disponible": "ya hay"}.get(str(event.nivel), "queda poco")
    told = [what]
    if left is not None and event.nivel != "agotado":
        told.append(f"{'queda' if left == 1 else 'quedan'} {number(left)}")
    if minimum is not None:
        told.append(f"mínimo {number(minimum)}")
    return f"{event.nombre}: {', '.join(told)}"


def _receipt(event: Event, service: Service) -> str:
    what = "entendió la cancelación" if event.entendido else _seen(service.seen)
    return f"{service}: cocina {what}, a los {_seconds(event)}"


def _seen(seen: Event | None) -> str:
    """Returns what the kitchen had in sight: "vio el pedido"."""
    if seen is None:
        return "lo vio"
    if seen.tipo == ITEM_CHANGED:
        return f"vio el cambio: {_change(seen)}"
    if seen.tipo == TABLE_CHANGED:
        return "vio el cambio de mesa"
    if seen.tipo == ORDER_CANCELLED or seen.estado == CANCELLED:
        return "vio la cancelación"
    if seen.deshecho:
        return "vio que ya no se cancela"
    if seen.recuperado:
        return "vio lo devuelto"
    return f"vio la {seen.ronda}.ª ronda" if seen.ronda else "vio el pedido"


def _unseen(event: Event, service: Service) -> str:
    count, orders = event.total, [str(order_id) for order_id in _list(event.pedido_ids)]
    what = f"Cocina no ha visto {count} {'aviso' if count == 1 else 'avisos'}"
    if orders:  # it does not have the numbers by which people know them
        what += f" (número{'s' * (len(orders) > 1)} interno{'s' * (len(orders) > 1)} {', '.join(orders[:MOST_NAMED])}"
        what += f" y {len(orders) - MOST_NAMED} más)" if len(orders) > MOST_NAMED else ")"
    return f"{what}, el más viejo de hace {_seconds(event)}"


def _no_screen(event: Event, service: Service) -> str:
    what = _SCREEN_GONE.get(str(event.rol), f"Sin pantalla: {event.rol}")
    lasted = _lasted(event.desde, event.timestamp)
    return what if lasted is None else f"{what} desde hace {lasted} s"


def _screen_back(event: Event, service: Service) -> str:
    what = _SCREEN_BACK.get(str(event.rol), f"Otra vez con pantalla: {event.rol}")
    return f"{what}, después de {_seconds(event)}"


def _download(event: Event, service: Service) -> str:
    asked = ", ".join(
        f"{_FILTER.get(name, name)} {_FILTERED.get(name, {}).get(value, value)}"
        for name, value in _members(event.filtros)
    )
    return f"Descarga del registro en {event.formato}, {event.filas} eventos" + (f" ({asked})" * bool(asked))


def _pruning(event: Event, service: Service) -> str:
    return f"Se quitaron {event.filas} eventos viejos del registro, hasta el {event.hasta_id}"


_SAY: Mapping[Any, Callable[[Event, Service], str]] = {
    NEW_ORDER: _new,
    ORDER_READY: _ready,
    STATE_CHANGE: _state,
    ITEM_CHANGED: _line,
    ORDER_CANCELLED: _cancelled,
    TABLE_CHANGED: _table_changed,
    STOCK_ALERT: _stock,
    RECEIPT: _receipt,
    UNSEEN: _unseen,
    NO_SCREEN: _no_screen,
    SCREEN_BACK: _screen_back,
    DOWNLOAD: _download,
    PRUNING: _pruning,
}


def _ready_dish(dish: str) -> str:
    """Returns "lista la cebada"."""
    first = dish.split(" ", 1)[0].lower()
    said = next((said for end, said in _READY_DISH.items() if first.endswith(end)), None)
    if said is None:
        return f"listo, {dish}"
    name = dish[:1].lower() + dish[1:] if dish[1:2].islower() else dish
    return f"lista el {name}" if first == "agua" else f"{said} {name}"


def _lasted(since: Any, until: Any) -> int | None:
    """Returns the whole seconds between two times of an event, if they are any."""
    try:
        return max(0, (parse_iso(until) - parse_iso(since)) // 1000)
    except (TypeError, ValueError):
        return None


def _dishes(lines: Iterable[Line]) -> list[str]:
    return [f"{number(line.cantidad)} {_dish(line)}" for line in lines]


def _dish(line: Line) -> str:
    name = str(line.producto_nombre or f"producto {line.producto_id or '?'}")
    parts = [
        *map(_component, _list(line.componentes)),
        *map(_modifier, _list(line.modificadores) or [line.modificadores]),
    ]
    told = ", ".join(filter(None, parts))
    return (f"{name} ({told})" if told else name) + _note(line)


def _component(part: Any) -> str:
    """Returns what a combo is made of, with its number: "2 Pupusa"."""
    if not isinstance(part, dict):
        return _modifier(part)
    count = part.get("cantidad")
    amount = _amount(count) if isinstance(count, int | float) else ""
    name = part.get("producto_nombre")
    return f"{amount}{name}" if isinstance(name, str) and name else ""


def _modifier(part: Any) -> str:
    """Returns a modifier's text: its own, or the name that an object has."""
    if isinstance(part, dict):
        part = part.get("nombre") or part.get("producto_nombre")
    return part if isinstance(part, str) else ""


def _note(line: Line | None) -> str:
    """Writes a dish's note as it was written, in brackets behind the dish."""
    return f" ({line.notas})" if line is not None and _is_written(line.notas) else ""


def _is_written(note: Any) -> bool:
    return isinstance(note, str) and bool(note.strip())


def _amount(quantity: Any) -> str:
    return "" if quantity is None else f"{number(quantity)} "


def _word(state: Any) -> str:
    return STATE_WORD.get(state, str(state))


def _seconds(event: Event) -> str:
    return f"{number(event.segundos)} s"


def _members(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
