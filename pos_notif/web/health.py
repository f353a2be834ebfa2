"""`/healthz`, `/readyz` and `/metrics`: for supervisors, load balancers and Prometheus; they need no sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from quart import Blueprint, Response, request

from ..clock import iso
from ..errors import LogUnavailable
from ..log.live import LiveLog
from ..log.writable import write_problem
from .access import public
from .answers import json_answer
from .documented import documented
from .metrics import CONTENT_TYPE as METRICS_TYPE
from .schemas import Alive, NotReady, Ready, ReadyQuery
from .services import services

blueprint = Blueprint("health", __name__)


# Longer than any sound disk takes, shorter than what supervisors wait.
CHECK_SECONDS = 2.0
NOTHING: Mapping[str, str] = MappingProxyType({})


@blueprint.get("/healthz")
@public
@documented("servicio", {200: Alive})
async def alive() -> Any:
    """El proceso atiende."""
    found = services()
    return _answer(200, "vivo", extra={"version": found.streams.version, **found.log.away()})


@blueprint.get("/readyz")
@public
@documented("servicio", {200: Ready, 503: NotReady}, query=ReadyQuery)
async def ready() -> Any:
    """El registro se puede escribir. Con `nodo`, en este nodo, estén como estén los demás."""
    found, cluster = services(), services().cluster
    asks_node = "nodo" in request.args
    name = {"nodo": cluster.node.name} if cluster is not None and asks_node else {}
    if found.stopping:
        return _answer(503, "deteniendose", extra=name)
    problem, warnings = await _problem(), list(_warnings(found.log))
    if problem is None and cluster is not None:
        warnings += filter(None, [cluster.clock.warning()])
        if not cluster.has_engine:
            away = f"sin central desde {iso(cluster.away_since, found.log.zone)}"
            if asks_node or await _better_elsewhere():
                problem = away
            else:  # all would leave the balancer at once, and they are good to read from
                warnings.append(away)
    if problem is not None:
        return _answer(503, LogUnavailable.code, problem, extra=name)
    return _answer(200, "listo", "; ".join(warnings), extra=name)


async def _better_elsewhere() -> bool:
    """Tells whether another node has an engine. Questions side by side share one."""
    state = services()
    assert state.cluster is not None
    if state.asking_nodes is None or state.asking_nodes.done():
        state.asking_nodes = asyncio.create_task(state.cluster.is_better_elsewhere(), name="asking-nodes")
    return await asyncio.shield(state.asking_nodes)


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
    if state.log.stopped:
        return f"este nodo dejó de participar: {state.log.stopped}"
    if state.write_check is None or state.write_check.done():
        state.write_check = asyncio.create_task(write_problem(state.log.database), name="write-check")
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await asyncio.shield(state.write_check)
    except TimeoutError:
        return f"no write within {CHECK_SECONDS:g} s"


def _answer(status: int, state: str, detail: str | None = None, extra: Mapping[str, str] = NOTHING) -> Response:
    body = {"estado": state, **({"detalle": detail} if detail else {}), **extra}
    return json_answer(body, status, {"Cache-Control": "no-store"})
