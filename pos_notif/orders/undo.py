"""The rules by which a step at the tables or the till is taken back (docs/protocol.md, section 9, "Undo")."""

from __future__ import annotations

from ..events import CANCELLED, CLOSED, OPEN, SERVED
from .rules import FLOOR_STAFF, TILL_STAFF, Action, Condition, Rule
from .state import CANCEL, CHARGE, CLOSE, SERVE, Order


def _undoes(name: str, *, newest: bool) -> Condition:
    def check(order: Order, action: Action) -> bool:
        step = action.step
        meant = step is not None and step.name == name and action.undo in (None, name)
        return meant and step is not None and step.stands(order) and (step.newest or not newest)

    return check


def step_back(*, newest: bool) -> tuple[Rule, ...]:
    """Returns the rules by which `deshacer` takes a step back. `newest`: where the kitchen has done nothing since."""
    return (
        Rule((SERVED,), FLOOR_STAFF, _undoes(SERVE, newest=newest), own_step=True),
        Rule((*OPEN, CLOSED), TILL_STAFF, _undoes(CHARGE, newest=newest), own_step=True),
        Rule((CLOSED,), FLOOR_STAFF, _undoes(CLOSE, newest=newest), own_step=True),
        Rule((CANCELLED,), FLOOR_STAFF, _undoes(CANCEL, newest=newest), own_step=True),
    )


def overtaken(order: Order, action: Action) -> bool:
    """Tells whether who wants to take a step back took it, and the order has gone on since: what others may still take
    back is theirs."""
    step = action.step
    mine = action.name == "deshacer" and step is not None and step.taken_by(action.actor)
    return mine and step is not None and not step.stands(order)
