"""`/healthz` and `/readyz`: for supervisors and load balancers; they need no sign-in."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from ..errors import LogUnavailable
from ..wire.json_text import dump
from .answers import Health
from .documented import documented
from .services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@documented("servicio", {200: Health})
async def alive() -> Any:
    """El proceso atiende."""
    return _answer(200, "vivo")


@blueprint.get("/readyz")
@documented("servicio", {200: Health, 503: Health})
async def ready() -> Any:
    """El registro se puede escribir."""
    if services().stopping:
        return _answer(503, "deteniendose")
    notifier = services().notifier
    try:
        await notifier.database.write(lambda connection: connection.execute("UPDATE log SET only_row = 1"))
    except LogUnavailable as error:
        return _answer(503, "registro_no_disponible", str(error.__cause__ or error.message))
    return _answer(200, "listo", f"registro dañado: {notifier.damage}" if notifier.damage else None)


def _answer(status: int, state: str, detail: str | None = None) -> Response:
    body = {"estado": state, **({"detalle": detail} if detail else {})}
    return Response(dump(body), status, headers={"Cache-Control": "no-store"}, content_type="application/json")
