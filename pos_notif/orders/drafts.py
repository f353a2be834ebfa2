"""What a publisher may send: the seven event types before the service has completed them.

The models check and document; the accepted event is the sent object itself, so that unknown fields and the
publisher's own way to write a number are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

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


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class Actor(_Sent):
    usuario_id: int | None = None
    username: Name | None = None
    rol: Name | None = None


class Component(_Sent):
    producto_nombre: Name | None = None
    cantidad: Quantity | None = None
    notas: Text | None = None


class Line(_Sent):
    id: Id | None = None
    producto_id: Id | None = None
    producto_nombre: Name | None = None
    cantidad: Quantity | None = None
    notas: Text | None = None
    categoria: Name | None = None
    estado_item: LineState | None = None
    precio_unitario: Money | None = None
    subtotal: Money | None = None
    componentes: Annotated[list[Component | Name], Field(max_length=MAX_PARTS)] | None = None
    # A POS may have a modifier with its price, as an object.
    modificadores: Annotated[list[Name | dict[str, Any]], Field(max_length=MAX_PARTS)] | Name | None = None


def _line_ids_differ(lines: list[Line]) -> list[Line]:
    ids = [line.id for line in lines if line.id is not None]
    if len(ids) != len(set(ids)):
        raise ValueError("dos líneas tienen el mismo id")
    return lines


class PublishedOrder(_Sent):
    id: Id
    numero: int | Name | None = None
    mesa_numero: Table | None = None
    mesa: TableName | Table | None = None
    tipo: Service | None = None
    tipo_pago: Literal["anticipado", "al_final"] | None = None
    cliente_nombre: Name | None = None
    mesero: Name | None = None
    # Texts, but a POS that has an address in parts sends an object.
    direccion: Text | dict[str, Any] | None = None
    telefono: Name | int | None = None
    repartidor: Name | dict[str, Any] | None = None
    notas: Text | None = None
    estado: FirstState | None = None
    items: Annotated[list[Line], Field(max_length=MAX_ITEMS), AfterValidator(_line_ids_differ)] | None = None
    subtotal: Money | None = None
    impuesto: Money | None = None
    total: Money | None = None
    pagado_at: Time | None = None


class _Draft(_Sent):
    operacion_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    timestamp: str | int | float | None = None
    actor: Actor | None = None


class NewOrder(_Draft):
    tipo: Literal["nuevo_pedido"]
    pedido: PublishedOrder
    liberado: bool | None = None


class _OrderDraft(_Draft):
    """A draft about an order, which may be unknown: each may tell more of the order than its own news, and that is
    checked here."""

    pedido_id: Id
    mesa_numero: Table | None = None
    mesa: TableName | Table | None = None
    tipo_servicio: Service | None = None
    cliente_nombre: Name | None = None
    mesero: Name | None = None
    recuperado: bool | None = None


class OrderReady(_OrderDraft):
    tipo: Literal["pedido_listo"]
    items_listos: Annotated[list[Name], Field(max_length=MAX_ITEMS)]
    items_listos_ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)] | None = None
    parcial: bool | None = None
    segundos_cocina: float | None = None


class StateChange(_OrderDraft):
    tipo: Literal["cambio_estado"]
    estado: OrderState
    metodo_pago: Name | None = None
    pagado_at: Time | None = None
    razon: Text | None = None
    items_listos_ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)] | None = None
    items_pendientes_ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)] | None = None


class LineChange(_Sent):
    tipo_cambio: Literal[
        "item_agregado",
        "item_removido",
        "cantidad_modificada",
        "notas_modificadas",
        "item_listo",
        "item_pendiente",
    ]
    producto_nombre: Name | None = None
    cantidad_anterior: QuantityOrNone | None = None
    cantidad_nueva: QuantityOrNone | None = None
    notas_anterior: Text | None = None
    notas_nueva: Text | None = None
    nuevo_total: Money | None = None


class ItemChanged(_OrderDraft):
    tipo: Literal["item_modificado"]
    item_id: Id
    cambios: LineChange
    item: Line | None = None
    subtotal: Money | None = None
    impuesto: Money | None = None
    total: Money | None = None


class OrderCancelled(_OrderDraft):
    tipo: Literal["pedido_cancelado"]
    razon: Text | None = None
    items_en_curso: list[Any] | int | None = None


class TableChanged(_OrderDraft):
    """The order's guests sit elsewhere: `mesa_numero`, `mesa` or both."""

    tipo: Literal["cambio_mesa"]


class StockAlert(_Draft):
    tipo: Literal["alerta_stock"]
    producto_id: Id
    nombre: Name
    stock_actual: float | None = None
    stock_minimo: float | None = None
    nivel: Literal["bajo", "agotado", "disponible"] | None = None
    pedidos_afectados: Annotated[list[Id], Field(max_length=10_000)] | None = None


Draft = Annotated[
    NewOrder | OrderReady | StateChange | ItemChanged | OrderCancelled | TableChanged | StockAlert,
    Field(discriminator="tipo"),
]
_MODELS: Mapping[str, type[_Draft]] = {
    NEW_ORDER: NewOrder,
    ORDER_READY: OrderReady,
    STATE_CHANGE: StateChange,
    ITEM_CHANGED: ItemChanged,
    ORDER_CANCELLED: OrderCancelled,
    TABLE_CHANGED: TableChanged,
    STOCK_ALERT: StockAlert,
}


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
    model = _MODELS.get(value["tipo"]) if isinstance(value.get("tipo"), str) else None
    if model is None:
        problem = "debe ser uno de: " + ", ".join(PUBLISHABLE) if "tipo" in value else "falta"
        raise Invalid(fields={path + "tipo": problem})
    validate(model, value, path)
    if model is TableChanged and not names_table(value):
        raise Invalid(fields={path + "mesa_numero": "falta"})
    return value


def names_table(sent: Mapping[str, Any]) -> bool:
    """Tells whether a table was sent: its number, its name, or both."""
    return any(sent.get(name) is not None and str(sent[name]).strip() for name in ("mesa_numero", "mesa"))
