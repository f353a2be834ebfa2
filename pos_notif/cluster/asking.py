"""Asks the other nodes whether they have an engine: directly, since the board is away just then."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Collection
from urllib.parse import urlsplit

from ..config import Config
from .engine import TLS_SETTINGS, parts_of

# What a node posts of itself: where the others reach it.
ADDRESS = "direccion"
READY_PATH = "/readyz?nodo"
# Supervisors wait for some seconds.
ASK_SECONDS = 1.0


def own_url(config: Config, port: int) -> str:
    """Returns where the other nodes reach a service on this port, as far as can be found out: where it listens
    everywhere, by the address with which it reaches its engine."""
    host = config.host
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            host = _towards_engine(config.cluster)
    return f"{'https' if config.certfile else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _towards_engine(url: str) -> str:
    """Returns this machine's address on the way to its engine. One of its own servers says less than another's."""
    found = "127.0.0.1"
    for host, port in parts_of(urlsplit(url), 9, TLS_SETTINGS).hosts:
        with contextlib.suppress(OSError):
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(address)  # sends nothing
                own = probe.getsockname()[0]
            if not ipaddress.ip_address(own).is_loopback:
                return str(own)
    return found


async def any_is_ready(urls: Collection[str]) -> bool:
    """Tells whether the node at one of these addresses says that it has an engine. Of who does not answer within
    ASK_SECONDS nothing is known."""
    return any(await asyncio.gather(*(asyncio.to_thread(_is_ready, url) for url in urls)))


def _is_ready(url: str) -> bool:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # Nothing is told to it, and its certificate names what clients call it.
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=ASK_SECONDS, context=unchecked
        )  # fmt: skip
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", READY_PATH)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
