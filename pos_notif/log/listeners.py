"""Who is told of what the log has new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..principal import Owner
from .event_log import LoggedEvent


def _nothing(*_: Any) -> None:
    pass


@dataclass(frozen=True, slots=True)
class LogListeners:
    """Each is called in the loop, before the publisher is answered. `appended` hears what has become durable, in the
    log's order, other processes' events included, and `own` what was appended here. `epoch` hears, where a new epoch
    has begun, above which id the next events are; `subscriptions` all that there are, where another process has changed
    some. `accounts` is called where sessions, tokens or roles have ended."""

    appended: Callable[[list[LoggedEvent]], None] = _nothing
    own: Callable[[Sequence[LoggedEvent]], None] = _nothing
    epoch: Callable[[int], None] = _nothing
    subscriptions: Callable[[Iterable[tuple[Owner, int, int]]], None] = _nothing
    accounts: Callable[[], None] = _nothing


NO_LISTENERS = LogListeners()
