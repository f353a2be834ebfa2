"""What a publisher may send: the six event types before the service has completed them.

The models check and document; the accepted event is the sent object itself, so that unknown fields and the
publisher's own way to write a number are kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from .clock import parse_iso
from .errors import Invalid
from .events import PUBLISHABLE

MAX_ID = 2**53 - 1  # what every JSON reader, JavaScript's included, holds exactly
MAX_ITEMS = 500
MAX_DEPTH = 16
MAX_BATCH = 500
# The service's own words at an event's top level: a publisher that sends them means something else.
RESERVED = ("id", "version", "cursor", "salas", "hash")


def _iso_time(text: str) -> str:
    parse_iso(text)
    return text


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Name = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=2000)]
Time = Annotated[str, StringConstraints(max_length=40), AfterValidator(_iso_time)]
Money = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
Quantity = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e6)]
QuantityOrNone = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e6)]
OrderState = Literal[
    "pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado", "cancelado"
]  # fmt: skip
LineState = Literal["pendiente", "listo", "servido", "cancelado"]


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class Actor(_Sent):
    usuario_id: int | None = None
    username: Name | None = None
    rol: Name | None = None


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


class PublishedOrder(_Sent):
    id: Id
    numero: int | Name | None = None
    mesa_numero: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None
    tipo: Literal["mesa", "llevar"] | None = None
    tipo_pago: Literal["anticipado", "al_final"] | None = None
    cliente_nombre: Name | None = None
    mesero: Name | None = None
    notas: Text | None = None
    estado: Literal["pendiente_pago", "pagado", "en_mesa"] | None = None
    items: Annotated[list[Line], Field(max_length=MAX_ITEMS)] | None = None
    subtotal: Money | None = None
    impuesto: Money | None = None
    total: Money | None = None
    pagado_at: Time | None = None

    @model_validator(mode="after")
    def _line_ids_differ(self) -> PublishedOrder:
        ids = [line.id for line in self.items or () if line.id is not None]
        if len(ids) != len(set(ids)):
            raise ValueError("dos líneas tienen el mismo id")
        return self


class _Draft(_Sent):
    operacion_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    timestamp: str | int | float | None = None
    actor: Actor | None = None


class NewOrder(_Draft):
    tipo: Literal["nuevo_pedido"]
    pedido: PublishedOrder
    liberado: bool | None = None


class OrderReady(_Draft):
    tipo: Literal["pedido_listo"]
    pedido_id: Id
    items_listos: Annotated[list[Name], Field(max_length=MAX_ITEMS)]
    items_listos_ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)] | None = None
    parcial: bool | None = None
    mesa_numero: int | None = None
    cliente_nombre: Name | None = None
    mesero: Name | None = None
    segundos_cocina: float | None = None


class StateChange(_Draft):
    tipo: Literal["cambio_estado"]
    pedido_id: Id
    estado: OrderState
    mesa_numero: int | None = None
    tipo_servicio: Literal["mesa", "llevar"] | None = None
    recuperado: bool | None = None
    metodo_pago: Name | None = None
    pagado_at: Time | None = None
    razon: Text | None = None


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


class ItemChanged(_Draft):
    tipo: Literal["item_modificado"]
    pedido_id: Id
    item_id: Id
    cambios: LineChange
    item: Line | None = None
    subtotal: Money | None = None
    impuesto: Money | None = None
    total: Money | None = None


class OrderCancelled(_Draft):
    tipo: Literal["pedido_cancelado"]
    pedido_id: Id
    razon: Text | None = None
    items_en_curso: list[Any] | int | None = None
    mesa_numero: int | None = None


class StockAlert(_Draft):
    tipo: Literal["alerta_stock"]
    producto_id: Id
    nombre: Name
    stock_actual: float | None = None
    stock_minimo: float | None = None
    nivel: Literal["bajo", "agotado", "disponible"] | None = None
    pedidos_afectados: Annotated[list[Id], Field(max_length=10_000)] | None = None


Draft = Annotated[
    NewOrder | OrderReady | StateChange | ItemChanged | OrderCancelled | StockAlert,
    Field(discriminator="tipo"),
]
_MODELS: Mapping[str, type[_Draft]] = {
    "nuevo_pedido": NewOrder,
    "pedido_listo": OrderReady,
    "cambio_estado": StateChange,
    "item_modificado": ItemChanged,
    "pedido_cancelado": OrderCancelled,
    "alerta_stock": StockAlert,
}

_MESSAGES = {
    "missing": "falta",
    "int_type": "debe ser un número entero",
    "int_from_float": "debe ser un número entero",
    "float_type": "debe ser un número",
    "finite_number": "debe ser un número finito",
    "string_type": "debe ser un texto",
    "bool_type": "debe ser true o false",
    "list_type": "debe ser una lista",
    "model_type": "debe ser un objeto",
    "dict_type": "debe ser un objeto",
    "literal_error": "debe ser uno de: {expected}",
    "greater_than": "debe ser mayor que {gt}",
    "greater_than_equal": "debe ser {ge} o más",
    "less_than_equal": "debe ser {le} o menos",
    "string_too_long": "tiene más de {max_length} caracteres",
    "string_too_short": "tiene menos de {min_length} caracteres",
    "too_long": "tiene más de {max_length} elementos",
    "too_short": "tiene menos de {min_length} elementos",
    "extra_forbidden": "no se reconoce",
}


def parse_draft(value: Any, path: str = "") -> dict[str, Any]:
    """The draft itself, once it was found valid. `path` stands before each field's path in the errors (`eventos.3.`).

    Raises Invalid with the path of every wrong field.
    """
    if not isinstance(value, dict):
        raise Invalid(fields={path.rstrip(".") or "cuerpo": "debe ser un objeto"})
    check_json(value, path)
    for name in RESERVED:
        if name in value:
            raise Invalid(fields={path + name: "lo pone el servicio; no se puede enviar"})
    model = _MODELS.get(value["tipo"]) if isinstance(value.get("tipo"), str) else None
    if model is None:
        problem = "debe ser uno de: " + ", ".join(PUBLISHABLE) if "tipo" in value else "falta"
        raise Invalid(fields={path + "tipo": problem})
    validate(model, value, path)
    return value


def validate(model: type[BaseModel], value: Any, path: str = "") -> BaseModel:
    """The value as the model. Raises Invalid, in Spanish, with every wrong field's path."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fields: dict[str, str] = {}
        for problem in error.errors(include_url=False, include_input=False):
            # A union's member names (`list[any]`, `int`) are no part of what was sent.
            steps = [str(step) for step in problem["loc"] if isinstance(step, int) or _is_sent(step, model)]
            fields.setdefault(path + ".".join(steps) if steps else path.rstrip(".") or "cuerpo", _spanish(problem))
        raise Invalid(fields=fields) from error


def _is_sent(step: str, model: type[BaseModel]) -> bool:
    return not any(mark in step for mark in "[(") and step not in ("int", "float", "str", "constrained-str")


def _spanish(problem: Any) -> str:
    context = problem.get("ctx", {})
    if problem["type"] == "value_error":
        reason = str(context.get("error", ""))
        return reason if "línea" in reason else "debe ser una hora ISO 8601 con su diferencia horaria"
    if problem["type"] == "literal_error":
        context = {"expected": str(context["expected"]).replace("'", "").replace(" or ", ", ")}
    return _MESSAGES.get(problem["type"], "no es válido").format(**context)


def check_json(value: Any, path: str = "", depth: int = 1) -> None:
    """Refuses what not every JSON reader would get back as it was sent: raises Invalid for nesting deeper than
    16, integers beyond ±2^53, numbers that are not finite, and lone surrogates (RFC 8259, sections 6 and 8.2)."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise Invalid(fields={path.rstrip(".") or "cuerpo": "tiene un carácter incompleto (surrogate)"})
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not -(2**53) <= value <= 2**53:
            raise Invalid(fields={path.rstrip("."): "pasa de ±2^53"})
    elif isinstance(value, float):
        if value - value != 0:
            raise Invalid(fields={path.rstrip("."): "debe ser un número finito"})
    else:
        if depth > MAX_DEPTH:
            raise Invalid(fields={path.rstrip(".") or "cuerpo": f"tiene más de {MAX_DEPTH} niveles"})
        if isinstance(value, dict):
            for name, member in value.items():
                check_json(name, f"{path}{_printable(name)}.", depth)
                check_json(member, f"{path}{_printable(name)}.", depth + 1)
        else:
            for index, member in enumerate(value):
                check_json(member, f"{path}{index}.", depth + 1)


def _printable(name: str) -> str:
    return "".join("?" if unicodedata.category(char) == "Cs" else char for char in name[:60])
