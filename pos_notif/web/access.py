"""Decides who may: foreign origins, sign-in and roles, in the protocol's order (docs/protocol.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from quart import Response, current_app, g, request
from werkzeug.sansio.http import parse_cookie

from ..delivery.reader import Reader
from ..errors import NotAuthenticated, NotFound, OriginNotAllowed, RoleNotAllowed
from ..events import MANAGER, ROLE_ROOM, may_read
from ..principal import Principal
from .errors import answer_to
from .services import services

# The beginning of the name; `cookie_name` has the whole.
COOKIE = "pos_notif_sesion"
MAX_COOKIES = 8
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
        still = await services().accounts.find(g.credential.kind, g.credential.secret)
        if still is None or (still.kind, still.id, still.role) != (who.kind, who.id, who.role):
            return await answer_to(NotAuthenticated())
    return response


def principal() -> Principal:
    """Returns who the present request speaks for, as `guard` has found it."""
    return cast(Principal, g.principal)


def session_cookie() -> str:
    """Returns the name of the cookie that the present request's session came in."""
    return cast(str, g.credential.cookie)


async def authenticate() -> Principal | None:
    """Returns the token's or the session's owner, or None. A token that is wrong does not fall back to the cookie."""
    headers = request.headers
    sent = credentials(headers.get("Authorization"), cookies_of(headers), headers.get("Host", ""))
    found = await services().accounts.find_first(sent)
    if found is None:
        return None
    g.credential = sent[found[0]]
    return found[1]


def cookies_of(headers: Any) -> str | None:
    """Returns a request's cookies, which may have come in several headers."""
    return "; ".join(headers.getlist("Cookie")) or None


class Credential(NamedTuple):
    """`kind` is "token" or "session"; `cookie` is the name of the cookie that a session's secret came in."""

    kind: str
    secret: str
    cookie: str = ""


def credentials(authorization: str | None, cookies: str | None, host: str) -> list[Credential]:
    """Returns what a request's headers name, of which the first that is somebody's counts: a token alone, or up to
    MAX_COOKIES sessions, the one of this port before all others."""
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        return [Credential("token", secret.strip())] if scheme.lower() == "bearer" else []
    if not cookies or COOKIE not in cookies:
        return []
    own = cookie_name(host)
    sent = [
        Credential("session", secret, name)
        for name, secret in parse_cookie(cookies).items(multi=True)
        if name.startswith(COOKIE) and secret
    ]
    return sorted(sent, key=lambda each: each.cookie != own)[:MAX_COOKIES]


def cookie_name(host: str) -> str:
    """Returns the name of the session's cookie at a host: browsers send the cookies of a host to all of its ports, and
    services side by side would sign each other out."""
    port = host.rpartition("]")[2].partition(":")[2]
    return f"{COOKIE}_{port}" if port else COOKIE


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
