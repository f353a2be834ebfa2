"""`/api/auth`: sign-in, sign-out, and who one is."""

from __future__ import annotations

import contextlib
from typing import Any

from quart import Blueprint, Response, abort, request

from ..clock import iso
from ..errors import Invalid, NotFound
from ..principal import Principal
from .access import cookie_name, principal, public, session_cookie
from .answers import json_answer
from .body import check_no_body, read_object
from .documented import documented
from .schemas import Credentials, People, SessionInfo
from .services import services

blueprint = Blueprint("sign_in", __name__, url_prefix="/auth")


@blueprint.post("/login")
@public
@documented("sesión", {200: SessionInfo}, errors=(400, 401, 403, 413, 415, 422, 429, 503), body=Credentials)
async def login() -> Any:
    """Inicia una sesión: deja una cookie HttpOnly."""
    body = await read_object()
    username, password = (_text(body, name) for name in ("username", "password"))
    found, secret = await services().accounts.login(username, password, request.remote_addr or "")
    response = _json(found)
    seconds = max(0, ((found.expires_ms or 0) - services().log.clocks.steady()) // 1000)
    name = cookie_name(request.headers.get("Host", ""))
    response.set_cookie(name, secret, max_age=seconds, path="/", httponly=True, samesite="Lax", secure=by_https())
    return response


@blueprint.get("/personas")
@public
@documented("sesión", {200: People}, errors=(404, 503))
async def people() -> Any:
    """Quiénes pueden entrar, para elegir el nombre con un toque; 404 si el restaurante no lo permite."""
    if not services().config.login_names:
        abort(404)
    return json_answer(await services().accounts.list_people())


@blueprint.post("/logout")
@documented("sesión", {204: None}, errors=(401, 403, 415, 503))
async def logout() -> Any:
    """Termina la sesión, también en el servidor."""
    check_no_body()
    who = principal()
    response = Response("", 204)
    if who.kind == "session":
        with contextlib.suppress(NotFound):  # it was revoked meanwhile
            await services().accounts.logout(who)
        response.delete_cookie(session_cookie(), path="/", httponly=True, samesite="Lax", secure=by_https())
    return response


@blueprint.get("/sesion")
@documented("sesión", {200: SessionInfo}, errors=(401, 503))
async def session() -> Any:
    """La sesión o el token con que se llama."""
    return _json(principal())


def by_https() -> bool:
    """Tells whether the request came by HTTPS, also by a TLS proxy's word: who lies here only keeps the own browser
    from sending the cookie in the clear."""
    return "https" in (request.scheme, request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower())


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise Invalid(fields={name: "falta" if value is None else "debe ser un texto de 1 a 1000 caracteres"})
    return value


def _json(who: Principal) -> Response:
    log = services().log
    expires = None if who.expires_ms is None else iso(log.clocks.told(who.expires_ms), log.zone)
    body = {"usuario_id": who.user_id, "username": who.username, "rol": who.role, "expira": expires}
    return json_answer(body)
