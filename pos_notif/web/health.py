"""`/healthz`, `/readyz` and `/metrics`: for supervisors, load balancers and Prometheus; they need no sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from quart import Blueprint, Response

from ..errors import LogUnavailable
from ..log.live import LiveLog
from ..log.writable import write_problem
from .access import public
from .answers import json_answer
from .documented import documented
from .metrics import CONTENT_TYPE as METRICS_TYPE
from .schemas import Health, NotReady
from .services import services

blueprint = Blueprint("health", __name__)


# Longer than any sound disk takes, shorter than what supervisors wait.
CHECK_SECONDS = 2.0


@blueprint.get("/healthz")
@public
@documented("servicio", {200: Health})
async def alive() -> Any:
    """El proceso atiende."""
    return _answer(200, "vivo")


@blueprint.get("/readyz")
@public
@documented("servicio", {200: Health, 503: NotReady})
async def ready() -> Any:
    """El registro se puede escribir."""
    if services().stopping:
        return _answer(503, "deteniendose")
    problem = await _problem()
    if problem is not None:
        return _answer(503, LogUnavailable.code, problem)
    return _answer(200, "listo", "; ".join(_warnings(services().log)))


@blueprint.get("/metrics")
@public
@documented("servicio", {200: METRICS_TYPE})
async def metrics() -> Any:
    """Cifras del servicio para Prometheus; sin datos de personas ni de pedidos."""
    is_ready = not services().stopping and await _problem() is None
    return Response(await services().metrics.exposition(is_ready), headers={"Cache-Control": "no-store"},
                    content_type=METRICS_TYPE)  # fmt: skip


def _warnings(log: LiveLog) -> Iterator[str]:
    """Yields what somebody should look at, though orders are taken."""
    if log.damage:
        yield f"registro dañado: {log.damage}"
    log.clock_check.look(log.bounds.newest)
    days = log.clock_check.jumped_days()
    if days:
        yield f"el reloj salta {abs(days)} días" + (" atrás" if days < 0 else "")


async def _problem() -> str | None:
    """Returns what keeps the log from being written now, or None. Checks side by side share one write: one for each
    would hold up the writer, and with it the publications, for as long as SQLite waits for a lock."""
    state = services()
    if state.write_check is None or state.write_check.done():
        state.write_check = asyncio.create_task(write_problem(state.log.database), name="write-check")
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await asyncio.shield(state.write_check)
    except TimeoutError:
        return f"no write within {CHECK_SECONDS:g} s"


def _answer(status: int, state: str, detail: str | None = None) -> Response:
    body = {"estado": state, **({"detalle": detail} if detail else {})}
    return json_answer(body, status, {"Cache-Control": "no-store"})
