"""What clients do: follow an order, acknowledge events. It is the same for the socket and for HTTP (docs/protocol.md,
section 17); each answer is the object that travels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..errors import Invalid, RoleNotAllowed, TooManySubscriptions
from ..events import COOK, MANAGER
from ..log.event_log import Transaction
from ..log.live import LiveLog
from ..log.subscriptions import MAX_SUBSCRIPTIONS, Followed
from ..orders.state import Order
from ..principal import Owner, Principal
from ..wire.json_limits import MAX_ID, printable
from .receipts import MAX_RECEIPTS, Receipts


async def subscribe(
    log: LiveLog, who: Principal, order_id: Any, *, by: Owner | Followed, kitchen: bool
) -> dict[str, Any]:
    """Makes a client, or a socket without one, follow an order. The answer has the order as it is now; what comes after
    the answer's cursor follows. Raises Invalid, TooManySubscriptions, NotAuthenticated or LogUnavailable."""
    number = _order_id(order_id)

    def work(transaction: Transaction) -> tuple[Order | None, int]:
        after = transaction.next_id() - 1
        if isinstance(by, Owner):
            for owner, over in transaction.follow(by, number, log.clocks.steady()):
                transaction.on_commit(partial(log.subscriptions.discard, owner, over))
            transaction.on_commit(lambda: log.subscriptions.add(by, number, after))
        else:
            if number not in by.orders and len(by.orders) >= MAX_SUBSCRIPTIONS:
                raise TooManySubscriptions
            transaction.on_commit(lambda: by.add(number, after))
        return transaction.order(number), after

    order, after = await log.transact(work, who)
    return {
        "pedido_id": number,
        "pedido": None if order is None else log.order_json(order, kitchen),
        "cursor": log.cursor(after),
    }


async def unsubscribe(log: LiveLog, who: Principal, order_id: Any, *, by: Owner | Followed) -> dict[str, Any]:
    """Undoes `subscribe`; an order that is not followed is no error. Raises Invalid, NotAuthenticated or
    LogUnavailable."""
    number = _order_id(order_id)
    if isinstance(by, Owner):

        def work(transaction: Transaction) -> None:
            transaction.unfollow(by, number)
            transaction.on_commit(lambda: log.subscriptions.discard(by, number))

        await log.transact(work, who)
    else:
        by.discard(number)
    return {"pedido_id": number}


async def acknowledge(log: LiveLog, who: Principal, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Notes the receipts in `sent`: `{evento_ids, entendido?}`. Raises RoleNotAllowed for what is no kitchen screen's
    session, Invalid, NotAuthenticated or LogUnavailable."""
    check_is_screen(who)
    for name in sent:
        if name not in ("evento_ids", "entendido"):
            raise Invalid(fields={printable(name): "no se reconoce"})
    understood = flag(sent, "entendido", default=False)
    receipts = Receipts(_event_ids(sent.get("evento_ids")), understood, who.actor, log.clocks.now(), log.zone)
    return {"ok": True, "nuevos": await log.transact(receipts.append_to, who)}


def check_is_screen(who: Principal) -> None:
    """Raises RoleNotAllowed for what is no kitchen screen; a token is none."""
    if not who.is_person or who.role not in (COOK, MANAGER):
        raise RoleNotAllowed


def is_whole(value: Any) -> bool:
    """Tells whether a sent value may be an id: a whole number from 1 to 2^53 - 1."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_ID


def _order_id(value: Any) -> int:
    if not is_whole(value):
        raise Invalid(fields={"pedido_id": "debe ser un número entero de 1 a 2^53 - 1"})
    return int(value)


def _event_ids(value: Any) -> Sequence[int]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_RECEIPTS:
        raise Invalid(fields={"evento_ids": f"debe ser una lista de 1 a {MAX_RECEIPTS} ids"})
    for index, event_id in enumerate(value):
        if not is_whole(event_id):
            raise Invalid(fields={f"evento_ids.{index}": "debe ser un número entero desde 1"})
    return list(dict.fromkeys(value))


def flag(sent: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Reads a flag, which need not have been sent. Raises Invalid for what is no boolean."""
    value = sent.get(name)
    if value is not None and not isinstance(value, bool):
        raise Invalid(fields={name: "debe ser true o false"})
    return default if value is None else value
