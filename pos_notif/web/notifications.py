"""`/api/notificaciones`: the stream, and who is connected."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from ..delivery.streams import Stream
from ..wire.json_text import dump
from .access import principal, reader_of, require_manager
from .body import client_id
from .documented import documented
from .http_connection import StreamResponse
from .schemas import Connections, StreamQuery
from .services import services

blueprint = Blueprint("notifications", __name__, url_prefix="/notificaciones")

STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "private, no-store, no-transform",
    "X-Accel-Buffering": "no",
}


@blueprint.get("/stream/<rol>")
@documented("eventos", {200: "text/event-stream"}, errors=(401, 403, 404), query=StreamQuery)
async def stream(rol: str) -> Any:
    """Los eventos del rol en vivo (text/event-stream), desde `Last-Event-ID` o `cursor`."""
    reader = reader_of(rol)
    if request.method == "HEAD":
        return Response(b"", headers=STREAM_HEADERS)
    opened = Stream(services().streams, reader, principal(), _stream_cursor(), client_id(request.args))
    return StreamResponse(opened, STREAM_HEADERS)


def _stream_cursor() -> str | None:
    args = request.args
    return (
        request.headers.get("Last-Event-ID")
        or args.get("lastEventId")
        or args.get("last_event_id")
        or args.get("cursor")
        or None
    )


@blueprint.get("/estado")
@documented("servicio", {200: Connections}, errors=(401, 403, 503))
async def state() -> Any:
    """Quién está conectado, y qué tan atrasado va."""
    require_manager()
    return Response(dump(await services().notifier.obtener_estado_conexiones()), content_type="application/json")
