"""`/api/notificaciones/stream/<rol>`: the head of a stream; what follows it is `delivery/streams.py`."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from ..delivery.streams import Stream
from .access import principal, reader_of
from .body import client_id
from .documented import documented
from .hot_path import StreamResponse
from .schemas import StreamQuery
from .services import services

blueprint = Blueprint("stream", __name__, url_prefix="/notificaciones")

STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "private, no-store, no-transform",
    "X-Accel-Buffering": "no",
}


@blueprint.get("/stream/<rol>")
@documented(
    "eventos",
    {200: "text/event-stream"},
    errors=(401, 403, 404),
    query=StreamQuery,
    headers={"Last-Event-ID": "el cursor desde el que se sigue"},
)
async def stream(rol: str) -> Any:
    """Los eventos del rol en vivo (text/event-stream), desde `Last-Event-ID` o `cursor`."""
    reader = reader_of(rol)
    if request.method == "HEAD":
        return Response(b"", headers=STREAM_HEADERS)
    cursor = await reader.best_of(_cursors())
    opened = Stream(services().streams, reader, principal(), cursor, client_id(request.args))
    return StreamResponse(opened, STREAM_HEADERS)


def _cursors() -> list[str]:
    """Returns all that came: a browser that reconnects sends its newest in a header, beside the address that it was
    given at first, and a proxy or a page may add others."""
    args = request.args
    sent = [
        *request.headers.getlist("Last-Event-ID"),
        *args.getlist("lastEventId"),
        *args.getlist("last_event_id"),
        *args.getlist("cursor"),
    ]
    return [cursor for cursor in sent if cursor]
