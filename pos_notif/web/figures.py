"""`/api/cifras`: a business day's figures, for managers."""

from __future__ import annotations

from datetime import date
from typing import Any

from quart import Blueprint, request

from ..errors import Invalid
from .access import require_manager
from .answers import NOT_STORED, json_answer
from .documented import documented
from .schemas import DayQuery, FiguresAnswer
from .services import services

blueprint = Blueprint("figures", __name__, url_prefix="/cifras")


@blueprint.get("")
@documented("servicio", {200: FiguresAnswer}, errors=(401, 403, 422, 503), query=DayQuery)
async def figures() -> Any:
    """Las cifras de un día de trabajo (de 04:00 a 04:00): pedidos, tiempos, tarde, platos."""
    require_manager()
    body = await services().figures.of(_day(request.args.get("dia", "")))
    return json_answer(body, headers=NOT_STORED)


def _day(text: str) -> date | None:
    """Reads a day, None where none was sent. Raises Invalid. Its year may be any that other times on the wire have."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.isoformat() != text or not 1970 <= day.year <= 9998:
        raise Invalid(fields={"dia": "debe ser una fecha AAAA-MM-DD"})
    return day
