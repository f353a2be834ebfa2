"""The staff: cooks, waiters and the cashier move every order on that lies, and the manager has sold-out dishes made."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .. import events
from ..events import PENDING, SERVED
from .board import Board
from .menu import DRINKS, RESTOCKED
from .people import Deed, Json, Person, act, named, one_of, restock

_METHODS = {"efectivo": 12, "tarjeta": 7, "otro": 1}
_RECALLS = ("Salió frío", "Falta el curtido", "Es de otra mesa", "Cliente pide más tostadas")
RECALL_SHARE = 0.05
PAID_EARLY_SHARE = 0.05
# A ticket lies in the kitchen for a minute or two: what lies for longer is marked, and now and then one is late. These
# are the demo's limits, in place of a restaurant's 8 and 15 minutes.
WARN_SECONDS, LATE_SECONDS = 90.0, 150.0
# A ticket that nobody begins for so long that it is late.
FORGOTTEN_SHARE = 0.06
FORGOTTEN_SECONDS = (130.0, 300.0)
# At the start no order is ready or served yet; every other one of the first is so in less than a minute. Who was served
# at a table stays as long as ever, for the till to have something.
HASTE_SECONDS, HASTE = 45.0, 0.2


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next to an order, as it was at `version`, unless somebody else changes it before `due`."""

    version: int
    due: float
    deed: Deed


class Staff:
    """The staff, who decide by the board alone, so that orders of other publishers and of an earlier run are served
    too."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._steps: dict[int, Step] = {}
        self._restock_due: dict[int, float] = {}

    def act(self, board: Board, now: float) -> list[Deed]:
        """Returns what they do at `now`. Call it with times that do not go back."""
        steps = {order["id"]: self._step(order, now) for order in board.free}
        due = {order_id: step for order_id, step in steps.items() if step.due <= now}
        # A step that was taken is forgotten: were it refused, the order would be looked at anew.
        self._steps = {order_id: step for order_id, step in steps.items() if order_id not in due}
        return [*(step.deed for step in due.values()), *self._restock(board, now)]

    def _step(self, order: Json, now: float) -> Step:
        known = self._steps.get(order["id"])
        if known is not None and known.version == order["version"]:
            return known
        wait, deed = next_step(order, self._rng)
        at_table = order["estado"] == SERVED and not order.get("pagado_at")
        hurried = now < HASTE_SECONDS and order["id"] % 2 == 0 and not at_table
        return Step(order["version"], now + wait * (HASTE if hurried else 1), deed)

    def _restock(self, board: Board, now: float) -> list[Deed]:
        """Fills up what was counted down to nothing; a dish that somebody marked as sold out is theirs to bring
        back."""
        gone = [
            product for product in board.menu if product["stock_actual"] is not None and product["stock_actual"] <= 0
        ]
        known = self._restock_due
        self._restock_due = {
            product["id"]: known.get(product["id"]) or now + self._rng.uniform(60, 150) for product in gone
        }
        return [
            restock(one_of("manager", self._rng), product, self._rng.randint(*RESTOCKED))
            for product in gone
            if self._restock_due[product["id"]] <= now
        ]


def next_step(order: Json, rng: Random) -> tuple[float, Deed]:
    """Returns how long an open order lies, and the next step then."""
    paid = order.get("pagado_at")
    match order["estado"]:
        case events.AWAITING_PAYMENT:
            return rng.uniform(15, 50), _charge(order, rng)
        case events.PAID | events.AT_TABLE:
            forgotten = rng.random() < FORGOTTEN_SHARE
            wait = rng.uniform(*FORGOTTEN_SECONDS) if forgotten else rng.uniform(10, 30)
            return wait, act(one_of("cocinero", rng), order, "iniciar")
        case events.COOKING:
            return _cooking(order, rng)
        case events.READY:
            if not paid and rng.random() < PAID_EARLY_SHARE:
                return rng.uniform(5, 15), _charge(order, rng)
            if rng.random() < RECALL_SHARE:
                waiter = one_of("mesero", rng)
                return rng.uniform(5, 15), act(waiter, order, "recuperar", razon=rng.choice(_RECALLS))
            return rng.uniform(10, 35), act(_server(order, rng), order, "servir")
        case _:
            # A takeaway was paid at the start; a table pays when it leaves.
            if paid:
                return rng.uniform(4, 10), act(one_of("cajero", rng), order, "cerrar")
            return rng.uniform(40, 110), _charge(order, rng)


def _cooking(order: Json, rng: Random) -> tuple[float, Deed]:
    """Makes one line ready, the drinks first; the last one makes the order ready."""
    cook = one_of("cocinero", rng)
    pending = [line for line in order["items"] if line["estado_item"] == PENDING]
    drinks = [line for line in pending if line["categoria"] == DRINKS]
    if len(pending) <= 1:
        return rng.uniform(15, 40), act(cook, order, "listo")
    line = rng.choice(drinks or pending)
    return rng.uniform(8, 15) if drinks else rng.uniform(12, 30), act(cook, order, "item_listo", item_id=line["id"])


def _charge(order: Json, rng: Random) -> Deed:
    method = rng.choices(list(_METHODS), list(_METHODS.values()))[0]
    return act(one_of("cajero", rng), order, "cobrar", metodo_pago=method)


def _server(order: Json, rng: Random) -> Person:
    """Returns who brings the order: who took it at the table, or for a takeaway the cashier."""
    if order["tipo"] in events.TO_GO:
        return one_of("cajero", rng)
    own = named(order["mesero"])
    return own if own is not None and own.role == "mesero" else one_of("mesero", rng)
