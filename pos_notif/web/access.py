"""Decides who may: foreign origins, sign-in and roles, in the protocol's order (docs/protocol.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from quart import Response, current_app, g, request
from werkzeug.sansio.http import parse_cookie

from ..delivery.reader import Reader
from ..errors import NotAuthenticated, NotFound, OriginNotAllowed, RoleNotAllowed
from ..events import MANAGER, ROLE_ROOM, may_read
from ..principal import Principal
from .errors import answer_to
from .services import services

COOKIE = "pos_notif_sesion"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}

Handler = TypeVar("Handler", bound=Callable[..., Any])


def public(handler: Handler) -> Handler:
    """Marks a view that needs no sign-in."""
    handler.is_public = True  # type: ignore[attr-defined]
    return handler


async def guard() -> None:
    """Is called before every API request: it looks for a foreign Origin first, then for who it is."""
    origin = origin_of(request.headers)
    if request.method not in _SAFE_METHODS and not is_own_or_allowed(origin, request.headers.get("Host", "")):
        raise OriginNotAllowed
    if request.method == "OPTIONS":
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "is_public", False):
        g.principal = await authenticate()
        if g.principal is None:
            raise NotAuthenticated


async def guard_answer(response: Response) -> Response:
    """Is called after every API request, and keeps to itself what was read for somebody who is that no more: a poll
    waits, the log's table and a day's figures may take seconds. What was done by then is done, and said."""
    who = g.get("principal")
    if who is not None and request.method in _SAFE_METHODS:
        still = await authenticate()
        if still is None or (still.kind, still.id, still.role) != (who.kind, who.id, who.role):
            return await answer_to(NotAuthenticated())
    return response


def principal() -> Principal:
    """Returns who the present request speaks for, as `guard` has found it."""
    return cast(Principal, g.principal)


async def authenticate() -> Principal | None:
    """Returns the token's or the session's owner, or None. A token that is wrong does not fall back to the cookie."""
    headers = request.headers
    sent = credential(headers.get("Authorization"), cookies_of(headers))
    return await services().accounts.find(*sent) if sent is not None else None


def cookies_of(headers: Any) -> str | None:
    """Returns a request's cookies, which may have come in several headers."""
    return "; ".join(headers.getlist("Cookie")) or None


def credential(authorization: str | None, cookie: str | None) -> tuple[str, str] | None:
    """Returns `("token" | "session", secret)` of a request's two headers, or None where neither has one."""
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        return ("token", secret.strip()) if scheme.lower() == "bearer" else None
    secret = parse_cookie(cookie).get(COOKIE, "")
    return ("session", secret) if secret else None


def reader_of(role: str) -> Reader:
    """Returns the reader of a role's room. Raises NotFound for a role that does not exist, RoleNotAllowed for one that
    the session may not read."""
    if role not in ROLE_ROOM:
        raise NotFound(f"No existe el rol {role}.")
    if not may_read(principal().role, role):
        raise RoleNotAllowed
    return Reader.of_role(services().log, role)


def require_manager() -> None:
    """Raises RoleNotAllowed for who is no manager."""
    if principal().role != MANAGER:
        raise RoleNotAllowed


def origin_of(headers: Any) -> str | None:
    """Returns the request's Origin, or None where it has none. Several make no good one."""
    return ", ".join(headers.getlist("Origin")) or None


def is_own_or_allowed(origin: str | None, host: str) -> bool:
    """Tells whether a request has no Origin (it is not a browser's cross-site one), our own, or one of
    POS_NOTIF_ORIGINS. `null` is foreign."""
    if origin is None or origin in services().config.origins:
        return True
    try:
        parts = urlsplit(origin)
        # Behind a TLS proxy `Host` has no port, and only the Origin says that it is https.
        default = _DEFAULT_PORTS[parts.scheme]
        own = urlsplit(f"//{host}")
        spelled_out = origin.lower() == f"{parts.scheme}://{parts.netloc}".lower() and "@" not in parts.netloc
        return (
            spelled_out
            and bool(parts.hostname)
            and (parts.hostname, parts.port or default) == (own.hostname, own.port or default)
        )
    except (KeyError, ValueError):
        return False
