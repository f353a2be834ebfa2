"""`POST /api/notificaciones/eventos`: the view, and the short way for a publisher that is known.

A POS publishes more often than it does anything else. With a credential that is remembered, a JSON body of known
length and no Origin, the same `publish_body` answers without a Quart request; everything else, refusals of access
included, is left to the view.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from quart import Blueprint, Response, request

from ..accounts.accounts import Principal
from ..errors import DomainError, Invalid, TooLarge, TooManyRequests
from ..events import MANAGER
from ..orders.drafts import MAX_BATCH, parse_draft
from ..publishing.publication import Publisher, check_key
from ..wire.json_limits import printable
from ..wire.json_text import dump, parse
from . import errors
from .access import credential, principal, require_manager
from .body import read_body
from .documented import documented
from .schemas import Batch, Publication
from .services import Services, services

PUBLISH_PATH = "/api/notificaciones/eventos"

blueprint = Blueprint("publishing", __name__, url_prefix="/notificaciones/eventos")


@blueprint.post("")
@documented(
    "publicar",
    {200: Publication, 201: Publication},
    errors=(400, 401, 403, 409, 413, 415, 422, 429, 503),
    body=Batch,
)
async def publish() -> Any:
    """Publica un evento, o `{"eventos": […]}`. 201 significa que ya está a salvo de un corte de luz."""
    require_manager()
    body = await read_body()
    status, answer = await publish_body(services(), principal(), body, request.headers.get("Idempotency-Key"))
    return Response(answer, status, content_type="application/json")


async def publish_body(found: Services, who: Principal, body: bytes, key: str | None) -> tuple[int, str]:
    """The status and the JSON answer. Raises a DomainError, and then nothing was published."""
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
    result = await found.notifier.publish(drafts, publisher=publisher, key=key, batch=batch)
    if batch:
        answer: dict[str, Any] = {"ids": result.ids, "duplicados": result.duplicates}
    else:
        answer = {"id": result.ids[0], "duplicado": result.duplicates[0]}
    answer["cursor"] = found.notifier.cursor(max(result.ids))
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


# The short way


def short_publisher(found: Services, scope: Mapping[str, Any]) -> tuple[Principal, str | None] | None:
    """Who publishes, and the idempotency key, of a POST to PUBLISH_PATH that needs no view; None: it is the view's."""
    headers = {name: value.decode("latin1") for name, value in scope["headers"] if name in _READ}
    if b"origin" in headers or b"transfer-encoding" in headers:
        return None
    size = headers.get(b"content-length", "")
    if not size.isdigit() or int(size) > found.config.max_body_bytes:
        return None
    if headers.get(b"content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    sent = credential(headers.get(b"authorization"), headers.get(b"cookie"))
    who = found.accounts.remembered(*sent) if sent is not None else None
    return (who, headers.get(b"idempotency-key")) if who is not None and who.role == MANAGER else None


_READ = frozenset(
    {
        b"authorization", b"content-length", b"content-type", b"cookie", b"idempotency-key", b"origin",
        b"transfer-encoding",
    }
)  # fmt: skip


def too_slow() -> tuple[int, dict[str, str], bytes]:
    headers = {**errors.API_HEADERS, "Content-Type": "application/json"}
    return 408, headers, errors.error_json(errors.http_told(408)).encode()


async def short_answer(
    found: Services, who: Principal, body: bytes, key: str | None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, refusals of the body included, as the view would answer."""
    try:
        status, answer = await publish_body(found, who, body, key)
    except DomainError as error:
        refused = error
    except Exception as error:  # noqa: BLE001 - it is logged, and the client is answered
        refused = errors.unexpected(error, "POST", PUBLISH_PATH)
    else:
        return status, {**errors.API_HEADERS, "Content-Type": "application/json"}, answer.encode()
    return errors.whole_refusal(refused)
