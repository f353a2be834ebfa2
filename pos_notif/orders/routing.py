"""Decides which event goes to which room (docs/protocol.md, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import events
from ..events import (
    AWAITING_PAYMENT,
    CLOSED,
    COOKABLE,
    FILTERED_ROOMS,
    IN_KITCHEN,
    KITCHEN,
    MANAGERS,
    PAID,
    READY,
    SERVED,
    TILLS,
    WAITERS,
    order_room,
)
from .menu import LOW
from .state import CHARGE


def rooms_for_receipt(*, takeaway: bool, understood: bool) -> set[str]:
    return {WAITERS} | ({TILLS} if takeaway else set()) | ({KITCHEN} if understood else set())


def rooms_for_stock(level: str) -> set[str]:
    return set() if level == LOW else set(FILTERED_ROOMS)


def rooms_for_order(
    event: Mapping[str, Any],
    *,
    known: bool,
    old_state: str | None,
    new_state: str,
    takeaway: bool,
    held_before: Iterable[str],
    holds_after: Iterable[str],
) -> set[str]:
    """Returns the filtered rooms of an order's event.

    `held_before` and `holds_after` name the rooms whose view held the order before the event and holds it
    after. Each of them gets the event whatever the table says, so that every screen converges.
    """
    return _table(event, known, {old_state, new_state}, new_state, takeaway).union(held_before, holds_after)


def _table(event: Mapping[str, Any], known: bool, states: set[str | None], new_state: str, takeaway: bool) -> set[str]:
    """Returns the rooms in the table's row for the event, without what it says of views: that is the rule for all
    events."""
    rooms: set[str] = set()
    match event["tipo"]:
        case events.NEW_ORDER:
            if new_state in COOKABLE:
                rooms.add(KITCHEN)
            elif new_state == AWAITING_PAYMENT:
                rooms.add(TILLS)
        case events.STATE_CHANGE:
            paid = bool(event.get("metodo_pago")) or event.get("deshace") == CHARGE
            if states.intersection(IN_KITCHEN):
                rooms.add(KITCHEN)
            if READY in states or new_state in (SERVED, PAID, CLOSED) or paid:
                rooms.add(WAITERS)
            if new_state in (PAID, SERVED, CLOSED) or (new_state == READY and takeaway) or paid:
                rooms.add(TILLS)
        case events.ORDER_READY:
            rooms |= {KITCHEN, WAITERS}
            if takeaway:
                rooms.add(TILLS)
        case events.ITEM_CHANGED:
            rooms.add(WAITERS)
        case events.ORDER_CANCELLED:
            rooms |= {WAITERS, TILLS}
            if not known:
                rooms.add(KITCHEN)
        case events.TABLE_CHANGED:
            pass  # to whoever holds the order
    return rooms


def all_rooms(filtered: set[str], order_id: int | None) -> list[str]:
    """Returns `salas` as stored: the filtered rooms, `managers`, and the order's own room."""
    rooms = [room for room in FILTERED_ROOMS if room in filtered]
    rooms.append(MANAGERS)
    if order_id is not None:
        rooms.append(order_room(order_id))
    return rooms
