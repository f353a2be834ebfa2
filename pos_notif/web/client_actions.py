"""The client actions by HTTP: `/api/notificaciones/suscripciones/<pedido_id>` and `/api/notificaciones/acuses`."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, request

from ..errors import Invalid
from ..events import COOK
from ..principal import Owner
from ..publishing.following import acknowledge, check_is_screen, subscribe, unsubscribe
from .access import principal
from .answers import json_answer
from .body import check_no_body, client_id, path_id, read_object
from .documented import documented
from .schemas import ClientQuery, Receipt, ReceiptsBody, Subscription, Unsubscription
from .services import services

blueprint = Blueprint("client_actions", __name__, url_prefix="/notificaciones")


@blueprint.put("/suscripciones/<pedido_id>")
@documented("acciones", {200: Subscription}, errors=(401, 403, 404, 409, 415, 422, 503), query=ClientQuery)
async def subscription(pedido_id: str) -> Any:
    """El cliente sigue un pedido: sus eventos llegan por su stream, su polling y sus sockets."""
    check_no_body()
    order_id, owner = path_id(pedido_id, "ese pedido"), _owner()
    who = principal()
    return json_answer(await subscribe(services().log, who, order_id, by=owner, kitchen=who.role == COOK))


@blueprint.delete("/suscripciones/<pedido_id>")
@documented("acciones", {200: Unsubscription}, errors=(401, 403, 404, 415, 422, 503), query=ClientQuery)
async def end_subscription(pedido_id: str) -> Any:
    """El cliente deja de seguir un pedido."""
    check_no_body()
    order_id, owner = path_id(pedido_id, "ese pedido"), _owner()
    return json_answer(await unsubscribe(services().log, principal(), order_id, by=owner))


@blueprint.post("/acuses")
@documented("acciones", {200: Receipt}, errors=(400, 401, 403, 413, 415, 422, 503), body=ReceiptsBody)
async def receipts() -> Any:
    """Una pantalla de cocina ha mostrado estos eventos; con `entendido`, alguien tocó ENTENDIDO."""
    check_is_screen(principal())
    return json_answer(await acknowledge(services().log, principal(), await read_object()))


def _owner() -> Owner:
    owner = principal().owner(client_id(request.args))
    if owner is None:
        raise Invalid(fields={"cliente": "debe ser el UUID de la pestaña"})
    return owner
