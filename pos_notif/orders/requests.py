"""What a person's screen may send: a new order, an action on one, a product. It is checked as drafts are."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ..errors import Invalid
from ..wire.json_limits import BODY, check_json
from ..wire.validation import validate
from .actions import ACTIONS, NEEDS_LINE
from .drafts import MAX_ITEMS, Actor, Id, Money, Name, Quantity, Service, Table, TableName, Text, names_table
from .menu import MAX_NAME, MAX_STOCK
from .state import UNDOABLE

MAX_LINES = 200

Key = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Lines = Annotated[list["OrderedLine"], Field(min_length=1, max_length=MAX_LINES)]
Price = Annotated[Money, Field(ge=0)]
DishName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, strip_whitespace=True)]
Stock = Annotated[float, Field(allow_inf_nan=False, ge=0, le=MAX_STOCK)]


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class OrderedLine(_Sent):
    producto_id: Id
    cantidad: Quantity
    notas: Text | None = None


class OrderBody(_Sent):
    operacion_id: Key
    tipo: Service
    tipo_pago: Literal["anticipado", "al_final"] | None = None
    mesa_numero: Table | None = None
    mesa: TableName | None = None
    cliente_nombre: Name | None = None
    direccion: Text | None = None
    telefono: Name | None = None
    repartidor: Name | None = None
    notas: Text | None = None
    items: Lines
    actor: Actor | None = None


class ActionBody(_Sent):
    accion: Literal[ACTIONS]  # type: ignore[valid-type]
    operacion_id: Key
    version: int | None = None
    metodo_pago: Literal["efectivo", "tarjeta", "otro"] | None = None
    razon: Text | None = None
    item_id: Id | None = None
    item_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    items: Lines | None = None
    cantidad: Quantity | None = None
    notas: Text | None = None
    mesa_numero: Table | None = None
    mesa: TableName | None = None
    usuario_id: Id | None = None
    deshace: Literal[UNDOABLE] | None = None  # type: ignore[valid-type]
    actor: Actor | None = None


class ProductBody(_Sent):
    nombre: DishName | None = None
    categoria: Name | None = None
    precio: Price | None = None
    stock_actual: Stock | None = None
    stock_minimo: Stock | None = None
    disponible: bool | None = None
    id_pos: Id | None = None
    oculto: bool | None = None


class NewProductBody(ProductBody):
    nombre: DishName
    precio: Price
    disponible: bool = True
    oculto: bool = False


_NEEDED = {"cobrar": "metodo_pago", "agregar_item": "items", "cambiar_cantidad": "cantidad"}

Body = TypeVar("Body", bound=_Sent)


def parse_request(model: type[Body], value: Any) -> Body:
    """Returns what was sent as the model. Raises Invalid with the path of every wrong field."""
    if not isinstance(value, dict):
        raise Invalid(fields={BODY: "debe ser un objeto"})
    check_json(value)
    return validate(model.model_validate, value)


def parse_action(value: Any) -> ActionBody:
    """Returns the sent action. Raises Invalid, also where something is missing that this action needs."""
    body = parse_request(ActionBody, value)
    needed = [_NEEDED.get(body.accion, ""), "item_id" if body.accion in NEEDS_LINE else ""]
    missing = {name: "falta" for name in filter(None, needed) if getattr(body, name) is None}
    if body.accion == "cambiar_notas" and "notas" not in value:
        missing["notas"] = "falta"
    if body.accion == "cambiar_mesa" and not names_table(value):
        missing["mesa_numero"] = "falta"
    if missing:
        raise Invalid(fields=missing)
    return body
