"""What is refused before anybody looks at the address: a request that could be read in two ways, or that names no host.

It holds for every request alike, also for those that do not go through Quart, on whatever server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import unquote, urlsplit

from quart import Quart, abort, has_websocket_context, request, websocket

from ..errors import MalformedRequest

Head = Mapping[bytes, bytes]

# A second one of these would have it both ways: whoever is in between may have looked at the other one.
_ONCE = frozenset({b"authorization", b"content-type", b"host", b"idempotency-key"})
_JOINED_BY = {b"cookie": b"; "}
_READ = _ONCE | {b"content-length", b"cookie", b"if-none-match", b"last-event-id", b"origin", b"transfer-encoding"}
# Names as machines in a LAN have them, with underscores too; an end by a dot is a name's right.
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_HOST = re.compile(rb"(?:\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[^:\[\]]{0,254}))(?::(?P<port>[0-9]{0,5}))?")


def read_scope(scope: MutableMapping[str, Any]) -> Head:
    """Returns what `read_head` does of an ASGI scope's headers. A target in absolute form is put into the scope as the
    path that it has. Raises MalformedRequest."""
    head = read_head(scope["headers"])
    if not scope["path"].startswith("/"):
        _take_path(scope)
    return head


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """Returns those of a request's headers by which requests are told apart, each once, lists as one. The names are in
    small letters. Raises MalformedRequest."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ:
            if name not in found:
                found[name] = value
            elif name in _ONCE:
                raise MalformedRequest(f"La cabecera {name.decode()} viene más de una vez.")
            else:
                found[name] += _JOINED_BY.get(name, b", ") + value
    if not is_host(found.get(b"host", b"")):
        raise MalformedRequest("La cabecera Host no nombra un servidor.")
    return found


@lru_cache(256)
def is_host(host: bytes) -> bool:
    """Tells whether a `Host` header is a host and perhaps a port (RFC 9110, section 7.2). An empty one is a client's
    right."""
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) > 65535:
        return False
    if found["ipv6"] is None:
        return not host or _NAME.fullmatch(found["name"]) is not None
    try:
        return bool(IPv6Address(found["ipv6"].decode()))
    except ValueError:
        return False


def _take_path(scope: MutableMapping[str, Any]) -> None:
    """Reads a target like `http://host/path`, as it is sent to a proxy (RFC 9112, section 3.2.2). That of `OPTIONS *`
    stays. Raises MalformedRequest."""
    target = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace")
    if target == "*":
        return
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise MalformedRequest from error
    if not parts.netloc or not is_host(parts.netloc.encode()):
        raise MalformedRequest
    path = parts.path or "/"
    scope["path"], scope["raw_path"] = unquote(path), path.encode()


def register(app: Quart) -> None:
    """Makes a second spelling of an address none: what a proxy closes by its path is not open under another one."""
    app.before_request(_check_path)
    app.before_websocket(_check_path)


async def _check_path() -> None:
    asked = websocket if has_websocket_context() else request
    raw = asked.scope.get("raw_path") or asked.path.encode()
    if is_respelled(raw):
        abort(404)


def is_respelled(raw_path: bytes) -> bool:
    """Tells whether a path has an empty part, or a slash that is written as a character of a name: to routing both
    would be the address without them."""
    return b"//" in raw_path or b"%2f" in raw_path.lower()
