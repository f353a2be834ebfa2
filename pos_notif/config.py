"""One frozen configuration. No other module reads `os.environ`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .alarm_hours import ALWAYS, Shift, parse_shift
from .errors import ConfigurationError
from .push_settings import PUSH_CHECKS, PUSH_HOSTS, WEBPUSH

_DAY = 24 * 3600
_TEN_YEARS_HOURS = 10 * 366 * 24
SERVERS = ("hypercorn", "uvicorn")
# Each takes 40 MB, and they take turns to write.
MAX_WORKERS = 64
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Schemes of which no page is: browsers say `null` for its origin, or never send one.
_NO_PAGES = ("about", "blob", "data", "file", "ftp", "javascript", "ws", "wss")


def _setting(default: Any, help_text: str, limits: tuple[float, float] | None = None, *, secret: bool = False) -> Any:
    """Makes a field of the configuration. `help_text` says what it is and why the default is what it is; docs and
    `serve --help` show it. The `limits` of a number include both ends; the upper one is far beyond sense, and keeps
    arithmetic from overflowing. A `secret` is no part of how a configuration is shown."""
    return field(default=default, repr=not secret, metadata={"help": help_text, "limits": limits})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Durations are in seconds unless the name says otherwise; 0 switches a limit off."""

    database: str = _setting("pos_notif.db", "SQLite file of the event log; made if it is not there.")
    host: str = _setting("127.0.0.1", "Address to listen on. Only this machine by default: the LAN is a decision.")
    port: int = _setting(5000, "Port to listen on; 0 takes a free one.", (0, 65535))
    certfile: str = _setting("", "Certificate chain (PEM) for HTTPS. Without one the service speaks plain HTTP.")
    keyfile: str = _setting("", "The certificate's private key (PEM, no passphrase). None: it stands in the same file.")
    restaurant_name: str = _setting("Restaurante", "Name shown on the sign-in page.")
    login_names: bool = _setting(
        False,
        "Show everybody's name on the sign-in page. false: those who have signed in on the device, since whoever "
        "reaches the page reads them.",
    )
    pwa: bool = _setting(
        True,
        "Pages can be installed and show their last board without a connection. false: they forget all of it, and no "
        "phone shows notifications by the service worker.",
    )
    timezone: str = _setting("America/El_Salvador", "The restaurant's zone: every time on the wire carries its offset.")
    origins: tuple[str, ...] = _setting(
        (),
        "Other origins whose pages may use the API with credentials (exact, comma separated).",
    )
    kitchen_hides: tuple[str, ...] = _setting(
        (), "More field names that the kitchen's copy leaves out (comma separated, a trailing * is a prefix)."
    )
    tax_rate: float = _setting(
        0.13, "Tax that is included in prices, e.g. 0.13. El Salvador's IVA is 13 %.", (0, 0.9999)
    )
    heartbeat_seconds: float = _setting(
        15.0,
        "Silence after which a stream sends `latido`: below the 30 to 60 s after which proxies and NATs forget."
        " 0: none.",
        (0, _DAY),
    )
    stream_seconds: float = _setting(
        600.0,
        "A stream's longest life, times a random 0.8 to 1: spreads reconnects, and ends leaks in proxies. 0: no limit.",
        (0, 365 * _DAY),
    )
    max_backlog: int = _setting(
        5000,
        "Events of its rooms after a cursor beyond which a snapshot is cheaper than a replay. 0: no limit.",
        (0, 10**9),
    )
    max_connections: int = _setting(
        5000,
        "Open streams and sockets (a page has one of each); one stream more is told `ocupado`. 5,000 take 200 MB."
        " 0: no limit.",
        (0, 10**6),
    )
    session_hours: float = _setting(12.0, "A session's life: one long shift. 0: for ever.", (0, _TEN_YEARS_HOURS))
    view_hours: float = _setting(
        24.0,
        "An order without an event for so long leaves the views; the log keeps it. 0: no limit.",
        (0, _TEN_YEARS_HOURS),
    )
    ready_minutes: float = _setting(
        30.0, "How long a ready order stays in the kitchen's view, to be recalled.", (0.001, 7 * 24 * 60)
    )
    warn_minutes: float = _setting(8.0, "An order that is not ready after so long is marked: hurry.", (0.001, 24 * 60))
    late_minutes: float = _setting(
        15.0, "An order that is not ready after so long is late, on the screens and in the figures.", (0.001, 24 * 60)
    )
    kitchen_start: bool = _setting(
        True,
        "The kitchen taps INICIAR, then LISTO: cooking is measured apart from waiting. false: LISTO alone, and only "
        "the whole time is measured.",
    )
    keep_days: float = _setting(
        0.0,
        "Days of events to keep; older ones are pruned at a start and after 04:00. 0: all. Only you know how many.",
        (0, 36600),
    )
    ack_seconds: float = _setting(
        20.0,
        "An order that no kitchen screen has had in sight after so long raises `sin_acuse`: a board shows by itself, "
        "one after the other, what came below its fold. 0: never.",
        (0, 3600),
    )
    screen_seconds: float = _setting(
        30.0,
        "A room without a screen for so long raises `sin_pantalla`: longer than a reload or a restart. 0: never.",
        (0, 3600),
    )
    shift: str = _setting(ALWAYS, "The hours of alarms, e.g. 11:00-23:00 or 18:00-02:00, in the restaurant's zone.")
    poll_seconds: float = _setting(3.0, "The pause that polling clients are told to make.", (0.01, 3600))
    poll_rate: float = _setting(
        1.0,
        "Polls a second and client, after 30 at once. Free after `hay_mas` and a wait by `espera`. 0: no limit.",
        (0, 10**6),
    )
    socket_polling: bool = _setting(
        True, "Socket.IO clients may begin by long-polling, as they do by default; false: they need a websocket."
    )
    publish_rate: float = _setting(
        0.0, "Events a second and publisher (token or user). 0, no limit: the POS is trusted.", (0, 10**6)
    )
    write_timeout_seconds: float = _setting(
        5.0, "A connection whose writes make no progress for so long is closed; it resumes by its cursor.", (0.01, 3600)
    )
    max_body_bytes: int = _setting(
        8 * 1024 * 1024, "Largest request body: 500 ordinary events are under 1 MB.", (1024, 1024**3)
    )
    max_event_bytes: int = _setting(256 * 1024, "Largest event as it is sent.", (1024, 1024**3))
    tail_events: int = _setting(5000, "Newest events kept in memory, as many as a reader may be behind.", (1, 10**7))
    tail_bytes: int = _setting(16 * 1024 * 1024, "Memory for those events.", (1024, 1024**4))
    fast_streams: bool = _setting(
        True, "Write streams to the connection itself where the server allows it; false: plain ASGI everywhere."
    )
    server: str = _setting(
        "hypercorn", "hypercorn, or uvicorn where the extra `uvicorn` is installed: plain ASGI, slower streams."
    )
    workers: str = _setting(
        "1", "Processes that serve the log together, on Linux with hypercorn; auto: as many as there are cores."
    )
    cluster: str = _setting(
        "",
        "Engine that orders the transactions of several nodes: etcd://a:2379,b:2379 or redis://host:6379"
        " (docs/cluster.md). None: the log is this file alone.",
    )
    node: str = _setting("", "This node's name in the cluster. None: as its file says.")
    node_url: str = _setting(
        "",
        "Where the cluster's other nodes reach this one, e.g. http://10.0.0.2:5000. None: where it listens, or by which"
        " address it reaches its engine.",
    )
    push: tuple[str, ...] = _setting(
        (), "How phones are rung with the browser closed: webpush, ntfy, or both; needs the extra `push`. None: not."
    )
    push_contact: str = _setting(
        "", "Whom push services write to: mailto: or https: at a public domain, or Apple refuses. webpush needs it."
    )
    push_detail: str = _setting(
        "minimo", "minimo (`Mesa 5: listo`), or completo, with the dishes: everybody reads a locked screen."
    )
    push_hosts: tuple[str, ...] = _setting(
        PUSH_HOSTS,
        "Push services that a browser may name (*.x: any host below x; x:8443: at that port, and not at 443): nothing"
        " else is ever called.",
    )
    push_wait_seconds: float = _setting(
        4.0, "How long a phone waits: a page in sight that rings meanwhile says so, and then no phone need.", (0, 60)
    )
    push_stock: bool = _setting(False, "Tell managers' phones too what has run out: there may be much of it.")
    ntfy_url: str = _setting("", "The ntfy server, as phones reach it: http://192.168.1.10:8080. ntfy needs it.")
    ntfy_token: str = _setting(
        "", "The token with which that server lets us publish. None: it asks for none.", secret=True
    )
    access_log: bool = _setting(True, "One JSON line on standard error for each request.")

    def __post_init__(self) -> None:
        for setting in fields(self):
            check_setting(setting.name, getattr(self, setting.name))
        for way, needed in (("webpush", "push_contact"), ("ntfy", "ntfy_url")):
            if way in self.push and not getattr(self, needed):
                raise ConfigurationError(f"{env_name(needed)}: {way} in {env_name('push')} needs it")

    @property
    def push_ways(self) -> tuple[str, ...]:
        """Returns how phones are rung. What rings a browser is a service worker, which there is none of without
        installed pages: then no page asks for it in vain."""
        return tuple(way for way in self.push if way != WEBPUSH or self.pwa)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def worker_count(self) -> int:
        return len(os.sched_getaffinity(0)) if self.workers == "auto" else int(self.workers)

    @property
    def alarm_hours(self) -> Shift:
        hours = parse_shift(self.shift)
        assert hours is not None  # it was checked
        return hours


def check_setting(name: str, value: Any) -> None:
    """Raises ConfigurationError, with the variable's name, for a value that cannot be used."""
    problem = None
    limits = _FIELDS[name].metadata["limits"]
    if limits is not None:
        if not limits[0] <= value <= limits[1]:  # so that NaN is refused too
            problem = f"{value} is not within {limits[0]:,} and {limits[1]:,}"
        elif name == "keep_days" and 0 < value < 1:
            problem = f"{value} is less than a day; 0 keeps all"
    elif name == "origins":
        problem = next(filter(None, map(_origin_problem, value)), None)
    elif name == "kitchen_hides":
        wrong = [part for part in value if not re.fullmatch(r"[^*]+\*?", part)]
        problem = f"{wrong[0]!r} is not a field name or prefix*" if wrong else None
    elif name == "server":
        problem = None if value in SERVERS else f"{value!r} is neither of {', '.join(SERVERS)}"
    elif name == "workers":
        known = value == "auto" or (value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_WORKERS)
        problem = None if known else f"{value!r} is neither auto nor a number from 1 to {MAX_WORKERS}"
    elif name == "shift":
        problem = None if parse_shift(value) else f"{value!r} is neither always nor hours like 11:00-23:00"
    elif name in PUSH_CHECKS:
        problem = PUSH_CHECKS[name](value)
    elif name == "timezone":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            problem = f"unknown zone {value!r}"
    elif isinstance(value, str) and ("\0" in value or (not value.strip() and (value or _FIELDS[name].default))):
        problem = "must not be empty"
    if problem:
        raise ConfigurationError(f"{env_name(name)}: {problem}")


def _origin_problem(origin: str) -> str | None:
    """Says what is wrong with an origin, or None. Browsers send one in one spelling; another would never match. Pages
    of an app in its own web view have a scheme of their own."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return f"{origin!r} is not an origin like https://pos.example"
    none = parts.scheme in ("", *_NO_PAGES)
    if none or not parts.hostname or set("@*") & set(origin) or not re.fullmatch("[!-~]+", origin):
        return f"{origin!r} is not an origin like https://pos.example or capacitor://localhost (ASCII; not null, not *)"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    sent = f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _DEFAULT_PORTS.get(parts.scheme)) else "")
    return None if origin == sent else f"{origin!r} is not what browsers send: {sent}"


_FIELDS = {setting.name: setting for setting in fields(Config)}


def env_name(setting: str) -> str:
    return f"POS_NOTIF_{setting.upper()}"


def from_environment(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Config:
    """Reads the configuration from `POS_NOTIF_…`; `overrides` that are not None win (the command line's options).

    Raises ConfigurationError, with the variable's name, for a value that cannot be read.
    """
    values = {name: value for name, value in overrides.items() if value is not None}
    for name in _FIELDS:
        text = environ.get(env_name(name))
        if text is not None and name not in values:
            values[name] = parse_setting(name, text)
    return Config(**values)


def unknown_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Returns the variables that look like ours and are no setting: most often a misspelt one, which would do
    nothing."""
    known = set(map(env_name, _FIELDS))
    return sorted(name for name in environ if name.startswith("POS_NOTIF_") and name not in known)


def parse_setting(name: str, text: str) -> Any:
    """Reads a setting's value from its text, by the type of its default. Raises ConfigurationError."""
    default = _FIELDS[name].default
    value: Any
    if isinstance(default, bool):
        value = _WORDS.get(text.strip().lower())
        if value is None:
            raise ConfigurationError(f"{env_name(name)}: {text!r} is neither true nor false")
    elif isinstance(default, tuple):
        value = tuple(part.strip() for part in text.split(",") if part.strip())
    elif isinstance(default, str):
        value = text
    else:
        whole = isinstance(default, int)
        try:
            value = int(text) if whole else float(text)
        except ValueError as error:
            kind = "a whole number" if whole else "a number"
            raise ConfigurationError(f"{env_name(name)}: {text[:40]!r} is not {kind}") from error
    check_setting(name, value)
    return value


_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
