"""Which addresses a browser may name. They come from a client, and this service calls them: so https alone, and hosts
that the operator has named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from ..push_settings import is_host

MAX_ENDPOINT = 1024
# Also of an address in decimal, octal or hexadecimal digits, which some libraries take for one of IPv4.
_LITERAL = re.compile(r"\[.*\]|(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)


def endpoint_problem(endpoint: str, hosts: Iterable[str]) -> str | None:
    """Says in Spanish why an endpoint is refused, or returns None."""
    if len(endpoint) > MAX_ENDPOINT:
        return f"debe tener {MAX_ENDPOINT} caracteres o menos"
    if not re.fullmatch(r"[!-~]+", endpoint) or "\\" in endpoint:
        return "debe ser una dirección https"
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        return "debe ser una dirección https"
    if parts.scheme != "https" or not host or "@" in parts.netloc or parts.fragment:
        return "debe ser una dirección https"
    if _LITERAL.fullmatch(host):
        return "debe nombrar un servidor, no una dirección IP"
    if not is_host(host):
        return "debe nombrar un servidor"
    # At another port of a host that is allowed there may be anything.
    if not any(_matches(host, 443 if port is None else port, each) for each in hosts):
        return "no es de un servicio de avisos permitido"
    return None


def _matches(host: str, port: int, pattern: str) -> bool:
    wanted, _, at = pattern.partition(":")
    if port != int(at or 443):
        return False
    return host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted
