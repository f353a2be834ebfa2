"""`/api/notificaciones/estado`: who is connected."""

from __future__ import annotations

from typing import Any

from quart import Blueprint

from .access import require_manager
from .answers import json_answer
from .documented import documented
from .schemas import Connections
from .services import services

blueprint = Blueprint("state", __name__, url_prefix="/notificaciones")


@blueprint.get("/estado")
@documented("servicio", {200: Connections}, errors=(401, 403, 503))
async def state() -> Any:
    """Quién está conectado, y qué tan atrasado va."""
    require_manager()
    return json_answer(await services().together.state())
