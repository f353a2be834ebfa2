"""`/api/pedidos`: the orders' present state."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from ..errors import Invalid, NotFound, RoleNotAllowed
from ..events import FILTERED_ROOMS, KITCHEN, MANAGER, ROLE_ROOM
from ..json_limits import MAX_ID
from ..wire.json_text import dump
from .access import principal
from .answers import OrderHistory, Snapshot, ViewQuery
from .documented import documented
from .services import services

blueprint = Blueprint("orders", __name__, url_prefix="/pedidos")

EVERYTHING = "todos"


@blueprint.get("")
@documented("pedidos", {200: Snapshot}, errors=(401, 403, 422, 503), query=ViewQuery)
async def snapshot() -> Any:
    """La instantánea de una vista; un stream desde su cursor no pierde nada."""
    notifier, role = services().notifier, principal().role
    own = EVERYTHING if role == MANAGER else ROLE_ROOM[role]
    view = request.args.get("vista") or own
    if view not in (*FILTERED_ROOMS, EVERYTHING):
        raise Invalid(fields={"vista": "debe ser una de: " + ", ".join((*FILTERED_ROOMS, EVERYTHING))})
    if role != MANAGER and view != own:
        raise RoleNotAllowed
    orders, cursor = await notifier.snapshot(None if view == EVERYTHING else view)
    body = {
        "pedidos": [notifier.order_json(order, view == KITCHEN) for order in orders],
        "cursor": cursor,
        "hora_servidor": notifier.now(),
    }
    return Response(dump(body), headers=_NOT_STORED, content_type="application/json")


@blueprint.get("/<pedido_id>")
@documented("pedidos", {200: OrderHistory}, errors=(401, 404, 503))
async def order(pedido_id: str) -> Any:
    """Un pedido y sus eventos, del más viejo al más nuevo (los últimos 1000)."""
    notifier, kitchen = services().notifier, principal().role == "cocinero"
    if not (pedido_id.isascii() and pedido_id.isdigit() and len(pedido_id) < 17 and 1 <= int(pedido_id) <= MAX_ID):
        raise NotFound("No existe ese pedido.")
    found, events = await notifier.order_history(int(pedido_id))
    history = b",".join([notifier.event_json(event, kitchen) for event in events])
    body = b'{"pedido":%b,"eventos":[%b]}' % (dump(notifier.order_json(found, kitchen)).encode(), history)
    return Response(body, headers=_NOT_STORED, content_type="application/json")


_NOT_STORED = {"Cache-Control": "private, no-store"}
