"""An event as the log's table and CSV tell it: the members of which a sentence or a column speaks.

`msgspec` passes over all others without making anything of them: an event of 1 KB takes 1.7 µs, as a dictionary 4.2,
and a CSV is a million of them. Only what every event has is of a promised type: a publisher may add to an event what
its type does not know.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, ValidationError, convert
from msgspec.json import Decoder, decode


class Line(Struct, gc=False):
    id: Any = None
    cantidad: Any = None
    producto_id: Any = None
    producto_nombre: Any = None
    notas: Any = None
    componentes: Any = None
    modificadores: Any = None


class Order(Struct, gc=False):
    numero: Any = None
    mesa_numero: Any = None
    mesa: Any = None
    tipo: Any = None
    cliente_nombre: Any = None
    mesero: Any = None
    estado: Any = None
    notas: Any = None
    total: Any = None
    items: list[Line] | None = None


class Actor(Struct, gc=False):
    usuario_id: Any = None
    username: Any = None
    rol: Any = None


class Changes(Struct, gc=False):
    tipo_cambio: Any = None
    producto_nombre: Any = None
    cantidad_anterior: Any = None
    cantidad_nueva: Any = None
    notas_anterior: Any = None
    notas_nueva: Any = None


class Event(Struct, gc=False):
    tipo: str | None = None
    timestamp: Any = None
    pedido_id: Any = None
    pedido_ids: Any = None
    actor: Actor | None = None
    operacion_id: Any = None
    salas: list[Any] = []
    pedido: Order | None = None
    liberado: Any = None
    mesa_numero: Any = None
    mesa: Any = None
    tipo_servicio: Any = None
    cliente_nombre: Any = None
    mesero: Any = None
    mesa_anterior: Any = None
    cliente_anterior: Any = None
    mesero_anterior: Any = None
    estado: Any = None
    estado_anterior: Any = None
    recuperado: Any = None
    deshecho: Any = None
    deshace: Any = None
    atiende: Actor | None = None
    ronda: Any = None
    por_hacer: Any = None
    quitado: Any = None
    metodo_pago: Any = None
    razon: Any = None
    parcial: Any = None
    items_listos: Any = None
    items_listos_ids: Any = None
    item_id: Any = None
    cambios: Changes | None = None
    item: Line | None = None
    nombre: Any = None
    nivel: Any = None
    stock_actual: Any = None
    stock_minimo: Any = None
    evento_id: Any = None
    entendido: Any = None
    segundos: Any = None
    total: Any = None
    rol: Any = None
    desde: Any = None
    formato: Any = None
    filtros: Any = None
    filas: Any = None
    hasta_id: Any = None


NO_ORDER, NO_ACTOR, NO_CHANGES = Order(), Actor(), Changes()
_event, _order = Decoder(Event).decode, Decoder(Order).decode


def read_event(stored: bytes) -> Event:
    """Reads an event, without what is damaged in it: the rest of its row still tells where it is."""
    try:
        return _event(stored)
    except ValidationError:
        return _of_other_types(stored)
    except ValueError:  # no JSON, or no UTF-8
        return Event()


def read_order(stored: bytes) -> Order:
    """Reads an order; a damaged one is `NO_ORDER`."""
    try:
        return _order(stored)
    except ValueError:
        return NO_ORDER


def is_event(text: bytes) -> bool:
    """Tells whether the text may stand in other JSON as an event."""
    try:
        return isinstance(decode(text), dict)
    except ValueError:
        return False


def _of_other_types(stored: bytes) -> Event:
    """Reads an event without the members that should hold others and do not."""
    try:
        event = convert(decode(stored), dict[str, Any])
        for name in ("actor", "atiende", "cambios", "item", "pedido"):
            if not isinstance(event.get(name), dict):
                event[name] = None
        order = event["pedido"]
        if order is not None:
            lines = order.get("items")
            order["items"] = [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else None
        return convert(event, Event)
    except ValueError:  # no event, one that is cut too, or with a number that nobody can hold
        return Event()
