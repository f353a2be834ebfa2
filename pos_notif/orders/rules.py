"""What a rule of the table of transitions is, and the checked request that it is asked of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..clock import SteadyMs
from ..events import CASHIER, COOK, MANAGER, WAITER
from .state import Json, SteadyOrder
from .steps import Step

KITCHEN_STAFF = (COOK, MANAGER)
FLOOR_STAFF = (WAITER, CASHIER, MANAGER)
TILL_STAFF = (CASHIER, MANAGER)


@dataclass(frozen=True, slots=True)
class Action:
    """A checked request. `lines` are those that are added: whole, with products' names and prices. `line_ids` are those
    to be made anew, None for all. `ready_ms` is how long a ready order may be recalled. `made_ready` are the lines that
    became ready when the order did; None says that this is not known. `step` is the newest step at the tables or the
    till, where that is young enough to be taken back, and `actor` who acts; `undo` is the action that is to be
    taken back, where whoever asks says which. `attendant` is who is to attend the order, where that is not `actor`."""

    name: str
    role: str
    actor: Json
    now: SteadyMs
    ready_ms: int
    reason: str | None = None
    payment: str | None = None
    line_id: int | None = None
    line_ids: Sequence[int] | None = None
    quantity: float | None = None
    notes: str | None = None
    lines: Sequence[Json] = ()
    made_ready: Sequence[int] | None = None
    step: Step | None = None
    undo: str | None = None
    table: int | None = None
    table_name: str | None = None
    attendant: Json | None = None


Condition = Callable[[SteadyOrder, Action], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """An action is allowed from one of these states, to one of these roles, where the condition holds. `own_step` says
    that of these only a manager may take back what somebody else did."""

    states: tuple[str, ...]
    roles: tuple[str, ...]
    when: Condition = field(default=lambda order, action: True)
    needs_reason: bool = False
    own_step: bool = False

    def allows(self, action: Action) -> bool:
        """Tells whether the rule is for who acts."""
        own = not self.own_step or (action.step is not None and action.step.taken_by(action.actor))
        return action.role in self.roles and (own or action.role == MANAGER)
