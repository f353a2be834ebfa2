"""The guests: they order, change their minds, and some leave. What they do not do is move a ticket on."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .board import Board, Json, Person, one_of
from .menu import Dish, amounts, choose_allergy, choose_dish, choose_note, choose_quantity, line_of

OPENING_ORDERS = 6
# The kitchen's tickets: fewer than the first draws the next guests in soon, the second makes them wait. Well above
# the four that should always be there, since three takeaways in a row reach the kitchen only once they are paid.
FEWEST_TICKETS, MOST_TICKETS = 6, 10
SECONDS_BETWEEN_ORDERS = (12.0, 28.0)
SECONDS_WHEN_QUIET = 3.0
# A cancelled ticket stays on the kitchen's screen until a cook confirms it, and nobody may be there to do so.
MOST_CANCELLED = 2
_TABLES = range(1, 16)
_NAMES = (
    "Ana Martínez", "José Hernández", "Karla Rivas", "Óscar Alvarado", "Gabriela Portillo", "Luis Menjívar",
    "Sofía Cruz", "Mario Guardado", "Daniela Escobar", "Roberto Flores", "Niña Tere", "Familia Ramírez",
)  # fmt: skip
_REASONS = ("El cliente se fue", "Se equivocaron de pedido", "El cliente no quiso esperar", "Pedido repetido")
_CHANGES = {"cantidad": 14, "agregar": 12, "notas": 6, "cancelar": 7, "": 61}


@dataclass(frozen=True, slots=True)
class _ChangeOfMind:
    due: float
    kind: str


class Guests:
    """Orders of one seed are the same in every run, whatever happens between them."""

    def __init__(self, crew: tuple[Person, ...], seed: int, first_number: int) -> None:
        self._crew = crew
        self._seed = seed
        self._number = first_number
        self._opened = False
        self._next_due = 0.0
        self._changes: dict[int, _ChangeOfMind] = {}

    def act(self, board: Board, now: float) -> list[Json]:
        """What they want at `now`, as drafts of events. Call it with times that do not go back."""
        return [*self._changed_minds(board, now), *self._new_orders(board, now)]

    def _new_orders(self, board: Board, now: float) -> list[Json]:
        tickets = board.in_kitchen + board.unpaid  # an unpaid takeaway will be a ticket soon
        wanted = max(0, OPENING_ORDERS - tickets) if not self._opened else int(now >= self._next_due)
        self._opened = True
        if board.in_kitchen < FEWEST_TICKETS:
            self._next_due = min(self._next_due, now + SECONDS_WHEN_QUIET)
        wanted = min(wanted, MOST_TICKETS - tickets)
        if wanted <= 0:
            return []
        taken = {order["mesa_numero"] for order in board.orders}
        drafts = []
        for _ in range(wanted):
            draft = self._order(self._number, board.sold_out, taken, now)
            taken.add(draft["pedido"]["mesa_numero"])
            drafts.append(draft)
            self._number += 1
        self._next_due = now + self._rng("gap", self._number).uniform(*SECONDS_BETWEEN_ORDERS)
        return drafts

    def _order(self, number: int, sold_out: frozenset[int], taken: set[int | None], now: float) -> Json:
        rng = self._rng("order", number)
        self._changes[number] = _ChangeOfMind(
            now + rng.uniform(6, 40), rng.choices(list(_CHANGES), list(_CHANGES.values()))[0]
        )
        takeaway = rng.random() < 0.3
        dishes = _dishes(rng, sold_out)
        lines = [
            line_of(
                dish, index, choose_quantity(rng, dish),
                choose_note(rng, dish.category) if rng.random() < 0.2 else None,
            )
            for index, dish in enumerate(dishes, start=1)
        ]  # fmt: skip
        person = one_of(self._crew, "cajero" if takeaway else "mesero", rng)
        order: Json = {
            "id": number,
            "numero": number,
            "tipo": "llevar" if takeaway else "mesa",
            "tipo_pago": "anticipado" if takeaway else "al_final",
            "mesa_numero": None if takeaway else _free_table(rng, taken),
            "cliente_nombre": rng.choice(_NAMES) if takeaway or rng.random() < 0.2 else None,
            "mesero": None if takeaway else person.username,
            "notas": choose_allergy(rng, dishes) if rng.random() < 0.12 else None,
            "items": lines,
            **amounts(lines),
        }
        return {"tipo": "nuevo_pedido", "actor": person.actor, "pedido": order}

    def _changed_minds(self, board: Board, now: float) -> list[Json]:
        drafts = []
        for number in [number for number, change in self._changes.items() if change.due <= now]:
            change, order = self._changes.pop(number), board.order(number)
            if order is None or not change.kind:
                continue
            draft = self._change(order, change.kind, board)
            if draft is not None:
                drafts.append({**draft, "pedido_id": number, "actor": self._told(order, draft).actor})
        return drafts

    def _told(self, order: Json, draft: Json) -> Person:
        """Whom the guests tell it, and who may then do it."""
        rng = self._rng("told", order["id"])
        if draft["tipo"] == "pedido_cancelado" and order["estado"] == "en_cocina":
            return one_of(self._crew, "manager", rng)
        waiter = next((person for person in self._crew if person.username == order["mesero"]), None)
        return waiter or one_of(self._crew, "cajero", rng)

    def _change(self, order: Json, kind: str, board: Board) -> Json | None:
        """None where it came too late: the dish is ready, the bill is paid."""
        rng = self._rng("change", order["id"])
        state = order["estado"]
        if kind == "cancelar":
            told_kitchen = state in ("en_mesa", "en_cocina") and board.cancelled_in_kitchen < MOST_CANCELLED
            if state != "pendiente_pago" and not told_kitchen:
                return None
            return {"tipo": "pedido_cancelado", "razon": rng.choice(_REASONS)}
        if state not in ("en_mesa", "en_cocina") or order.get("pagado_at"):
            return None
        if kind == "agregar":
            return _added_line(order, choose_dish(rng, board.sold_out, drink=rng.random() < 0.4), rng)
        pending = [line for line in order["items"] if line["estado_item"] == "pendiente"]
        if not pending:
            return None
        line = rng.choice(pending)
        return _new_quantity(order, line, rng) if kind == "cantidad" else _new_note(line, rng)

    def _rng(self, purpose: str, number: int) -> Random:
        return Random(f"{self._seed}:{purpose}:{number}")


def _dishes(rng: Random, sold_out: frozenset[int]) -> list[Dish]:
    """One to four different dishes, and often a drink."""
    chosen = [choose_dish(rng, sold_out) for _ in range(rng.choice((1, 2, 2, 3, 3, 4)))]
    if rng.random() < 0.6:
        chosen.append(choose_dish(rng, sold_out, drink=True))
    return list(dict.fromkeys(chosen))


def _free_table(rng: Random, taken: set[int | None]) -> int:
    tables = rng.sample(_TABLES, len(_TABLES))
    return next((table for table in tables if table not in taken), tables[0])


def _added_line(order: Json, dish: Dish, rng: Random) -> Json:
    line_id = max((line["id"] for line in order["items"]), default=0) + 1
    line = line_of(dish, line_id, choose_quantity(rng, dish), None)
    money = amounts([*order["items"], line])
    changes = {"tipo_cambio": "item_agregado", "producto_nombre": dish.name, "cantidad_nueva": line["cantidad"]}
    return _line_event(line, {**changes, "nuevo_total": money["total"]}, money)


def _new_quantity(order: Json, line: Json, rng: Random) -> Json:
    before = line["cantidad"]
    after = before - 1 if before > 1 and rng.random() < 0.4 else before + rng.randint(1, 2)
    changed = {**line, "cantidad": after, "subtotal": round(after * line["precio_unitario"], 2)}
    money = amounts([changed if other["id"] == line["id"] else other for other in order["items"]])
    changes = {
        "tipo_cambio": "cantidad_modificada",
        "producto_nombre": line["producto_nombre"],
        "cantidad_anterior": before,
        "cantidad_nueva": after,
        "nuevo_total": money["total"],
    }
    return _line_event(changed, changes, money)


def _new_note(line: Json, rng: Random) -> Json:
    note = choose_note(rng, line["categoria"], other_than=line["notas"])
    changes = {
        "tipo_cambio": "notas_modificadas",
        "producto_nombre": line["producto_nombre"],
        "notas_anterior": line["notas"],
        "notas_nueva": note,
    }
    return _line_event({**line, "notas": note}, changes, {})


def _line_event(line: Json, changes: Json, money: dict[str, float]) -> Json:
    return {"tipo": "item_modificado", "item_id": line["id"], "cambios": changes, "item": line, **money}
