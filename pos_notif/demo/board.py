"""What the simulated people see before they act, and who they are."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from ..orders import KITCHEN_STATES

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Board:
    """The open orders as the service has them: whoever moves a ticket, a person at a screen too, is seen here."""

    orders: list[Json]
    cancelled_in_kitchen: int = 0
    sold_out: frozenset[int] = frozenset()

    @property
    def in_kitchen(self) -> int:
        return sum(order["estado"] in KITCHEN_STATES for order in self.orders)

    @property
    def unpaid(self) -> int:
        return sum(order["estado"] == "pendiente_pago" for order in self.orders)

    def order(self, order_id: int) -> Json | None:
        return next((order for order in self.orders if order["id"] == order_id), None)

    def without(self, order_ids: set[int]) -> Board:
        kept = [order for order in self.orders if order["id"] not in order_ids]
        return Board(kept, self.cancelled_in_kitchen, self.sold_out)


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    role: str
    pin: str
    user_id: int | None = None

    @property
    def actor(self) -> Json:
        return {"usuario_id": self.user_id, "username": self.username, "rol": self.role}


# Names that can be typed on any tablet's keyboard.
PEOPLE = (
    Person("Marta", "cocinero", "1111"),
    Person("Carlos", "mesero", "2222"),
    Person("Elena", "mesero", "3333"),
    Person("Rosa", "cajero", "4444"),
    Person("Julio", "manager", "5555"),
)


def one_of(crew: tuple[Person, ...], role: str, rng: Random) -> Person:
    return rng.choice([person for person in crew if person.role == role])
