"""The guests: they order, change their minds, and some leave. What they do not do is move a ticket on.

They speak to a waiter or at the till, so each of their wishes is a request of that person.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .. import events
from ..events import AT_TABLE, AWAITING_PAYMENT, COOKING, PENDING
from .board import Board
from .menu import choose_allergy, choose_note, choose_product, choose_quantity
from .people import Deed, Json, Person, act, named, one_of, place


@dataclass(frozen=True, slots=True)
class Wave:
    """How many tickets the kitchen has: fewer than `fewest` draws the next guests in soon, `most` makes them wait."""

    fewest: int
    most: int
    seconds_between: tuple[float, float]


OPENING_ORDERS = 8
OPENING_TAKEAWAYS = (3, 4)  # so that the till has something at once
# The fewest are above the four tickets that should always be there, since three takeaways in a row reach the kitchen
# only once they are paid.
RUSH = Wave(fewest=7, most=10, seconds_between=(6.0, 14.0))
QUIET = Wave(fewest=5, most=8, seconds_between=(20.0, 40.0))
WAVE_SECONDS = 240.0
SECONDS_WHEN_FEW = 3.0
# Ready, served and unpaid orders count here too: where nobody serves and charges, the guests stop coming.
MOST_OPEN = 24
# A cancelled ticket stays on the kitchen's screen until a cook confirms it, and nobody may be there to do so.
MOST_CANCELLED = 2
_TABLES = range(1, 16)
_NAMES = (
    "Ana Martínez", "José Hernández", "Karla Rivas", "Óscar Alvarado", "Gabriela Portillo", "Luis Menjívar",
    "Sofía Cruz", "Mario Guardado", "Daniela Escobar", "Roberto Flores", "Niña Tere", "Familia Ramírez",
)  # fmt: skip
_REASONS = ("El cliente se fue", "Se equivocaron de pedido", "El cliente no quiso esperar", "Pedido repetido")
_CHANGES = {"cantidad": 12, "agregar": 10, "quitar": 7, "notas": 7, "cancelar": 7, "mesa": 4, "": 53}


def wave_at(now: float) -> Wave:
    return QUIET if int(now / WAVE_SECONDS) % 2 else RUSH


@dataclass(frozen=True, slots=True)
class _ChangeOfMind:
    due: float
    kind: str


class Guests:
    """The guests of one seed, who order the same in every run, as far as there are the dishes and the tables."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._ordered = 0
        self._opened = False
        self._next_due = 0.0
        self._changes: dict[int, _ChangeOfMind] = {}

    def act(self, board: Board, now: float) -> list[Deed]:
        """Returns what they want at `now`. Call it with times that do not go back."""
        return [*self._changed_minds(board, now), *self._new_orders(board, now)]

    def _new_orders(self, board: Board, now: float) -> list[Deed]:
        wave = wave_at(now)
        tickets = board.in_kitchen + board.unpaid  # an unpaid takeaway will be a ticket soon
        wanted = max(0, OPENING_ORDERS - tickets) if not self._opened else int(now >= self._next_due)
        self._opened = True
        if board.in_kitchen < wave.fewest:
            self._next_due = min(self._next_due, now + SECONDS_WHEN_FEW)
        wanted = min(wanted, wave.most - tickets, MOST_OPEN - len(board.orders))
        if wanted <= 0:
            return []
        taken = _taken(board)
        deeds = []
        for _ in range(wanted):
            self._ordered += 1
            deed = self._order(board.menu, taken)
            if deed is not None:
                taken.add(deed.body["mesa_numero"])
                deeds.append(deed)
        self._next_due = now + self._rng("gap", self._ordered).uniform(*wave.seconds_between)
        return deeds

    def _order(self, menu: list[Json], taken: set[int | None]) -> Deed | None:
        """Places an order for new guests. Returns None where nothing is left that they would eat."""
        rng = self._rng("order", self._ordered)
        table = next((table for table in rng.sample(_TABLES, len(_TABLES)) if table not in taken), None)
        takeaway = rng.random() < 0.3 or table is None or self._ordered in OPENING_TAKEAWAYS
        products = _products(rng, menu)
        if not products:
            return None
        lines = [
            _ordered(
                product, choose_quantity(rng, product),
                choose_note(rng, product["categoria"]) if rng.random() < 0.2 else None,
            )
            for product in products
        ]  # fmt: skip
        return place(
            one_of("cajero" if takeaway else "mesero", rng),
            tipo="llevar" if takeaway else "mesa",
            mesa_numero=None if takeaway else table,
            cliente_nombre=rng.choice(_NAMES) if takeaway or rng.random() < 0.2 else None,
            notas=choose_allergy(rng, [product["nombre"] for product in products]) if rng.random() < 0.12 else None,
            items=lines,
        )

    def _changed_minds(self, board: Board, now: float) -> list[Deed]:
        """Lets each order's guests change their minds once, where no person at a screen has the order in hand then."""
        for order_id in board.placed - self._changes.keys():
            rng = self._rng("mind", order_id)
            kind = rng.choices(list(_CHANGES), list(_CHANGES.values()))[0]
            self._changes[order_id] = _ChangeOfMind(now + rng.uniform(5, 45), kind)
        deeds = []
        for order in board.free:
            change = self._changes.get(order["id"])
            if change is None or change.due > now:
                continue
            self._changes[order["id"]] = _ChangeOfMind(change.due, "")
            deed = self._change(order, change.kind, board) if change.kind else None
            if deed is not None:
                deeds.append(deed)
        self._changes = {order_id: change for order_id, change in self._changes.items() if order_id in board.placed}
        return deeds

    def _change(self, order: Json, kind: str, board: Board) -> Deed | None:
        """Returns what is asked for, or None where it came too late: the dish is ready, the bill is paid."""
        rng = self._rng("change", order["id"])
        state = order["estado"]
        if kind == "cancelar":
            return self._cancel(order, rng) if board.cancelled_in_kitchen < MOST_CANCELLED else None
        if kind == "mesa":
            free = [table for table in _TABLES if table not in _taken(board)]
            if order["tipo"] != "mesa" or not free:
                return None
            return act(_told(order, rng), order, "cambiar_mesa", mesa_numero=rng.choice(free))
        if order.get("pagado_at"):
            return None
        person = _told(order, rng)
        if kind == "agregar":
            product = choose_product(rng, board.menu, drink=rng.random() < 0.4)
            if product is None:
                return None
            line = _ordered(product, choose_quantity(rng, product), None)
            return act(person, order, "agregar_item", items=[line])
        pending = [line for line in order["items"] if line["estado_item"] == PENDING]
        if state not in (AWAITING_PAYMENT, AT_TABLE, COOKING) or not pending:
            return None
        line = rng.choice(pending)
        if kind == "quitar":
            # Without its last pending line an order would be ready, and that is the kitchen's to say.
            return act(person, order, "quitar_item", item_id=line["id"]) if len(pending) > 1 else None
        if kind == "notas":
            note = choose_note(rng, line["categoria"], other_than=line["notas"])
            return act(person, order, "cambiar_notas", item_id=line["id"], notas=note)
        before = line["cantidad"]
        after = before - 1 if before > 1 and rng.random() < 0.4 else before + rng.randint(1, 2)
        return act(person, order, "cambiar_cantidad", item_id=line["id"], cantidad=after)

    def _cancel(self, order: Json, rng: Random) -> Deed | None:
        """Cancels an order. Money that was paid, and dishes that are cooking, are not a waiter's to cancel."""
        match order["estado"]:
            case events.COOKING:
                person = one_of("manager", rng)
            case events.PAID:
                person = one_of("cajero", rng)
            case events.AWAITING_PAYMENT | events.AT_TABLE if not order.get("pagado_at"):
                person = _told(order, rng)
            case _:
                return None
        return act(person, order, "cancelar", razon=rng.choice(_REASONS))

    def _rng(self, purpose: str, number: int) -> Random:
        return Random(f"{self._seed}:{purpose}:{number}")


def _taken(board: Board) -> set[int | None]:
    return {order["mesa_numero"] for order in board.orders}


def _told(order: Json, rng: Random) -> Person:
    """Returns whom the guests tell it: who took the order."""
    return named(order["mesero"]) or one_of("cajero", rng)


def _products(rng: Random, menu: list[Json]) -> list[Json]:
    """Chooses one to five different dishes, and often a drink."""
    chosen = [choose_product(rng, menu) for _ in range(rng.choice((1, 1, 2, 2, 3, 3, 4, 5)))]
    if rng.random() < 0.6:
        chosen.append(choose_product(rng, menu, drink=True))
    return list({product["id"]: product for product in chosen if product is not None}.values())


def _ordered(product: Json, quantity: int, note: str | None) -> Json:
    return {"producto_id": product["id"], "cantidad": quantity, "notas": note}
