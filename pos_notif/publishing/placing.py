"""Orders from people's screens: placing one, and acting on one. Each is one transaction, with its stock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..clock import business_day
from ..errors import Invalid, NotFound, RoleNotAllowed, StaleVersion
from ..events import COOK, NEW_ORDER
from ..log.event_log import Transaction
from ..orders.actions import check_role, drafts, stock_change
from ..orders.drafts import Actor
from ..orders.menu import FROM_MENU
from ..orders.numbers import is_own, letter
from ..orders.requests import ActionBody, OrderBody, OrderedLine
from ..orders.rules import FLOOR_STAFF, Action
from ..orders.state import SERVING, Json, Order
from ..orders.steps import newest_step
from ..principal import Principal
from .append import append
from .menu import take
from .publication import digest_of, find_first
from .publish import Publishing

PLACE_ROUTE = "pedidos"


@dataclass(frozen=True, slots=True)
class Done:
    """The order as it is now, and the events that the call (or its first sending) made of it."""

    order: Order
    event_ids: list[int]
    duplicate: bool


def check_may_order(who: Principal) -> None:
    """Raises RoleNotAllowed for a role that takes no orders."""
    if who.role not in FLOOR_STAFF:
        raise RoleNotAllowed


async def place(publishing: Publishing, who: Principal, body: OrderBody) -> Done:
    """Places a new order, which takes its dishes from the stock. Raises Invalid, SoldOut, KeyReused, NotAuthenticated
    or LogUnavailable."""
    moment, actor, zone = publishing.moment(), _actor(who, body.actor), publishing.log.zone
    day = business_day(moment.at.ms, zone)
    digest = digest_of(body.model_dump(exclude_unset=True))
    name = (who.publisher_key, PLACE_ROUTE, body.operacion_id)

    def work(transaction: Transaction) -> Done:
        known = find_first(transaction, name, digest)
        if known is not None:
            return _again(transaction, known)
        lines = _lines(transaction, body.items)
        order_id = transaction.last_own_order_id() + 1
        pedido = {
            "id": order_id,
            "numero": f"{letter(day)}{transaction.last_number(day, zone) + 1}",
            **body.model_dump(exclude_none=True, exclude={"operacion_id", "actor", "items"}),
            "mesero": actor["username"],
            "items": lines,
            "creado_por": actor,
            "atiende": actor,
        }
        draft = {"tipo": NEW_ORDER, "pedido": pedido}
        first = append(transaction, moment, draft, actor, body.operacion_id, who.publisher_key)
        take(transaction, moment, actor, [(line["producto_id"], -line["cantidad"]) for line in lines])
        transaction.keep_key(*name, digest, [first])
        return Done(_order(transaction, order_id), [first], duplicate=False)

    return await _done(publishing, who, work)


async def act(publishing: Publishing, who: Principal, order_id: int, body: ActionBody) -> Done:
    """Does something to an order. Raises NotFound, RoleNotAllowed, Invalid, InvalidTransition, StaleVersion, SoldOut,
    KeyReused, NotAuthenticated or LogUnavailable."""
    check_role(body.accion, who.role)
    moment, actor = publishing.moment(), _actor(who, body.actor)
    digest = digest_of(body.model_dump(exclude_unset=True))
    name = (who.publisher_key, f"acciones/{order_id}", body.operacion_id)

    def work(transaction: Transaction) -> Done:
        known = find_first(transaction, name, digest)
        if known is not None:
            return _again(transaction, known)
        before = _order(transaction, order_id)
        if body.version is not None and body.version != before.pedido["version"]:
            raise StaleVersion(extra={"pedido": publishing.log.order_json(before, who.role == COOK)})
        action = Action(
            body.accion, who.role, actor, moment.at.steady, publishing.log.limits.ready_ms,
            reason=(body.razon or "").strip() or None,
            payment=body.metodo_pago, line_id=body.item_id, line_ids=body.item_ids, quantity=body.cantidad,
            notes=body.notas,
            lines=[
                line if is_own(order_id) else {**line, FROM_MENU: True}
                for line in _lines(transaction, body.items or ())
            ],
            made_ready=transaction.ready_lines(order_id) if body.accion == "deshacer" else None,
            undo=body.deshace, step=newest_step(transaction.events_of(order_id), moment.at.steady),
            table=body.mesa_numero, table_name=(body.mesa or "").strip() or None,
            attendant=_attendant(transaction, body),
        )  # fmt: skip
        steady = transaction.steady(before, moment.at)
        made = drafts(steady, action)
        first = transaction.next_id()
        for index, draft in enumerate(made):
            key = body.operacion_id if index == 0 else None
            append(transaction, moment, draft, actor, key, who.publisher_key)
        ids = list(range(first, transaction.next_id()))
        take(transaction, moment, actor, list(stock_change(steady, action).items()))
        transaction.keep_key(*name, digest, ids)
        return Done(_order(transaction, order_id), ids, duplicate=False)

    return await _done(publishing, who, work)


async def _done(publishing: Publishing, who: Principal, work: Callable[[Transaction], Done]) -> Done:
    done = await publishing.log.transact(work, who)
    publishing.log.counts.duplicates += int(done.duplicate)
    return done


def _actor(who: Principal, sent: Actor | None) -> Json:
    """Returns who acts: a token's program may say for whom."""
    told = sent if sent is not None and who.kind == "token" else {}
    named = {name: value for name, value in told.items() if value is not None}
    return {**dict.fromkeys(("usuario_id", "username", "rol")), **named} if named else who.actor


def _order(transaction: Transaction, order_id: int) -> Order:
    order = transaction.order(order_id)
    if order is None:
        raise NotFound(f"No existe el pedido {order_id}.")
    return order


def _again(transaction: Transaction, event_ids: list[int]) -> Done:
    event = transaction.event(event_ids[0])
    if event is None or event.order_id is None:
        raise NotFound("El pedido ya no está en el registro.")
    return Done(_order(transaction, event.order_id), event_ids, duplicate=True)


def _attendant(transaction: Transaction, body: ActionBody) -> Json | None:
    """Returns to whom `tomar` gives the order, or None where it is who acts. Raises Invalid for who serves no table."""
    if body.accion != "tomar" or body.usuario_id is None:
        return None
    person = transaction.user(body.usuario_id)
    if person is None or person["rol"] not in SERVING:
        raise Invalid(fields={"usuario_id": "no atiende mesas"})
    return person


def _lines(transaction: Transaction, ordered: Sequence[OrderedLine]) -> list[Json]:
    lines = []
    for index, line in enumerate(ordered):
        product = transaction.product(line.producto_id)
        if product is None:
            raise Invalid(fields={f"items.{index}.producto_id": "no existe ese producto"})
        lines.append(product.line(line.cantidad, line.notas))
    return lines
