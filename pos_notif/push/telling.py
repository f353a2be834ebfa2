"""What phones are told of an event, and whose: a pure function of the event, its orders and who is there.

The table is docs/protocol.md's, section 19.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..accounts.accounts import username_key
from ..events import (
    CANCELLED,
    DELIVERY,
    KITCHEN,
    MANAGER,
    NO_SCREEN,
    ORDER_READY,
    READY,
    SCREEN_BACK,
    SERVED,
    STATE_WORD,
    STOCK_ALERT,
    TAKEAWAY,
    TILLS,
    UNSEEN,
    WAITER,
    WAITERS,
)

Json = Mapping[str, Any]

# What is looked at; anything else is passed over without being read.
TOLD_TYPES = frozenset({ORDER_READY, UNSEEN, NO_SCREEN, SCREEN_BACK, STOCK_ALERT})
ALARM_TYPES = frozenset({UNSEEN, NO_SCREEN, SCREEN_BACK})
# After which nobody needs it any more, in seconds. 0 would be lost on a phone that is asleep.
_TTL = {ORDER_READY: 600, UNSEEN: 300, NO_SCREEN: 900, SCREEN_BACK: 900, STOCK_ALERT: 3600}
LANGUAGE = "es-SV"
# What is told is the contract's wording (docs/protocol.md, section 19), which was there before the pages' words.
_TO_GO = {TAKEAWAY: "Para llevar", DELIVERY: "A domicilio"}
_ROOM = {KITCHEN: "Cocina", WAITERS: "Meseros", TILLS: "Caja"}
_MOST_DISHES = 6
_MOST_ORDERS = 5
_MOST_TITLE, _MOST_BODY = 80, 240


class Waiter(NamedTuple):
    """Whom an order names: an account by its id, or by its name; neither where nobody is named."""

    user_id: int | None
    name: str | None


class Person(NamedTuple):
    """A user. `name_key` is as `username_key` makes it."""

    user_id: int
    name_key: str
    role: str
    signed_in: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What phones are told. What has the same `tag` takes its place on the phone; `ttl_seconds` are from the event on.
    `event_id` and `cursor` are None for a test, `page` is None where it is each role's own."""

    event_id: int | None
    cursor: str | None
    title: str
    body: str
    tag: str
    ttl_seconds: int
    order_id: int | None = None
    page: str | None = None
    waiters: tuple[Waiter, ...] = ()
    managers: bool = False

    def path(self, role: str) -> str:
        """Returns the address, on this service, that a tap opens."""
        page = self.page or ("/manager" if role == MANAGER else "/pos")
        return f"{page}?pedido={self.order_id}" if self.order_id is not None else page

    @property
    def topic(self) -> str:
        """Returns the tag as Web Push takes it (RFC 8030, section 5.4); Apple refuses signs in it."""
        return self.tag.replace("-", "")[:32]


TEST = Message(None, None, "Prueba de aviso", "Este teléfono recibe los avisos.", "prueba", 60)


def orders_of(event: Json) -> list[int]:
    """Returns the orders that `tell` has to know beside the event."""
    return [order_id for order_id in event["pedido_ids"] if isinstance(order_id, int)] if is_unseen(event) else []


def is_unseen(event: Json) -> bool:
    return bool(event["tipo"] == UNSEEN)


def tell(event: Json, orders: Mapping[int, Json], cursor: str, *, full: bool, stock: bool) -> Message | None:
    """Returns what phones are told of the event, or None. `full` is with the dishes and people's names; `stock` is
    whether they are told of what has run out."""
    kind = event["tipo"]
    ttl = _TTL.get(kind, 0)
    if kind == ORDER_READY:
        title, body = _ready(event, full)
        order_id, waiter = event["pedido_id"], _waiter(event["pedido"])
        return Message(
            event["id"], cursor, title, body, f"pedido-{order_id}", ttl, order_id, page="/pos", waiters=(waiter,)
        )
    if kind == UNSEEN:
        known = [orders[order_id] for order_id in orders_of(event) if order_id in orders]
        one = event["pedido_ids"][0] if len(event["pedido_ids"]) == 1 else None
        waiters = tuple(dict.fromkeys(map(_waiter, known)))
        title, body = _unseen(event, known), _tables(known)
        return Message(event["id"], cursor, title, body, "acuse", ttl, one, waiters=waiters, managers=True)
    if kind in (NO_SCREEN, SCREEN_BACK):
        room = _ROOM.get(event["sala"], str(event["sala"]))
        since = f"sin pantalla desde las {str(event.get('desde'))[11:16]}"
        title = f"{room} {since if kind == NO_SCREEN else 'con pantalla otra vez'}"
        return Message(event["id"], cursor, title, "", f"pantalla-{event['sala']}", ttl, managers=True)
    if kind == STOCK_ALERT and stock and event.get("nivel") == "agotado":
        tag = f"stock-{event.get('producto_id') or event['id']}"
        return Message(event["id"], cursor, _short(f"Agotado: {event['nombre']}", _MOST_TITLE), "", tag, ttl,
                       managers=True)  # fmt: skip
    return None


def recipients(message: Message, people: Iterable[Person]) -> set[int]:
    """Returns the users who are told. An order that names nobody who is there is every waiter's who has a session."""
    people = list(people)
    found = {person.user_id for person in people if message.managers and person.role == MANAGER}
    for waiter in message.waiters:
        own = [person.user_id for person in people if _is(person, waiter)]
        found.update(own or (person.user_id for person in people if person.role == WAITER and person.signed_in))
    return found


def _is(person: Person, waiter: Waiter) -> bool:
    if waiter.user_id is not None:
        return person.user_id == waiter.user_id
    return bool(waiter.name) and person.name_key == username_key(str(waiter.name))


def _waiter(pedido: Json) -> Waiter:
    attends = pedido.get("atiende")
    user_id = attends.get("usuario_id") if isinstance(attends, dict) else None
    if isinstance(user_id, int):
        return Waiter(user_id, None)
    name = pedido.get("mesero")
    return Waiter(None, name if isinstance(name, str) and name.strip() else None)


def _ready(event: Json, full: bool) -> tuple[str, str]:
    pedido, part = event["pedido"], event.get("parcial") is True
    whom = _whom(pedido, full)
    title = f"{whom} lista" if full and whom.startswith("Mesa ") else f"{whom}: {STATE_WORD[READY]}"
    title = _short(f"{title}{' en parte' if part else ''}", _MOST_TITLE)
    if not full:
        return title, ""
    ids = set(event.get("items_listos_ids") or ())
    lines = [line for line in pedido.get("items") or () if line.get("id") in ids]
    dishes = [_dish(line) for line in lines if line.get("estado_item") not in (SERVED, CANCELLED)]
    more = len(dishes) - _MOST_DISHES
    body = ", ".join(dishes[:_MOST_DISHES]) + (f" y {more} más" if more > 0 else "")
    return title, _short(body, _MOST_BODY)


def _dish(line: Json) -> str:
    amount = line.get("cantidad")
    count = f"{amount:g}× " if isinstance(amount, int | float) else ""
    return f"{count}{line.get('producto_nombre') or 'plato'}"


def _whom(pedido: Json, full: bool) -> str:
    """Returns what people call the order: its table, else its number; a guest's name only where it may be read."""
    table, guest = _table(pedido), pedido.get("cliente_nombre")
    kind = _TO_GO.get(str(pedido.get("tipo")))
    if kind is not None and table is None and full and guest:
        return _short(f"{kind}, {guest}", _MOST_TITLE // 2)
    return table if table is not None else f"Pedido {_number(pedido)}"


def _table(pedido: Json) -> str | None:
    """Returns what people call the order's table; None of a delivery, and where there is none."""
    name, number = pedido.get("mesa"), pedido.get("mesa_numero")
    table = name if isinstance(name, str) and name else number
    if table is None or pedido.get("tipo") == DELIVERY:
        return None
    return f"Mesa {table}" if str(table).isdigit() else _short(str(table), _MOST_TITLE // 2)


def _tables(orders: Iterable[Json]) -> str:
    """Returns the orders' tables, each once; a guest's name never, since every waiter may be told."""
    return _short(", ".join(dict.fromkeys(table for order in orders if (table := _table(order)))), _MOST_BODY)


def _number(pedido: Json) -> Any:
    return pedido.get("numero") or pedido.get("id")


def _unseen(event: Json, known: list[Json]) -> str:
    numbers = [str(_number(pedido)) for pedido in known] or list(map(str, event["pedido_ids"]))
    more = len(event["pedido_ids"]) - min(len(numbers), _MOST_ORDERS)
    named = ", ".join(numbers[:_MOST_ORDERS]) + (f" y {more} más" if more > 0 else "")
    return f"La cocina NO ha visto {'el pedido' if len(event['pedido_ids']) == 1 else 'los pedidos'} {named}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
