"""`/api/meseros`: to whom a waiter's tables may be handed over."""

from __future__ import annotations

from typing import Any

from quart import Blueprint

from ..errors import RoleNotAllowed
from ..events import ROLE_ROOM, WAITER
from ..orders.state import SERVING
from .access import principal
from .answers import NOT_STORED, json_answer
from .documented import documented
from .schemas import Waiters
from .services import services

blueprint = Blueprint("waiters", __name__, url_prefix="/meseros")


@blueprint.get("")
@documented("pedidos", {200: Waiters}, errors=(401, 403, 503))
async def waiters() -> Any:
    """Quién puede atender un pedido, y si tiene ahora una pantalla de meseros."""
    if principal().role not in SERVING:
        raise RoleNotAllowed
    here = await services().together.watching(ROLE_ROOM[WAITER])
    people = [
        {"usuario_id": row["id"], "username": row["username"], "rol": row["role"], "conectado": row["id"] in here}
        for row in await services().accounts.list_users()
        if row["role"] in SERVING
    ]
    return json_answer({"meseros": people}, headers=NOT_STORED)
