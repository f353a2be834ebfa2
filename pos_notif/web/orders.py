"""`/api/pedidos`: the orders' present state, new ones, and what people do to them."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from ..delivery.reader import check_exists, event_json, order_history
from ..delivery.reader import snapshot as take_snapshot
from ..errors import Invalid, RoleNotAllowed
from ..events import COOK, FILTERED_ROOMS, KITCHEN, MANAGER, ROLE_ROOM, TILLS, WAITERS
from ..orders.requests import ActionBody, OrderBody, parse_action, parse_request
from ..publishing.placing import Done, act, check_may_order, place
from ..publishing.publication import check_key
from ..wire.json_text import dump
from .access import principal
from .answers import NOT_STORED, json_answer
from .body import path_id, read_object
from .documented import documented
from .schemas import ActionDone, OrderDone, OrderHistory, Snapshot, ViewQuery
from .services import services

blueprint = Blueprint("orders", __name__, url_prefix="/pedidos")

EVERYTHING = "todos"


@blueprint.get("")
@documented("pedidos", {200: Snapshot}, errors=(401, 403, 422, 503), query=ViewQuery)
async def snapshot() -> Any:
    """La instantánea de una vista; un stream desde su cursor no pierde nada."""
    log, role = services().log, principal().role
    own = EVERYTHING if role == MANAGER else ROLE_ROOM[role]
    view = request.args.get("vista") or own
    if view not in (*FILTERED_ROOMS, EVERYTHING):
        raise Invalid(fields={"vista": "debe ser una de: " + ", ".join((*FILTERED_ROOMS, EVERYTHING))})
    if role != MANAGER and view != own:
        raise RoleNotAllowed
    everybodys = _flag("todas") and view in (WAITERS, TILLS)
    room = None if view == EVERYTHING or everybodys else view
    orders, cursor, alarms = await take_snapshot(log, room, principal().user_id)
    body = {
        "pedidos": [log.order_json(order, view == KITCHEN) for order in orders],
        "cursor": cursor,
        "hora_servidor": log.now(),
        "alarmas": alarms,
        "version": services().streams.version,
    }
    return json_answer(body, headers=NOT_STORED)


def _flag(name: str) -> bool:
    """Reads a flag of the query: 1 or 0; absent is 0. Raises Invalid."""
    value = request.args.get(name, "0")
    if value not in ("0", "1"):
        raise Invalid(fields={name: "debe ser 1 o 0"})
    return value == "1"


@blueprint.get("/<pedido_id>")
@documented("pedidos", {200: OrderHistory}, errors=(401, 404, 503))
async def order(pedido_id: str) -> Any:
    """Un pedido y sus eventos, del más viejo al más nuevo (los últimos 1000)."""
    log, kitchen = services().log, principal().role == COOK
    found, events = await order_history(log, path_id(pedido_id, "ese pedido"))
    history = b",".join([event_json(log, event, kitchen) for event in events])
    body = b'{"pedido":%b,"eventos":[%b]}' % (dump(log.order_json(found, kitchen)).encode(), history)
    return json_answer(body, headers=NOT_STORED)


@blueprint.post("")
@documented(
    "pedidos", {200: OrderDone, 201: OrderDone}, errors=(400, 401, 403, 409, 413, 415, 422, 503), body=OrderBody
)
async def place_order() -> Any:
    """Un pedido nuevo, con los productos y precios del menú."""
    check_may_order(principal())
    body = parse_request(OrderBody, await read_object())
    check_key(body.operacion_id, "operacion_id")
    done = await place(services().publishing, principal(), body)
    return _done(done, 200 if done.duplicate else 201)


@blueprint.post("/<pedido_id>/acciones")
@documented("pedidos", {200: ActionDone}, errors=(400, 401, 403, 404, 409, 413, 415, 422, 503), body=ActionBody)
async def act_on_order(pedido_id: str) -> Any:
    """Iniciar, marcar listo, cobrar, cancelar…: lo que el rol puede hacer según el estado."""
    order_id = path_id(pedido_id, "ese pedido")
    await check_exists(services().log, order_id)
    body = parse_action(await read_object())
    check_key(body.operacion_id, "operacion_id")
    done = await act(services().publishing, principal(), order_id, body)
    return _done(done, 200, evento_ids=done.event_ids)


def _done(done: Done, status: int, **more: Any) -> Response:
    pedido = services().log.order_json(done.order, principal().role == COOK)
    body = {"pedido": pedido, "evento_id": done.event_ids[0], **more, "duplicado": done.duplicate}
    return json_answer(body, status, NOT_STORED)
