"""`parse`: the engine that an address names, as `--cluster` is given it. What it needs is loaded with it alone."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ..errors import ConfigurationError
from .bulletin import Bulletin
from .sequence import Sequence
from .servers import Server

SETTING = "POS_NOTIF_CLUSTER"
ETCD_PORT, REDIS_PORT = 2379, 6379
TLS_SETTINGS = ("ca", "cert", "key")
_EXAMPLE = "etcd://a:2379,b:2379,c:2379 or redis://host:6379"


class Engine(Protocol):
    """What orders the transactions of a log's nodes. `name` is etcd or redis."""

    @property
    def name(self) -> str: ...

    def sequence(self, log_name: str, identity: dict[str, Any] | None) -> Sequence:
        """Returns a sequence of its own connection, which is made when it is first asked something."""

    def bulletin(self, log_name: str) -> Bulletin:
        """Returns a bulletin of its own connection, which is made when it is first asked something."""

    def logs(self) -> list[str]:
        """Returns the names of the logs of which it has something. Raises Unknown, or Unfit where it does not let us
        look."""

    def servers(self) -> list[Server]:
        """Returns the engine's servers. Raises Unknown where none answers, or Unfit where it does not let us ask."""


class Parts(NamedTuple):
    """An address in its parts: whom to ask, as whom, and its settings."""

    hosts: tuple[tuple[str, int], ...]
    user: str | None
    password: str | None
    settings: dict[str, str]


def parse(url: str) -> Engine:
    """Returns the engine of this address. Raises ConfigurationError, with one line, for one that cannot be used."""
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise _wrong(str(error)) from error
    if address.scheme in ("etcd", "etcds"):
        return _etcd(address)
    if address.scheme in ("redis", "rediss") and "," not in address.netloc:
        return _redis(address)
    if "sentinel" in address.scheme or "cluster" in address.scheme or "," in address.netloc:
        raise _wrong("Redis is used as one server, without failover, which may lose what was answered: that needs etcd")
    raise _wrong(f"it begins with {address.scheme or 'nothing'}:// and not as in {_EXAMPLE}")


def parts_of(address: SplitResult, default_port: int, settings: tuple[str, ...]) -> Parts:
    """Takes an address apart. It may name several hosts. Raises ConfigurationError, also for settings but these."""
    account, at, hosts = address.netloc.rpartition("@")
    user, colon, password = account.partition(":")
    given = dict(parse_qsl(address.query, keep_blank_values=True))
    unknown = [name for name in given if name not in settings]
    if unknown:
        raise _wrong(f"{unknown[0]!r} is no setting of it ({', '.join(settings) or 'it has none'})")
    if address.fragment:
        raise _wrong("'#' in a password is written %23")
    return Parts(
        tuple(_host(text, default_port) for text in hosts.split(",")),
        unquote(user) if at and user else None,
        unquote(password) if colon else None,
        given,
    )


def _host(text: str, default_port: int) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:/@]+)(?::(\d{1,5}))?", text)
    if found is None or not 0 < int(found[2] or default_port) < 65536:
        raise _wrong(f"{text!r} is not a host with its port, as in {_EXAMPLE}")
    return found[1].strip("[]"), int(found[2] or default_port)


def _etcd(address: SplitResult) -> Engine:
    from .etcd_engine import EtcdEngine

    secure = address.scheme == "etcds"
    parts = parts_of(address, ETCD_PORT, TLS_SETTINGS if secure else ())
    if address.path not in ("", "/"):
        raise _wrong(f"nothing follows the hosts, and not {address.path!r}")
    if (parts.user is None) != (parts.password is None):
        raise _wrong("a user of etcd has a password: etcd://user:password@host")
    try:
        return EtcdEngine.reached_by(parts.hosts, parts.user, parts.password, parts.settings if secure else None)
    except (OSError, ValueError) as error:  # ssl's are among the former
        raise _wrong(f"its certificates cannot be used: {error}") from error


def _redis(address: SplitResult) -> Engine:
    try:
        from .redis_engine import RedisEngine
    except ImportError as error:
        raise _wrong("Redis needs the extra `cluster`: pip install 'pos-notif[cluster]'") from error
    from .redis_connection import RedisAddress

    secure = address.scheme == "rediss"
    parts = parts_of(address, REDIS_PORT, TLS_SETTINGS if secure else ())
    database = address.path.strip("/") or "0"
    if not (database.isascii() and database.isdigit()):
        raise _wrong(f"{database!r} is not the number of a database of Redis")
    [(host, port)] = parts.hosts
    return RedisEngine(
        RedisAddress(host, port, parts.user, parts.password, int(database), secure, **parts.settings)
    )  # fmt: skip


def _wrong(problem: str) -> ConfigurationError:
    return ConfigurationError(f"{SETTING}: {problem}")
