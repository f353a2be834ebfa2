"""What an event says to a manager, in one Spanish sentence: `descripcion` in the log's table and in its CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]

# The words of what travels.
STATES = {
    "pendiente_pago": "por pagar",
    "pagado": "pagado",
    "en_mesa": "en espera",
    "en_cocina": "en cocina",
    "listo": "listo",
    "servido": "servido",
    "cerrado": "cerrado",
    "cancelado": "cancelado",
}
TYPES = {
    "nuevo_pedido": "Nuevo",
    "pedido_listo": "Listo",
    "cambio_estado": "Estado",
    "item_modificado": "Cambio",
    "pedido_cancelado": "Cancelado",
    "alerta_stock": "Existencias",
    "acuse_recibo": "Visto",
    "sin_acuse": "Sin ver",
    "sin_pantalla": "Sin pantalla",
    "pantalla_recuperada": "Con pantalla",
    "descarga": "Descarga",
    "poda": "Poda",
}
_SCREEN = {"cocina": "la cocina", "meseros": "los meseros", "cajeros": "la caja"}


class Service(NamedTuple):
    """What an event's order is to people, as far as the event or the log knows it."""

    table: Any = None
    kind: Any = None
    customer: Any = None
    number: Any = None

    @classmethod
    def of(cls, event: Json, order: Json) -> Service:
        """`order`: the event's own, else the one that the log knows; empty where there is none."""
        table, kind = event.get("mesa_numero"), event.get("tipo_servicio")
        return cls(
            table if table is not None else order.get("mesa_numero"),
            kind if kind is not None else order.get("tipo"),
            event.get("cliente_nombre") or order.get("cliente_nombre"),
            order.get("numero") or event.get("pedido_id"),
        )

    def __str__(self) -> str:
        if self.table is not None:
            return f"Mesa {self.table}"
        if self.kind == "llevar":
            return f"Llevar {self.customer or number(self.number)}"
        return f"Pedido {number(self.number)}"


def sentence(event: Json, service: Service) -> str:
    """Empty for a type that this version does not know."""
    say = _SAY.get(event.get("tipo"))
    return say(event, service) if say is not None else ""


def number(value: Any) -> str:
    """2 for 2.0: a quantity of a JSON number is often whole."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _new(event: Json, service: Service) -> str:
    order = _object(event.get("pedido"))
    what = "pedido nuevo"
    if event.get("liberado"):
        what = "pagado, pasa a cocina"
    elif order.get("estado") == "pendiente_pago":
        what = "pedido nuevo, por pagar"
    dishes = [f"{number(line.get('cantidad'))} {_dish(line)}" for line in _objects(order.get("items"))]
    return f"{service}: {', '.join([what, *dishes])}"


def _ready(event: Json, service: Service) -> str:
    names = Counter(str(name) for name in _list(event.get("items_listos")))
    dishes = [f"{count} {name}" for name, count in names.items()]
    return f"{service}: {', '.join(['listo en parte' if event.get('parcial') else 'listo', *dishes])}"


def _state(event: Json, service: Service) -> str:
    before, after = event.get("estado_anterior"), event.get("estado")
    told = []
    if before != after:
        told.append(f"{_word(before)} → {_word(after)}" if before else _word(after))
    if event.get("recuperado"):
        told.append("recuperado")
    if event.get("metodo_pago"):
        total = _object(event.get("pedido")).get("total")
        told.append(f"pago {event['metodo_pago']}" + (f" ${total:,.2f}" if isinstance(total, int | float) else ""))
    if event.get("razon"):
        told.append(str(event["razon"]))
    return f"{service}: {', '.join(told) or _word(after)}"


def _line(event: Json, service: Service) -> str:
    changes = _object(event.get("cambios"))
    dish = changes.get("producto_nombre") or f"línea {number(event.get('item_id'))}"
    before, after = changes.get("cantidad_anterior"), changes.get("cantidad_nueva")
    match changes.get("tipo_cambio"):
        case "item_agregado":
            what = f"se agregó {_amount(after)}{dish}"
        case "item_removido":
            what = f"se quitó {_amount(before)}{dish}"
        case "cantidad_modificada":
            what = f"{'?' if before is None else number(before)}→{'?' if after is None else number(after)} {dish}"
        case "notas_modificadas":
            what = f"{dish}, nota: {changes.get('notas_anterior') or '—'} → {changes.get('notas_nueva') or '—'}"
        case "item_listo":
            what = f"{dish}, listo"
        case _:
            what = f"{dish}, otra vez pendiente"
    return f"{service}: {what}"


def _cancelled(event: Json, service: Service) -> str:
    return f"{service}: cancelado" + (f", {event['razon']}" if event.get("razon") else "")


def _stock(event: Json, service: Service) -> str:
    left, minimum = event.get("stock_actual"), event.get("stock_minimo")
    what = {"agotado": "agotado", "disponible": "disponible otra vez"}.get(str(event.get("nivel")), "queda poco")
    told = [what]
    if left is not None and event.get("nivel") != "agotado":
        told.append(f"quedan {number(left)}")
    if minimum is not None:
        told.append(f"mínimo {number(minimum)}")
    return f"{event.get('nombre')}: {', '.join(told)}"


def _receipt(event: Json, service: Service) -> str:
    what = "cocina entendió la cancelación" if event.get("entendido") else "cocina lo vio"
    return f"{service}: {what} (evento {event.get('evento_id')}, a los {_seconds(event)})"


def _unseen(event: Json, service: Service) -> str:
    count = event.get("total")
    return f"Cocina no ha visto {count} {'aviso' if count == 1 else 'avisos'}, el más viejo de hace {_seconds(event)}"


def _no_screen(event: Json, service: Service) -> str:
    since = str(event.get("desde") or "")[11:19]
    return f"Sin pantalla en {_SCREEN.get(str(event.get('rol')), event.get('rol'))}" + (f" desde {since}" * bool(since))


def _screen_back(event: Json, service: Service) -> str:
    where = _SCREEN.get(str(event.get("rol")), event.get("rol"))
    return f"Otra vez hay pantalla en {where}, tras {_seconds(event)}"


def _download(event: Json, service: Service) -> str:
    asked = ", ".join(f"{name} {value}" for name, value in _object(event.get("filtros")).items())
    return f"Descarga del registro en {event.get('formato')}, {event.get('filas')} filas" + (
        f" ({asked})" * bool(asked)
    )


def _pruning(event: Json, service: Service) -> str:
    return f"Se quitaron {event.get('filas')} filas viejas del registro, hasta el evento {event.get('hasta_id')}"


_SAY: Mapping[Any, Callable[[Json, Service], str]] = {
    "nuevo_pedido": _new,
    "pedido_listo": _ready,
    "cambio_estado": _state,
    "item_modificado": _line,
    "pedido_cancelado": _cancelled,
    "alerta_stock": _stock,
    "acuse_recibo": _receipt,
    "sin_acuse": _unseen,
    "sin_pantalla": _no_screen,
    "pantalla_recuperada": _screen_back,
    "descarga": _download,
    "poda": _pruning,
}


def _dish(line: Json) -> str:
    return str(line.get("producto_nombre") or f"producto {line.get('producto_id') or '?'}")


def _amount(quantity: Any) -> str:
    return "" if quantity is None else f"{number(quantity)} "


def _word(state: Any) -> str:
    return STATES.get(state, str(state))


def _seconds(event: Json) -> str:
    return f"{number(event.get('segundos'))} s"


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[Json]:
    return [line for line in _list(value) if isinstance(line, dict)]
