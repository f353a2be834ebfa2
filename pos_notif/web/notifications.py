"""`/api/notificaciones`: the stream, publishing and who is connected."""

from __future__ import annotations

import json
from typing import Any

from quart import Blueprint, Response, request

from ..drafts import MAX_BATCH, parse_draft
from ..errors import Invalid, TooLarge
from ..json_limits import printable
from ..publication import Publisher, check_key
from ..streams import Stream
from ..wire.json_text import dump
from .access import principal, reader_of, require_manager
from .answers import Batch, Connections, Publication, StreamQuery
from .body import client_id, read_json
from .documented import documented
from .http_connection import StreamResponse
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


@blueprint.post("/eventos")
@documented(
    "publicar",
    {200: Publication, 201: Publication},
    errors=(400, 401, 403, 409, 413, 415, 422, 503),
    body=Batch,
)
async def publish() -> Any:
    """Publica un evento, o `{"eventos": […]}`. 201 significa que ya está a salvo de un corte de luz."""
    require_manager()
    value, size = await read_json()
    batch = isinstance(value, dict) and "eventos" in value and "tipo" not in value
    key = request.headers.get("Idempotency-Key")
    if key is not None:
        check_key(key, "Idempotency-Key")
    drafts = _batch(value, size) if batch else [_single(value, size, key)]
    who = principal()
    publisher = Publisher(who.publisher_key, who.actor, names_actor=who.kind == "token")
    notifier = services().notifier
    result = await notifier.publish(drafts, publisher=publisher, key=key, batch=batch)
    if batch:
        body: dict[str, Any] = {"ids": result.ids, "duplicados": result.duplicates}
    else:
        body = {"id": result.ids[0], "duplicado": result.duplicates[0]}
    body["cursor"] = notifier.cursor(max(result.ids))
    return Response(dump(body), 200 if all(result.duplicates) else 201, content_type="application/json")


def _single(value: Any, size: int, key: str | None) -> dict[str, Any]:
    if size > services().config.max_event_bytes:
        raise TooLarge(f"El evento pasa de {services().config.max_event_bytes // 1024} KiB.")
    draft = parse_draft(value)
    own = draft.get("operacion_id")
    if own is not None:
        check_key(own, "operacion_id")
        if key is not None and own != key:
            raise Invalid(fields={"operacion_id": "no es igual a Idempotency-Key"})
    return draft


def _batch(value: dict[str, Any], size: int) -> list[dict[str, Any]]:
    events = value["eventos"]
    if isinstance(events, list) and size > services().config.max_event_bytes:
        _check_sizes(events, services().config.max_event_bytes)
    if not isinstance(events, list) or not 1 <= len(events) <= MAX_BATCH:
        raise Invalid(fields={"eventos": f"debe ser una lista de 1 a {MAX_BATCH} eventos"})
    for name in value:
        if name != "eventos":
            raise Invalid(fields={printable(name): "no se reconoce junto a eventos"})
    drafts = [parse_draft(event, f"eventos.{index}.") for index, event in enumerate(events)]
    for index, draft in enumerate(drafts):
        if draft.get("operacion_id") is not None:
            check_key(draft["operacion_id"], f"eventos.{index}.operacion_id")
    return drafts


def _check_sizes(events: list[Any], limit: int) -> None:
    for index, event in enumerate(events):
        # What the parser could nest, the encoder can.
        if len(_COMPACT.encode(event).encode("utf-8", "surrogatepass")) > limit:
            raise TooLarge(f"eventos.{index} pasa de {limit // 1024} KiB.")


# Unlike `dump`, it takes whatever was sent: what is wrong with that is said by `parse_draft`.
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@blueprint.get("/estado")
@documented("servicio", {200: Connections}, errors=(401, 403, 503))
async def state() -> Any:
    """Quién está conectado, y qué tan atrasado va."""
    require_manager()
    return Response(dump(await services().notifier.obtener_estado_conexiones()), content_type="application/json")
