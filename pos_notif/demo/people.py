"""Who works in the simulated restaurant, and what one of them asks of the service."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    role: str
    pin: str


# Names that can be typed on any tablet's keyboard.
PEOPLE = (
    Person("Marta", "cocinero", "1111"),
    Person("Juan", "cocinero", "6666"),
    Person("Carlos", "mesero", "2222"),
    Person("Elena", "mesero", "3333"),
    Person("Rosa", "cajero", "4444"),
    Person("Julio", "manager", "5555"),
)


def one_of(role: str, rng: Random) -> Person:
    return rng.choice([person for person in PEOPLE if person.role == role])


def first_of(role: str) -> Person:
    return next(person for person in PEOPLE if person.role == role)


def named(username: str | None) -> Person | None:
    return next((person for person in PEOPLE if person.username == username), None)


@dataclass(frozen=True, slots=True)
class Deed:
    """One request of the public API, as the person's screen would send it. `order_id` is the order that it changes,
    None where it changes none that exists; what is not `keyed` may be done twice."""

    person: Person
    method: str
    path: str
    body: Json
    order_id: int | None = None
    keyed: bool = True


def place(person: Person, **order: object) -> Deed:
    return Deed(person, "POST", "/api/pedidos", dict(order))


def act(person: Person, order: Json, action: str, **fields: object) -> Deed:
    """Acts on the order as the person saw it: whoever was faster makes it a conflict, never a second act."""
    body = {"accion": action, "version": order["version"], **fields}
    return Deed(person, "POST", f"/api/pedidos/{order['id']}/acciones", body, order["id"])


def restock(person: Person, product: Json, stock: int) -> Deed:
    return Deed(person, "PATCH", f"/api/productos/{product['id']}", {"stock_actual": stock}, keyed=False)


def acknowledge(person: Person, event_ids: list[int]) -> Deed:
    return Deed(person, "POST", "/api/notificaciones/acuses", {"evento_ids": event_ids}, keyed=False)
