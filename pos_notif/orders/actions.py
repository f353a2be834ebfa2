"""What people do to an order: who may do what, when, and which events it makes (docs/protocol.md, section 9).

`RULES` is the contract's table. An action makes drafts, as a publisher would send them; they are completed and appended
in one transaction by `publishing/placing.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import Invalid, InvalidTransition, RoleNotAllowed
from ..events import (
    AT_TABLE,
    AWAITING_PAYMENT,
    CANCELLED,
    CASHIER,
    CLOSED,
    COOKABLE,
    COOKING,
    ITEM_CHANGED,
    MANAGER,
    OPEN,
    ORDER_CANCELLED,
    ORDER_READY,
    PAID,
    PENDING,
    READY,
    SERVED,
    STATE_CHANGE,
    STATE_WORD,
    TABLE_CHANGED,
    TO_COOK,
    WAITER,
)
from .lines import changed_line
from .made import made_once, round_of, round_start
from .menu import own_dish
from .numbers import named
from .rules import FLOOR_STAFF, KITCHEN_STAFF, TILL_STAFF, Action, Condition, Rule
from .state import Json, Order, SteadyOrder, attendant
from .steps import UNDO_MS, Step
from .undo import overtaken, step_back


def _paid(order: Order, action: Action) -> bool:
    return bool(order.pedido.get("pagado_at"))


def _unpaid(order: Order, action: Action) -> bool:
    return not _paid(order, action)


def _just_ready(order: SteadyOrder, action: Action) -> bool:
    meant = action.undo in (None, "listo")
    return meant and order.ready_ms is not None and order.ready_ms >= action.now - UNDO_MS


def _recently_ready(order: SteadyOrder, action: Action) -> bool:
    return order.ready_ms is not None and order.ready_ms >= action.now - action.ready_ms


def _untouched(order: Order, action: Action) -> bool:
    # An order that came back was not begun by INICIAR.
    back = "recuperado_at" in order.pedido or round_start(order.pedido) is not None
    meant = action.undo in (None, "iniciar")
    return meant and not back and not _lines(order, READY, SERVED)


def _line_is(state: str) -> Condition:
    def check(order: Order, action: Action) -> bool:
        return any(line["id"] == action.line_id for line in _lines(order, state))

    return check


def _takes_or_gives(order: Order, action: Action) -> bool:
    """Tells whether a waiter takes the order, or hands over one of his own, or one that nobody attends here."""
    of = attendant(order).get("usuario_id")
    return action.attendant is None or of is None or of == action.actor["usuario_id"]


def _dine_in(order: Order, action: Action) -> bool:
    return not order.takeaway


def _not_the_last(order: Order, action: Action) -> bool:
    return _unpaid(order, action) and len(order.pedido["items"]) > 1


def _takes_made(order: Order, action: Action) -> bool:
    """Tells whether less stays of the line than was made of it. Of no line in particular: whether every one is made."""
    left = (action.quantity or 0) if action.name == "cambiar_cantidad" else 0
    if action.line_id is not None:
        return made_once(_line(order, action)) > left
    return action.name == "quitar_item" and all(made_once(line) > 0 for line in order.pedido["items"])


def _lessens(condition: Condition) -> tuple[Rule, ...]:
    """Returns who may take something off the bill: anybody what was not made, those who answer for the till the rest,
    and they say why."""
    return (
        Rule(OPEN, TILL_STAFF, lambda order, action: condition(order, action) and _takes_made(order, action), True),
        Rule(OPEN, FLOOR_STAFF, lambda order, action: condition(order, action) and not _takes_made(order, action)),
    )


def _unpaid_and_unmade(order: Order, action: Action) -> bool:
    return _unpaid(order, action) and not any(made_once(line) for line in order.pedido["items"])


_EDIT = (Rule(OPEN, FLOOR_STAFF, _unpaid),)

RULES: Mapping[str, tuple[Rule, ...]] = {
    "cobrar": (
        Rule((AWAITING_PAYMENT,), TILL_STAFF),
        Rule((AT_TABLE, COOKING, READY, SERVED), TILL_STAFF, _unpaid),
    ),
    "iniciar": (Rule(COOKABLE, KITCHEN_STAFF),),
    "listo": (Rule(TO_COOK, KITCHEN_STAFF),),
    "item_listo": (Rule(TO_COOK, KITCHEN_STAFF, _line_is(PENDING)),),
    "item_pendiente": (Rule((COOKING,), KITCHEN_STAFF, _line_is(READY)),),
    "deshacer": (
        # A manager may take everybody's steps back: the newest one first.
        *step_back(newest=True),
        Rule((READY,), KITCHEN_STAFF, _just_ready),
        Rule((COOKING,), KITCHEN_STAFF, _untouched),
        *step_back(newest=False),
    ),
    "recuperar": (
        Rule((READY,), KITCHEN_STAFF, _recently_ready),
        Rule((READY,), (WAITER,), _recently_ready, needs_reason=True),
        Rule((SERVED,), (WAITER, MANAGER), needs_reason=True),
    ),
    "servir": (
        Rule((READY,), (WAITER, MANAGER)),
        Rule((READY,), (CASHIER,), lambda order, action: order.takeaway),
    ),
    "cerrar": (Rule((SERVED,), FLOOR_STAFF, _paid),),
    "tomar": (Rule(OPEN, (MANAGER,)), Rule(OPEN, (WAITER,), _takes_or_gives)),
    "cancelar": (
        Rule((AWAITING_PAYMENT, AT_TABLE), (WAITER,), _unpaid_and_unmade, needs_reason=True),
        Rule((AWAITING_PAYMENT, AT_TABLE, PAID), TILL_STAFF, needs_reason=True),
        Rule((COOKING, READY, SERVED), (MANAGER,), needs_reason=True),
    ),
    "agregar_item": _EDIT,
    "quitar_item": _lessens(_not_the_last),
    "cambiar_cantidad": _lessens(_unpaid),
    "cambiar_notas": _EDIT,
    "cambiar_mesa": (Rule(OPEN, FLOOR_STAFF, _dine_in),),
}
ACTIONS = tuple(RULES)


def check_role(name: str, role: str) -> None:
    """Raises RoleNotAllowed where the role may do this to no order, whatever its state."""
    if not any(role in rule.roles for rule in RULES[name]):
        raise RoleNotAllowed


def allowed(order: SteadyOrder, action: Action) -> list[str]:
    """Returns the actions that this role may do to the order now, or to some line of it."""
    names = []
    for name, rules in RULES.items():
        if name in ("item_listo", "item_pendiente"):
            state = PENDING if name == "item_listo" else READY
            fits = any(order.state in rule.states and action.role in rule.roles for rule in rules)
            holds = fits and bool(_lines(order, state))
        else:
            holds = _rule(name, order, replace(action, name=name, line_id=None)) is not None
        if holds:
            names.append(name)
    return names


def _rule(name: str, order: SteadyOrder, action: Action) -> Rule | None:
    for rule in RULES[name]:
        if order.state in rule.states and rule.allows(action) and rule.when(order, action):
            return rule
    return None


def drafts(order: SteadyOrder, action: Action) -> list[Json]:
    """Returns the drafts of the events that the action makes. Raises RoleNotAllowed, Invalid or InvalidTransition."""
    if action.line_id is not None and all(line["id"] != action.line_id for line in order.pedido["items"]):
        raise Invalid(fields={"item_id": "no es una línea de este pedido"})
    rule = _rule(action.name, order, action)
    if rule is None:
        fits = any(order.state in other.states and other.when(order, action) for other in RULES[action.name])
        if fits and not overtaken(order, action):
            raise RoleNotAllowed
        raise InvalidTransition(
            f"El pedido {named(order.pedido)} está {STATE_WORD[order.state]}: eso no se puede ahora.",
            extra={"estado": order.state, "permitidas": allowed(order, action)},
        )
    if rule.needs_reason and not action.reason:
        raise Invalid(fields={"razon": "falta"})
    _check_made(order, action)
    return _DRAFTS[action.name](order, action)


def _check_made(order: Order, action: Action) -> None:
    """Raises Invalid for lines to be made anew that have not been made."""
    known = {line["id"] for line in _lines(order, READY, SERVED)}
    unmade = (index for index, line_id in enumerate(action.line_ids or ()) if line_id not in known)
    for index in unmade:
        raise Invalid(fields={f"item_ids.{index}": "no es una línea hecha de este pedido"})


def _change(order: Order, state: str, **fields: Any) -> Json:
    return {"tipo": STATE_CHANGE, "pedido_id": order.pedido["id"], "estado": state, **fields}


def _charge(order: Order, action: Action) -> list[Json]:
    after = {AWAITING_PAYMENT: PAID, SERVED: CLOSED}.get(order.state, order.state)
    return [_change(order, after, metodo_pago=action.payment)]


def _ready(order: Order, action: Action) -> list[Json]:
    names = [line["producto_nombre"] or "" for line in _lines(order, PENDING, READY)]
    # Which lines this makes ready, so that `deshacer` can take back those and no others.
    waiting = [line["id"] for line in _lines(order, PENDING)]
    return [
        _change(order, READY, items_listos_ids=waiting),
        {"tipo": ORDER_READY, "pedido_id": order.pedido["id"], "items_listos": names},
    ]


def _line_ready(order: Order, action: Action) -> list[Json]:
    line = _line(order, action)
    change = _line_change(order, line["id"], "item_listo")
    if len(_lines(order, PENDING)) == 1:
        made_ready, announced = _ready(order, action)
        return [change, made_ready, announced]
    started = [_change(order, COOKING)] if order.state in COOKABLE else []
    part = {
        "tipo": ORDER_READY, "pedido_id": order.pedido["id"], "parcial": True,
        "items_listos": [line["producto_nombre"] or ""], "items_listos_ids": [line["id"]],
    }  # fmt: skip
    return [change, *started, part]


def taken_back(order: SteadyOrder, action: Action) -> Step | None:
    """Returns the step that `deshacer` takes back, or None where it is one of the kitchen's."""
    rule = _rule("deshacer", order, action) if action.name == "deshacer" else None
    return action.step if rule is not None and rule.own_step else None


def _undo(order: SteadyOrder, action: Action) -> list[Json]:
    step = taken_back(order, action)
    if step is not None:
        return [{"tipo": STATE_CHANGE, "pedido_id": order.pedido["id"], **step.draft(order)}]
    undone = {"deshecho": True, "deshace": "listo" if order.state == READY else "iniciar"}
    if order.state == COOKING:
        return [_change(order, PAID if order.pedido["tipo_pago"] == "anticipado" else AT_TABLE, **undone)]
    ready = [line["id"] for line in _lines(order, READY)]
    again = [line_id for line_id in ready if action.made_ready is None or line_id in action.made_ready]
    return [_change(order, COOKING, items_pendientes_ids=again, **undone)]


def _recall(order: Order, action: Action) -> list[Json]:
    ids = action.line_ids
    again = [line["id"] for line in _lines(order, READY, SERVED) if ids is None or line["id"] in ids]
    return [_change(order, COOKING, recuperado=True, items_pendientes_ids=again, **_reason(action))]


def _reason(action: Action) -> Json:
    return {"razon": action.reason} if action.reason else {}


def _cancel(order: SteadyOrder, action: Action) -> list[Json]:
    draft = {"tipo": ORDER_CANCELLED, "pedido_id": order.pedido["id"], "razon": action.reason}
    returned = [{"producto_id": name, "cantidad": amount} for name, amount in stock_change(order, action).items()]
    return [{**draft, "repuesto": returned} if returned else draft]


def _serve(order: SteadyOrder, action: Action) -> list[Json]:
    # Which lines this serves, so that `deshacer` can take back those and no others.
    return [_change(order, SERVED, items_servidos_ids=[line["id"] for line in _lines(order, READY)])]


def _add(order: Order, action: Action) -> list[Json]:
    first = max((line["id"] for line in order.pedido["items"]), default=0) + 1
    return [
        _line_change(order, number, "item_agregado", item=line, cantidad_nueva=line["cantidad"])
        for number, line in enumerate(action.lines, first)
    ]


def _remove(order: Order, action: Action) -> list[Json]:
    line = _line(order, action)
    removed = _line_change(order, line["id"], "item_removido", **_reason(action))
    return [removed, *_nothing_left(order, [other for other in order.pedido["items"] if other["id"] != line["id"]])]


def _change_quantity(order: Order, action: Action) -> list[Json]:
    line, quantity = _line(order, action), action.quantity
    assert quantity is not None
    # Of a line that was cancelled any more is to be made.
    again = {"estado_item": PENDING} if line["estado_item"] == CANCELLED and quantity > line["cantidad"] else None
    changed = _line_change(order, line["id"], "cantidad_modificada", again, cantidad_nueva=quantity, **_reason(action))
    # Of a pending line of which enough was made, nothing is pending.
    whole = changed_line(line, changed, round_of(order.pedido))
    assert whole is not None
    return [changed, *_nothing_left(order, [whole if other is line else other for other in order.pedido["items"]])]


def _nothing_left(order: Order, lines: Sequence[Json]) -> list[Json]:
    """Returns what follows where the kitchen has nothing more to make of these lines: the order is ready, or where all
    of it was carried already, served."""
    states = {line["estado_item"] for line in lines}
    if order.state not in TO_COOK or PENDING in states or not states & {READY, SERVED}:
        return []
    if READY not in states:
        return [_change(order, SERVED)]
    names = [line["producto_nombre"] or "" for line in lines if line["estado_item"] == READY]
    announced = {"tipo": ORDER_READY, "pedido_id": order.pedido["id"], "items_listos": names}
    return [_change(order, READY, items_listos_ids=[]), announced]


def _change_notes(order: Order, action: Action) -> list[Json]:
    return [_line_change(order, _line(order, action)["id"], "notas_modificadas", notas_nueva=action.notes)]


def _move(order: Order, action: Action) -> list[Json]:
    table = {"mesa_numero": action.table, "mesa": action.table_name}
    if all(order.pedido.get(name) == value for name, value in table.items()):
        raise Invalid(fields={"mesa_numero" if action.table_name is None else "mesa": "ya está en esa mesa"})
    return [{"tipo": TABLE_CHANGED, "pedido_id": order.pedido["id"], **table}]


def _line_change(
    order: Order, line_id: int, kind: str, item: Json | None = None, razon: str | None = None, **changes: Any
) -> Json:
    draft = {
        "tipo": ITEM_CHANGED,
        "pedido_id": order.pedido["id"],
        "item_id": line_id,
        "cambios": {"tipo_cambio": kind, **changes},
        **({"razon": razon} if razon is not None else {}),
    }
    return {**draft, "item": item} if item is not None else draft


def _line(order: Order, action: Action) -> Json:
    found: Json = next(line for line in order.pedido["items"] if line["id"] == action.line_id)
    return found


def _lines(order: Order, *states: str) -> list[Json]:
    return [line for line in order.pedido["items"] if line["estado_item"] in states]


_DRAFTS: Mapping[str, Callable[[SteadyOrder, Action], list[Json]]] = {
    "cobrar": _charge,
    "iniciar": lambda order, action: [_change(order, COOKING)],
    "listo": _ready,
    "item_listo": _line_ready,
    "item_pendiente": lambda order, action: [_line_change(order, _line(order, action)["id"], "item_pendiente")],
    "deshacer": _undo,
    "recuperar": _recall,
    "servir": _serve,
    "cerrar": lambda order, action: [_change(order, CLOSED)],
    "tomar": lambda order, action: [_change(order, order.state, atiende=action.attendant or action.actor)],
    "cancelar": _cancel,
    "agregar_item": _add,
    "quitar_item": _remove,
    "cambiar_cantidad": _change_quantity,
    "cambiar_notas": _change_notes,
    "cambiar_mesa": _move,
}
NEEDS_LINE = frozenset({"item_listo", "item_pendiente", "quitar_item", "cambiar_cantidad", "cambiar_notas"})


def stock_change(order: SteadyOrder, action: Action) -> dict[int, float]:
    """Returns by product what the action takes from the stock (negative) or puts back: what was taken and not made."""
    found: dict[int, float] = {}

    def note(line: Json, amount: float) -> None:
        dish = own_dish(order.pedido, line)
        if dish is not None and amount:
            found[dish] = found.get(dish, 0) + amount

    if action.name == "agregar_item":
        for line in action.lines:
            note(line, -line["cantidad"])
    elif action.name == "deshacer":
        found = step.stock() if (step := taken_back(order, action)) is not None else {}
    elif action.name == "cancelar":
        for line in _lines(order, PENDING):
            note(line, line["cantidad"] - made_once(line))
    elif action.name in ("quitar_item", "cambiar_cantidad"):
        line = _line(order, action)
        left = action.quantity or 0
        if left > line["cantidad"]:
            note(line, line["cantidad"] - left)
        elif line["estado_item"] == PENDING:
            note(line, line["cantidad"] - max(left, made_once(line)))
    return found
