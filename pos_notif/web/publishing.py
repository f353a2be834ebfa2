"""`POST /api/notificaciones/eventos`. A publisher that is known is answered in `hot_path.py`, by the same
`publish_body`."""

from __future__ import annotations

import json
from typing import Any

from pydantic import RootModel
from quart import Blueprint, request

from ..errors import Invalid, TooLarge, TooManyRequests
from ..orders.drafts import MAX_BATCH, Draft, parse_draft
from ..principal import Principal
from ..publishing.publication import Publisher, check_key
from ..wire.json_limits import printable
from ..wire.json_text import dump, parse
from .access import principal, require_manager
from .answers import json_answer
from .body import read_body
from .documented import documented
from .schemas import Batch, Publication
from .services import Services, services

PUBLISH_PATH = "/api/notificaciones/eventos"

blueprint = Blueprint("publishing", __name__, url_prefix="/notificaciones/eventos")


class PublishBody(RootModel[Draft | Batch]):
    """One event, or a batch."""


@blueprint.post("")
@documented(
    "publicar",
    {200: Publication, 201: Publication},
    errors=(400, 401, 403, 409, 413, 415, 422, 429, 503),
    body=PublishBody,
    headers={"Idempotency-Key": "de 1 a 200 caracteres imprimibles; la misma con el mismo cuerpo no publica dos veces"},
)
async def publish() -> Any:
    """Publica un evento, o `{"eventos": […]}`. 201 significa que ya está a salvo de un corte de luz."""
    require_manager()
    body = await read_body()
    status, answer = await publish_body(services(), principal(), body, request.headers.get("Idempotency-Key"))
    return json_answer(answer, status)


async def publish_body(found: Services, who: Principal, body: bytes, key: str | None) -> tuple[int, str]:
    """Publishes an event or a batch. Returns the status and the JSON answer. Raises a DomainError, and then nothing was
    published."""
    limit = found.config.max_event_bytes
    value = parse(body)
    batch = isinstance(value, dict) and "eventos" in value and "tipo" not in value
    if key is not None:
        check_key(key, "Idempotency-Key")
    drafts = _batch(value, len(body), limit) if batch else [_single(value, len(body), limit, key)]
    # By events, not by requests: each of them goes to every screen, and a batch is no way around the limit.
    wait = found.publish_limit.take(who.publisher_key, len(drafts))
    if wait:
        raise TooManyRequests(wait)
    publisher = Publisher(who.publisher_key, who.actor, names_actor=who.kind == "token")
    result = await found.publishing.publish(drafts, publisher=publisher, key=key, batch=batch, who=who)
    if batch:
        answer: dict[str, Any] = {"ids": result.ids, "duplicados": result.duplicates}
    else:
        answer = {"id": result.ids[0], "duplicado": result.duplicates[0]}
    answer["cursor"] = found.log.cursor(max(result.ids))
    return 200 if all(result.duplicates) else 201, dump(answer)


def _single(value: Any, size: int, limit: int, key: str | None) -> dict[str, Any]:
    if size > limit:
        raise TooLarge(f"El evento pasa de {limit // 1024} KiB.")
    draft = parse_draft(value)
    own = draft.get("operacion_id")
    if own is not None:
        check_key(own, "operacion_id")
        if key is not None and own != key:
            raise Invalid(fields={"operacion_id": "no es igual a Idempotency-Key"})
    return draft


def _batch(value: dict[str, Any], size: int, limit: int) -> list[dict[str, Any]]:
    events = value["eventos"]
    if isinstance(events, list) and size > limit:
        _check_sizes(events, limit)
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
