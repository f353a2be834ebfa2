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
