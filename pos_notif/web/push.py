"""`/api/push`: which phones are rung with the browser closed (docs/protocol.md, section 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quart import Blueprint, Response, request

from ..clock import iso
from ..errors import Invalid, NotFound, RoleNotAllowed, TooLarge, TooManyRequests
from ..log.subscriptions import client_name
from ..push_settings import NTFY
from ..wire.json_limits import MAX_ID
from .access import principal, require_manager
from .answers import NOT_STORED, json_answer
from .body import check_no_body, read_object
from .documented import documented
from .schemas import PushDevices, PushEndpoint, PushInfo, PushSeen, PushSeenBody, PushSubscribed, PushSubscriptionBody
from .services import services
from .sign_in import by_https

if TYPE_CHECKING:
    from ..principal import Principal
    from ..push.push import Push

blueprint = Blueprint("push", __name__, url_prefix="/push")

MAX_BODY_BYTES = 4096
MAX_SEEN = 100
_MAX_TEXT = 4096


@blueprint.get("")
@documented("avisos", {200: PushInfo}, errors=(401, 503))
async def info() -> Any:
    """Si el servicio avisa a teléfonos, cómo, y con qué clave se suscribe un navegador."""
    push, who = services().push, principal()
    if push is None:
        return json_answer({"activo": False, "clave_publica": None, "vias": []}, headers=NOT_STORED)
    key, ways = await push.public_key(), list(push.config.push_ways)
    body: dict[str, Any] = {"activo": True, "clave_publica": key, "vias": ways}
    topic = await push.topic(who, _pages_origin()) if who.is_person else None
    if topic is not None:
        body[NTFY] = {"url": push.config.ntfy_url.rstrip("/"), "tema": topic}
    return json_answer(body, headers=NOT_STORED)


@blueprint.put("/suscripcion")
@documented(
    "avisos", {200: PushSubscribed, 201: PushSubscribed}, errors=(400, 401, 403, 404, 409, 413, 415, 422, 503),
    body=PushSubscriptionBody,
)  # fmt: skip
async def subscribe() -> Any:
    """Este navegador recibe los avisos de la sesión, mientras dure."""
    push, who = _push(), _person()
    body = await _small_object()
    keys = body.get("keys")
    if not isinstance(keys, dict):
        raise Invalid(fields={"keys": "debe ser un objeto"})
    endpoint = _text(body, "endpoint")
    p256dh, auth = _text(keys, "p256dh", "keys."), _text(keys, "auth", "keys.")
    subscription_id, is_new = await push.subscribe(who, endpoint, p256dh, auth, client_name(body.get("cliente")))
    return json_answer({"suscripcion_id": subscription_id}, 201 if is_new else 200, NOT_STORED)


@blueprint.delete("/suscripcion")
@documented("avisos", {204: None}, errors=(400, 401, 403, 404, 413, 415, 422, 503), body=PushEndpoint)
async def unsubscribe() -> Any:
    """Este navegador ya no recibe avisos."""
    push, who = _push(), _person()
    await push.unsubscribe(who, _text(await _small_object(), "endpoint"))
    return Response("", 204)


@blueprint.post("/prueba")
@documented("avisos", {202: None}, errors=(401, 403, 404, 409, 415, 429, 503))
async def test() -> Any:
    """Un aviso de prueba a los teléfonos de esta sesión."""
    check_no_body()
    push, who = _push(), _person()
    wait = services().push_tests.take(who.id)
    if wait:
        raise TooManyRequests(wait)
    await push.test(who)
    return Response("", 202)


@blueprint.post("/vistos")
@documented("avisos", {200: PushSeen}, errors=(400, 401, 403, 404, 413, 415, 422, 503), body=PushSeenBody)
async def seen() -> Any:
    """Una página a la vista ya sonó por estos eventos: los teléfonos de la persona no tienen que sonar."""
    push, who = _push(), _person()
    ids = (await _small_object()).get("evento_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MAX_SEEN:
        raise Invalid(fields={"evento_ids": f"debe ser una lista de 1 a {MAX_SEEN} números"})
    for place, event_id in enumerate(ids):
        if type(event_id) is not int or not 1 <= event_id <= MAX_ID:
            raise Invalid(fields={f"evento_ids.{place}": "debe ser el id de un evento"})
    return json_answer({"vistos": await push.seen(who, ids)}, headers=NOT_STORED)


@blueprint.get("/suscripciones")
@documented("avisos", {200: PushDevices}, errors=(401, 403, 404, 503))
async def devices() -> Any:
    """A qué teléfonos se avisa y cómo fue la última vez, para un encargado."""
    push = _push()
    require_manager()
    zone = services().log.zone
    listed = [
        {
            "suscripcion_id": device.subscription_id,
            "username": device.username,
            "rol": device.role,
            "servicio": device.service,
            "desde": iso(device.created_ms, zone),
            "ultimo_envio": None if device.sent_ms is None else iso(device.sent_ms, zone),
            "ultimo_error": device.error,
        }
        for device in await push.listed()
    ]
    return json_answer(listed, headers=NOT_STORED)


def _push() -> Push:
    """Raises NotFound where phones are not rung here."""
    push = services().push
    if push is None:
        raise NotFound("Este servicio no avisa a teléfonos.")
    return push


def _person() -> Principal:
    """Raises RoleNotAllowed for a token: it is no phone."""
    who = principal()
    if not who.is_person:
        raise RoleNotAllowed("Solo una sesión tiene un teléfono.")
    return who


async def _small_object() -> dict[str, Any]:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise TooLarge("El cuerpo pasa del tamaño permitido.")
    body = await read_object()
    if len(await request.get_data()) > MAX_BODY_BYTES:
        raise TooLarge("El cuerpo pasa del tamaño permitido.")
    return body


def _text(body: dict[str, Any], name: str, before: str = "") -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise Invalid(fields={before + name: "falta" if value is None else "debe ser un texto"})
    return value


def _pages_origin() -> str:
    """Returns where this person's pages are: what a tap on a notification opens."""
    host = request.headers.get("Host", "")
    return f"{'https' if by_https() else 'http'}://{host}" if host else ""
