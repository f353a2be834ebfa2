"""One frozen configuration. `from_environment` is the only place that reads `os.environ`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import ConfigurationError


def _setting(default: Any, help_text: str) -> Any:
    """`help_text` says what it is and why the default is what it is; docs and `serve --help` show it."""
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Durations are in seconds unless the name says otherwise; 0 switches a limit off."""

    database: str = _setting("pos_notif.db", "SQLite file of the event log; made if it is not there.")
    host: str = _setting("127.0.0.1", "Address to listen on. Only this machine by default: the LAN is a decision.")
    port: int = _setting(5000, "Port to listen on; 0 takes a free one.")
    restaurant_name: str = _setting("Restaurante", "Name shown on the sign-in page.")
    timezone: str = _setting("America/El_Salvador", "The restaurant's zone: every time on the wire carries its offset.")
    origins: tuple[str, ...] = _setting(
        (),
        "Other origins whose pages may use the API with credentials (exact, comma separated). None by default.",
    )
    kitchen_hides: tuple[str, ...] = _setting(
        (), "More field names that the kitchen's copy leaves out (comma separated, a trailing * is a prefix)."
    )
    tax_rate: float = _setting(0.13, "Tax that is included in prices. El Salvador's IVA is 13 %.")
    heartbeat_seconds: float = _setting(
        15.0,
        "Silence after which a stream sends `latido`: below the 30 to 60 s after which proxies and NATs forget.",
    )
    stream_seconds: float = _setting(
        600.0,
        "A stream's longest life, times a random 0.8 to 1: spreads reconnects, and ends leaks in proxies.",
    )
    max_backlog: int = _setting(
        5000, "Events of its rooms after a cursor beyond which a snapshot is cheaper than a replay."
    )
    max_connections: int = _setting(
        5000, "Open connections; one more is told `ocupado`. 5,000 idle streams take about 200 MB."
    )
    session_hours: float = _setting(12.0, "A session's life: one long shift.")
    view_hours: float = _setting(24.0, "An order without an event for so long leaves the views; the log keeps it.")
    ready_minutes: float = _setting(30.0, "How long a ready order stays in the kitchen's view, to be recalled.")
    poll_seconds: float = _setting(3.0, "The pause that polling clients are told to make.")
    write_timeout_seconds: float = _setting(
        5.0, "A connection whose writes make no progress for so long is closed; it resumes by its cursor."
    )
    max_body_bytes: int = _setting(8 * 1024 * 1024, "Largest request body: 500 ordinary events are under 1 MB.")
    max_event_bytes: int = _setting(256 * 1024, "Largest event as it is sent.")
    tail_events: int = _setting(5000, "Newest events kept in memory, as many as a reader may be behind.")
    tail_bytes: int = _setting(16 * 1024 * 1024, "Memory for those events.")
    access_log: bool = _setting(True, "One JSON line on standard error for each request.")

    def __post_init__(self) -> None:
        for name in ("database", "host", "restaurant_name"):
            if not getattr(self, name):
                raise ConfigurationError(f"{env_name(name)}: must not be empty")
        if not 0 <= self.port <= 65535:
            raise ConfigurationError(f"{env_name('port')}: {self.port} is not a port (0 to 65535)")
        if not 0 <= self.tax_rate < 1:
            raise ConfigurationError(f"{env_name('tax_rate')}: {self.tax_rate} is not a rate (0 up to 1, e.g. 0.13)")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{env_name(name)}: must be more than 0")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise ConfigurationError(f"{env_name(name)}: must not be negative")
        for origin in self.origins:
            check_origin(origin)
        for name in self.kitchen_hides:
            if not re.fullmatch(r"[^*]+\*?", name):
                raise ConfigurationError(f"{env_name('kitchen_hides')}: {name!r} is not a field name or prefix*")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigurationError(f"{env_name('timezone')}: unknown zone {self.timezone!r}") from error

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


_POSITIVE = (
    "ready_minutes", "poll_seconds", "write_timeout_seconds", "max_body_bytes", "max_event_bytes", "tail_events",
    "tail_bytes",
)  # fmt: skip
_NOT_NEGATIVE = (
    "heartbeat_seconds", "stream_seconds", "session_hours", "view_hours", "max_backlog", "max_connections",
)  # fmt: skip


def check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
        raise ConfigurationError(
            f"{env_name('origins')}: {origin!r} is not an origin like https://pos.example (no path, no final slash)"
        )


def env_name(setting: str) -> str:
    return f"POS_NOTIF_{setting.upper()}"


def from_environment(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Config:
    """The configuration from `POS_NOTIF_…`; `overrides` that are not None win (the command line's options).

    Raises ConfigurationError, with the variable's name, for a value that cannot be read.
    """
    values: dict[str, Any] = {}
    for setting in fields(Config):
        text = environ.get(env_name(setting.name))
        if text is not None:
            values[setting.name] = parse_setting(setting.name, text)
    values.update({name: value for name, value in overrides.items() if value is not None})
    return Config(**values)


def unknown_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that look like ours and are no setting: most often a misspelt one, which would do nothing."""
    known = {env_name(setting.name) for setting in fields(Config)}
    return sorted(name for name in environ if name.startswith("POS_NOTIF_") and name not in known)


def parse_setting(name: str, text: str) -> Any:
    """A setting's value from its text, by the type of its default."""
    default = next(f.default for f in fields(Config) if f.name == name)
    parse: Callable[[str], Any] = type(default)
    if isinstance(default, bool):
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.lower() not in words:
            raise ConfigurationError(f"{env_name(name)}: {text!r} is neither true nor false")
        return words[text.lower()]
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        value = parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{env_name(name)}: {text!r} is not a number") from error
    if isinstance(value, float) and value != value:
        raise ConfigurationError(f"{env_name(name)}: {text!r} is not a number")
    return value
