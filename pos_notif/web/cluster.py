"""What a node tells another one that joins: of its log, and a copy of it (docs/cluster.md, "How a node gives its log to
another"). No other client may use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, BinaryIO

from quart import Blueprint, Response, current_app
from quart_schema import hide

from ..cluster.members import name_problem
from ..cluster.places import Membership, read_membership
from ..database.file import SCHEMA_VERSION
from ..errors import Invalid, NoCapacity, NotFound, RoleNotAllowed
from ..upkeep.giving import copy_to_give, is_proved, let_in
from .answers import NOT_STORED, json_answer
from .body import read_object
from .services import services

blueprint = Blueprint("cluster", __name__, url_prefix="/cluster")

PART_BYTES = 256 * 1024
# What the application notes of a copy that is being made, which takes as much of the disk as the log.
_MAKING = "pos_notif.copying"


@blueprint.get("/registro")
@hide
async def log() -> Any:
    """Answers with what this node says of its log."""
    membership = await _membership()
    told = {"registro": membership.log_name, "motor": membership.engine, "esquema": SCHEMA_VERSION}
    return json_answer(told, headers=NOT_STORED)


@blueprint.post("/copia")
@hide
async def copy() -> Any:
    """Answers with a copy of the log, for a node that proves itself by the engine."""
    membership = await _membership()
    body = await read_object()
    name, secret, again = body.get("nodo"), body.get("secreto"), body.get("de_nuevo")
    if not isinstance(name, str) or name_problem(name) or not isinstance(secret, str) or not isinstance(again, bool):
        raise Invalid(fields={"nodo": "no es de un nodo"})
    if not await asyncio.to_thread(is_proved, services().config.cluster, membership.log_name, name, secret):
        raise RoleNotAllowed
    if current_app.extensions.get(_MAKING):
        raise NoCapacity("Este nodo ya hace una copia.")
    current_app.extensions[_MAKING] = True
    try:
        database, now_ms = services().log.database, services().log.clocks.wall()
        # By the engine: whoever is let in so has asked a node that stands at its head.
        await database.write(partial(let_in, name=name, again=again, now_ms=now_ms))
        file, size = await asyncio.to_thread(copy_to_give, database.path)
    finally:
        current_app.extensions[_MAKING] = False
    response = Response(_parts(file), headers={**NOT_STORED, "X-Copia-Bytes": str(size)})
    response.content_type = "application/vnd.sqlite3"
    response.timeout = None  # it takes as long as the other node's disk does
    return response


async def _membership() -> Membership:
    """Returns whose file the log is. Raises NotFound where it is no node's."""
    membership: Membership | None = None
    if services().config.cluster:
        membership = await services().log.database.read(read_membership)
    if membership is None:
        raise NotFound("Este servicio no es un nodo.")
    return membership


async def _parts(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while part := await asyncio.to_thread(file.read, PART_BYTES):
            yield part
