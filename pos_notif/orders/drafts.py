"""What a publisher may send: the seven event types before the service has completed them.

These types check and document; the accepted event is the sent object itself, so that unknown fields and the
publisher's own way to write a number are kept. They are of the plain object that it is: pydantic checks one in half
the time that it takes to make a model of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Required

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it instead of Python's own before 3.12

from ..clock import parse_iso
from ..errors import Invalid
from ..events import (
    FIRST_STATES,
    ITEM_CHANGED,
    LINE_STATES,
    NEW_ORDER,
    ORDER_CANCELLED,
    ORDER_READY,
    PUBLISHABLE,
    SERVICES,
    STATE_CHANGE,
    STATES,
    STOCK_ALERT,
    TABLE_CHANGED,
)
from ..wire.json_limits import BODY, MAX_ID, check_json
from ..wire.validation import validate
from .menu import FROM_MENU, MAX_MONEY

MAX_ITEMS = 500
MAX_BATCH = 500
MAX_PARTS = 100  # of a line: what a combo is made of, what is changed on a dish
# The service's own words at an event's top level: a publisher that sends them means something else.
RESERVED = ("id", "version", "cursor", "salas", "hash")
# What only the service says of an event, or of the `pedido` in it: a publisher's own member of that name is left out.
SERVICE_WORDS = frozenset({
    "deshecho", "deshace", "sin_cocina", "repuesto", "items_servidos_ids", "atiende",
    "mesa_anterior", "cliente_anterior", "mesero_anterior",
})  # fmt: skip
ORDER_SERVICE_WORDS = frozenset({"atiende", "antiguo"})
_LINE_SERVICE_WORDS = frozenset({FROM_MENU})
# The years 1970 to 9998: every one of their moments has a date in every zone.
_LAST_MS = 253_370_764_800_000


def _iso_time(text: str) -> str:
    try:
        sound = 0 <= parse_iso(text) < _LAST_MS
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("debe ser una hora ISO 8601 con su diferencia horaria")
    return text


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Name = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=2000)]
Time = Annotated[str, StringConstraints(max_length=40), AfterValidator(_iso_time)]
Money = Annotated[float, Field(allow_inf_nan=False, ge=-MAX_MONEY, le=MAX_MONEY)]
Quantity = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e6)]
QuantityOrNone = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e6)]
OrderState = Literal[STATES]  # type: ignore[valid-type]
FirstState = Literal[FIRST_STATES]  # type: ignore[valid-type]
Table = Annotated[int, Field(ge=0, le=MAX_ID)]
TableName = Annotated[str, StringConstraints(max_length=20)]
Service = Literal[SERVICES]  # type: ignore[valid-type]
LineState = Literal[LINE_STATES]  # type: ignore[valid-type]


class _Sent(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(strict=True, extra="allow")  # type: ignore[misc]


class Actor(_Sent, total=False):
    usuario_id: int | None
    username: Name | None
    rol: Name | None


class Component(_Sent, total=False):
    producto_nombre: Name | None
    cantidad: Quantity | None
    notas: Text | None


class Line(_Sent, total=False):
    id: Id | None
    producto_id: Id | None
    producto_nombre: Name | None
    cantidad: Quantity | None
    notas: Text | None
    categoria: Name | None
    estado_item: LineState | None
    precio_unitario: Money | None
    subtotal: Money | None
    componentes: Annotated[list[Component | Name], Field(max_length=MAX_PARTS)] | None
    # A POS may have a modifier with its price, as an object.
    modificadores: Annotated[list[Name | dict[str, Any]], Field(max_length=MAX_PARTS)] | Name | None


def _line_ids_differ(lines: list[Line]) -> list[Line]:
    ids = [line_id for line in lines if (line_id := line.get("id")) is not None]
    if len(ids) != len(set(ids)):
        raise ValueError("dos líneas tienen el mismo id")
    return lines


class PublishedOrder(_Sent, total=False):
    id: Required[Id]
    numero: int | Name | None
    mesa_numero: Table | None
    mesa: TableName | Table | None
    tipo: Service | None
    tipo_pago: Literal["anticipado", "al_final"] | None
    cliente_nombre: Name | None
    mesero: Name | None
    # Texts, but a POS that has an address in parts sends an object.
    direccion: Text | dict[str, Any] | None
    telefono: Name | int | None
    repartidor: Name | dict[str, Any] | None
    notas: Text | None
    estado: FirstState | None
    items: Annotated[list[Line], Field(max_length=MAX_ITEMS), AfterValidator(_line_ids_differ)] | None
    subtotal: Money | None
    impuesto: Money | None
    total: Money | None
    pagado_at: Time | None


class _Draft(_Sent, total=False):
    operacion_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None
    timestamp: str | int | float | None
    actor: Actor | None


class NewOrder(_Draft, total=False):
    tipo: Required[Literal["nuevo_pedido"]]
    pedido: Required[PublishedOrder]
    liberado: bool | None


class _OrderDraft(_Draft, total=False):
    """A draft about an order, which may be unknown: each may tell more of the order than its own news, and that is
    checked here."""

    pedido_id: Required[Id]
    mesa_numero: Table | None
    mesa: TableName | Table | None
    tipo_servicio: Service | None
    cliente_nombre: Name | None
    mesero: Name | None
    recuperado: bool | None


class OrderReady(_OrderDraft, total=False):
    tipo: Required[Literal["pedido_listo"]]
    items_listos: Required[Annotated[list[Name], Field(max_length=MAX_ITEMS)]]
    items_listos_ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)] | None
    parcial: bool | None
    segundos_cocina: float | None


class StateChange(_OrderDraft, total=False):
    tipo: Required[Literal["cambio_estado"]]
    estado: Required[OrderState]
    metodo_pago: Name | None
    pagado_at: Time | None
    razon: Text | None
    items_listos_ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)] | None
    items_pendientes_ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)] | None


class LineChange(_Sent, total=False):
    tipo_cambio: Required[
        Literal[
            "item_agregado",
            "item_removido",
            "cantidad_modificada",
            "notas_modificadas",
            "item_listo",
            "item_pendiente",
        ]
    ]
    producto_nombre: Name | None
    cantidad_anterior: QuantityOrNone | None
    cantidad_nueva: QuantityOrNone | None
    notas_anterior: Text | None
    notas_nueva: Text | None
    nuevo_total: Money | None


class ItemChanged(_OrderDraft, total=False):
    tipo: Required[Literal["item_modificado"]]
    item_id: Required[Id]
    cambios: Required[LineChange]
    item: Line | None
    subtotal: Money | None
    impuesto: Money | None
    total: Money | None


class OrderCancelled(_OrderDraft, total=False):
    tipo: Required[Literal["pedido_cancelado"]]
    razon: Text | None
    items_en_curso: list[Any] | int | None


class TableChanged(_OrderDraft, total=False):
    """The order's guests sit elsewhere: `mesa_numero`, `mesa` or both."""

    tipo: Required[Literal["cambio_mesa"]]


class StockAlert(_Draft, total=False):
    tipo: Required[Literal["alerta_stock"]]
    producto_id: Required[Id]
    nombre: Required[Name]
    stock_actual: float | None
    stock_minimo: float | None
    nivel: Literal["bajo", "agotado", "disponible"] | None
    pedidos_afectados: Annotated[list[Id], Field(max_length=10_000)] | None


Draft = Annotated[
    NewOrder | OrderReady | StateChange | ItemChanged | OrderCancelled | TableChanged | StockAlert,
    Field(discriminator="tipo"),
]
_SHAPES: Mapping[str, type[_Draft]] = {
    NEW_ORDER: NewOrder,
    ORDER_READY: OrderReady,
    STATE_CHANGE: StateChange,
    ITEM_CHANGED: ItemChanged,
    ORDER_CANCELLED: OrderCancelled,
    TABLE_CHANGED: TableChanged,
    STOCK_ALERT: StockAlert,
}
_CHECKS = {kind: TypeAdapter(shape).validate_python for kind, shape in _SHAPES.items()}


def as_published(draft: dict[str, Any]) -> dict[str, Any]:
    """Returns a publisher's draft without what only the service says."""
    kept = _without(SERVICE_WORDS, draft)
    if kept["tipo"] == NEW_ORDER:
        pedido = _without(ORDER_SERVICE_WORDS, kept["pedido"])
        if any([FROM_MENU in line for line in pedido.get("items") or ()]):
            pedido = {**pedido, "items": [_without(_LINE_SERVICE_WORDS, line) for line in pedido["items"]]}
        return kept if pedido is kept["pedido"] else {**kept, "pedido": pedido}
    if kept["tipo"] == ITEM_CHANGED and FROM_MENU in (kept.get("item") or ()):
        return {**kept, "item": _without(_LINE_SERVICE_WORDS, kept["item"])}
    return kept


def _without(words: frozenset[str], sent: dict[str, Any]) -> dict[str, Any]:
    """Returns what was sent without the members of these names: itself, where it has none."""
    return sent if words.isdisjoint(sent) else {name: value for name, value in sent.items() if name not in words}


def parse_draft(value: Any, path: str = "") -> dict[str, Any]:
    """Returns the draft itself, once it was found valid. `path` stands before each field's path in the errors
    (`eventos.3.`).

    Raises Invalid with the path of every wrong field.
    """
    if not isinstance(value, dict):
        raise Invalid(fields={path.rstrip(".") or BODY: "debe ser un objeto"})
    check_json(value, path)
    for name in RESERVED:
        if name in value:
            raise Invalid(fields={path + name: "lo pone el servicio; no se puede enviar"})
    check = _CHECKS.get(value["tipo"]) if isinstance(value.get("tipo"), str) else None
    if check is None:
        problem = "debe ser uno de: " + ", ".join(PUBLISHABLE) if "tipo" in value else "falta"
        raise Invalid(fields={path + "tipo": problem})
    validate(check, value, path)
    if value["tipo"] == TABLE_CHANGED and not names_table(value):
        raise Invalid(fields={path + "mesa_numero": "falta"})
    return value


def names_table(sent: Mapping[str, Any]) -> bool:
    """Tells whether a table was sent: its number, its name, or both."""
    return any(sent.get(name) is not None and str(sent[name]).strip() for name in ("mesa_numero", "mesa"))
