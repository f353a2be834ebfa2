"""`POST /api/notificaciones/eventos`. A publisher that is known is answered in `hot_path.py`, by the same
`publish_body`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, RootModel
from quart import Blueprint, request

from ..errors import TooManyRequests
from ..orders.drafts import Draft
from ..principal import Principal
from ..publishing.publication import Publisher
from ..publishing.sent import Sent, read_sent
from ..wire.json_text import encode
from .access import principal, require_manager
from .answers import NOT_STORED, json_answer
from .body import is_rehearsal, read_body
from .documented import documented
from .schemas import Batch, Publication, Rehearsal
from .services import Services, services

PUBLISH_PATH = "/api/notificaciones/eventos"

blueprint = Blueprint("publishing", __name__, url_prefix="/notificaciones/eventos")


class PublishBody(RootModel[Draft | Batch]):
    """One event, or a batch."""


class PublishAnswer(RootModel[Publication | Rehearsal]):
    """What has been published before, or what would be."""


class PublishQuery(BaseModel):
    """`ensayo=1` publishes nothing."""

    ensayo: Literal["1"] | None = None


@blueprint.post("")
@documented(
    "publicar",
    {200: PublishAnswer, 201: Publication},
    errors=(400, 401, 403, 409, 413, 415, 422, 429, 503),
    query=PublishQuery,
    body=PublishBody,
    headers={"Idempotency-Key": "de 1 a 200 caracteres imprimibles; la misma con el mismo cuerpo no publica dos veces"},
)
async def publish() -> Any:
    """Publica un evento, o `{"eventos": […]}`. 201 significa que ya está a salvo de un corte de luz.

    Con `ensayo=1` no publica nada: responde los eventos que se anexarían y sus pedidos."""
    require_manager()
    rehearsed = is_rehearsal(request.args.getlist("ensayo"))
    body, key = await read_body(), request.headers.get("Idempotency-Key")
    if rehearsed:
        return json_answer(await rehearse_body(services(), principal(), body, key), headers=NOT_STORED)
    status, answer = await publish_body(services(), principal(), body, key)
    return json_answer(answer, status)


async def publish_body(found: Services, who: Principal, body: bytes, key: str | None) -> tuple[int, str]:
    """Publishes an event or a batch. Returns the status and the JSON answer. Raises a DomainError, and then nothing was
    published."""
    sent = _read(found, who, body, key)
    publisher = _publisher(who)
    result = await found.publishing.publish(sent.drafts, publisher=publisher, key=key, batch=sent.batch, who=who)
    return 200 if all(result.duplicates) else 201, encode(sent.answer(result, found.log.cursor)).decode()


async def rehearse_body(found: Services, who: Principal, body: bytes, key: str | None) -> str:
    """Returns as JSON what publishing the body would append. Raises the DomainError that publishing it would."""
    sent = _read(found, who, body, key)
    publisher = _publisher(who)
    return (
        await found.publishing.rehearse(sent.drafts, publisher=publisher, key=key, batch=sent.batch, who=who)
    ).json()


def _read(found: Services, who: Principal, body: bytes, key: str | None) -> Sent:
    sent = read_sent(body, found.config.max_event_bytes, key)
    # By events, not by requests: each of them goes to every screen, and a batch is no way around the limit. Nor is a
    # rehearsal, which is the same work.
    wait = found.publish_limit.take(who.publisher_key, len(sent.drafts))
    if wait:
        raise TooManyRequests(wait)
    return sent


def _publisher(who: Principal) -> Publisher:
    return Publisher(who.publisher_key, who.actor, names_actor=who.kind == "token")
