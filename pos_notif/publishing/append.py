"""Makes logged events of drafts. It runs inside the log's transaction, so every check sees what it decides on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any, NamedTuple

from ..clock import Instant, iso, parse_iso
from ..errors import TooLarge
from ..events import (
    AWAITING_PAYMENT,
    CARRIES_ORDER,
    ITEM_CHANGED,
    NEW_ORDER,
    PAID,
    READY,
    STATE_CHANGE,
    STOCK_ALERT,
    TABLE_CHANGED,
)
from ..log.event_log import Transaction
from ..orders import state as orders
from ..orders.completion import complete, complete_stock, from_menu
from ..orders.details import news_in, remembered, said_in
from ..orders.rounds import arrives_made, begins_round, brings_work, round_draft, round_marks, unseen
from ..orders.routing import rooms_for_order, rooms_for_stock
from ..orders.size import MAX_ORDER_BYTES, check_size, measure
from ..orders.state import Order, SteadyOrder, ViewLimits, views_holding
from ..orders.waiting import ways_to_ask

Json = dict[str, Any]

# What a publication may append: so long do the publishers behind it wait, and so much is every screen written.
MAX_APPENDED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the configuration that decides on events."""

    zone: tzinfo
    tax_rate: float
    limits: ViewLimits


class Moment(NamedTuple):
    """When something happens, and by which rules. `timestamp` is its wall clock's time as events carry it."""

    at: Instant
    timestamp: str
    rules: Rules

    @classmethod
    def of(cls, at: Instant, rules: Rules) -> Moment:
        return cls(at, iso(at.ms, rules.zone), rules)

    def not_before(self, ms: int) -> Moment:
        """Returns this moment, or one that is not before the event of `ms` (`Instant.not_before`)."""
        at = self.at.not_before(ms)
        return self if at is self.at else Moment.of(at, self.rules)

    def retime(self, text: str) -> str:
        """Writes a publisher's time as ours are written."""
        return iso(parse_iso(text), self.rules.zone)


def append(
    transaction: Transaction,
    moment: Moment,
    draft: Json,
    actor: Json,
    key: str | None = None,
    publisher: str | None = None,
    *,
    from_pos: bool = False,
) -> int:
    """Completes a draft, appends its event and what follows from it, and returns the event's id. `publisher` is the key
    of whoever says what it says of its order's table, guest and waiter. `from_pos` says that it names dishes as
    the POS does, and not by the menu's own ids. Raises what `complete` and `check_size` raise."""
    moment = moment.not_before(transaction.newest_ms())
    head = {"id": transaction.next_id(), "tipo": draft["tipo"], "timestamp": moment.timestamp}
    tail: Json = {"actor": actor}
    if key is not None:
        tail = {"operacion_id": key, **tail}
    origin = draft.get("timestamp", draft.get("timestamp_origen"))
    if origin is not None:
        tail["timestamp_origen"] = origin
    body = draft
    if not _SET_HERE.isdisjoint(draft):
        body = {name: value for name, value in draft.items() if name not in _SET_HERE}
    if draft["tipo"] == STOCK_ALERT:
        event = {**head, **tail, **complete_stock(body, partial(_waiting, transaction, moment, from_pos))}
        return transaction.append(event, rooms_for_stock(event["nivel"]), moment.at, None)
    return _append_order_event(transaction, moment, head, tail, body, publisher, from_pos)


def _waiting(transaction: Transaction, moment: Moment, from_pos: bool, dish_id: int, name: str) -> list[int]:
    """Returns the orders that wait for a dish."""
    dish = transaction.product_of_pos(dish_id) if from_pos else transaction.product(dish_id)
    other_id = None if dish is None else dish.id if from_pos else dish.pos_id
    asked = ways_to_ask(dish_id, name, other_id, from_pos=from_pos)
    return transaction.waiting_for(asked, moment.rules.limits.since(moment.at.steady))


def _append_order_event(
    transaction: Transaction,
    moment: Moment,
    head: Json,
    tail: Json,
    body: Json,
    publisher: str | None,
    from_pos: bool,
) -> int:
    order_id = body["pedido"]["id"] if body["tipo"] == NEW_ORDER else body["pedido_id"]
    before = transaction.order(order_id)
    if from_pos:
        body = from_menu(body, before, transaction.product_of_pos)
    said = said_in(body["pedido"] if body["tipo"] == NEW_ORDER else body)
    last = transaction.last_said(order_id, publisher) if said and publisher and before is not None else {}
    news = news_in(said, last, moves=body["tipo"] == TABLE_CHANGED)
    own = _complete(moment, body, before, news)
    if before is not None and body["tipo"] == ITEM_CHANGED and begins_round(before, own):
        # The order goes back first, so that the line is routed, rung and acknowledged as one that is to be made.
        back = {**_complete(moment, round_draft(before), before, {}), **round_marks(before)}
        before = _log(transaction, moment, {**head, "tipo": STATE_CHANGE}, {"actor": tail["actor"]}, back, before)
        head = {**head, "id": transaction.next_id()}
        own = _complete(moment, body, before, news)
    after = _log(transaction, moment, head, tail, own, before)
    if news and publisher:
        transaction.keep_said(order_id, publisher, remembered(news, last))
    if before is not None and before.state == AWAITING_PAYMENT and after.state == PAID:
        # A paid takeaway rings in the kitchen, whoever said that it was paid.
        release = {**head, "id": transaction.next_id(), "tipo": NEW_ORDER}
        own = {"pedido_id": order_id, "liberado": True, "pedido": after.pedido}
        _log(transaction, moment, release, {"actor": tail["actor"]}, own, after)
    event_id: int = head["id"]
    return event_id


def _complete(moment: Moment, body: Json, order: Order | None, news: Json) -> Json:
    return complete(
        body, order, news, tax_rate=moment.rules.tax_rate, timestamp=moment.timestamp, retime=moment.retime
    )  # fmt: skip


def _log(transaction: Transaction, moment: Moment, head: Json, tail: Json, own: Json, before: Order | None) -> Order:
    version = (before.pedido["version"] if before is not None else 0) + 1
    event = {**head, "pedido_id": own["pedido_id"], "version": version, **tail, **own, "tipo": head["tipo"]}
    after = orders.apply(before, event)
    if event["tipo"] == STATE_CHANGE and (event.get("por_hacer") or brings_work(before, after, event)):
        event["por_hacer"] = True
        after = unseen(after)
    known = transaction.steady(before, moment.at) if before is not None else None
    rooms = rooms_for_order(
        event,
        known=before is not None,
        old_state=before.state if before is not None else None,
        new_state=after.state,
        takeaway=after.takeaway,
        held_before=views_holding(known, moment.at.steady, moment.rules.limits),
        holds_after=views_holding(_steady(after, known, moment.at), moment.at.steady, moment.rules.limits),
    )
    if not arrives_made(event):
        after = orders.await_receipt(after, event, rooms)
    order_json, size = measure(before, after, event, transaction.order_size(own["pedido_id"]))
    check_size(before, after, event, size)
    if event["tipo"] in CARRIES_ORDER:
        event.pop("pedido", None)  # last, so that the short fields come first
        event["pedido"] = after.pedido
    transaction.append(event, rooms, moment.at, after, order_json, size)
    return after


def _steady(after: Order, before: SteadyOrder | None, at: Instant) -> SteadyOrder:
    """Returns the order after an event of this moment with its times by the steady clock, as the order before it has
    them."""
    if not at.set_by and after.ready_ms in (None, at.ms):
        return SteadyOrder(after)
    was_ready = before.ready_ms if before is not None and before.state == READY == after.state else None
    ready = None if after.ready_ms is None else was_ready if was_ready is not None else at.steady
    return SteadyOrder(after._replace(last_event_ms=at.steady, ready_ms=ready))


def check_appended(transaction: Transaction, *, alone: bool) -> None:
    """Raises TooLarge where a publication has appended more than it may. `alone` says that it is of one draft so far,
    whose order may have been larger from before there was a limit to orders.

    It is not asked of an action, which appends its lines and at most three events that carry its order."""
    if transaction.size() > MAX_APPENDED_BYTES and not (alone and transaction.largest_order() > MAX_ORDER_BYTES):
        raise TooLarge(f"Lo que se publica a la vez pasa de {MAX_APPENDED_BYTES // 1024**2} MiB en el registro.")


# What the service writes at an event's top level in its own way, beside its type.
_SET_HERE = frozenset({"timestamp", "actor", "operacion_id", "timestamp_origen"})
