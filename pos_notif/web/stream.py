"""`/api/notificaciones/stream/<rol>`: the head of a stream; what follows it is `delivery/streams.py`."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from ..delivery.streams import Stream
from .access import principal, reader_of
from .body import client_id
from .documented import documented
from .errors import API_HEADERS
from .schemas import StreamQuery
from .services import services

blueprint = Blueprint("stream", __name__, url_prefix="/notificaciones")

STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "private, no-store, no-transform",
    "X-Accel-Buffering": "no",
}
# As they are after what is done to every answer of the API.
SHORT_STREAM_HEADERS = STREAM_HEADERS | {name: API_HEADERS[name] for name in API_HEADERS if name not in STREAM_HEADERS}
# Besides `Last-Event-ID`, in the order in which they say why they are none.
CURSOR_PARAMETERS = ("lastEventId", "last_event_id", "cursor")


class StreamResponse(Response):
    """The head of a stream, which Quart makes; the body is written by `http_connection.py`, or by who carries it."""

    def __init__(self, stream: Stream, headers: dict[str, str]) -> None:
        super().__init__(b"", headers=headers)
        del self.headers["Content-Length"]
        self.stream = stream


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
    opened = Stream(services().streams, reader, principal(), _cursors(), client_id(request.args))
    return StreamResponse(opened, STREAM_HEADERS)


def _cursors() -> list[str]:
    """Returns all that came: a browser that reconnects sends its newest in a header, beside the address that it was
    given at first, and a proxy or a page may add others."""
    sent = request.headers.getlist("Last-Event-ID")
    for name in CURSOR_PARAMETERS:
        sent += request.args.getlist(name)
    return [cursor for cursor in sent if cursor]
