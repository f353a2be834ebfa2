"""The polling answer: the same read as the stream's, with another encoder. Nothing is taken away by it."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..events import MANAGERS
from ..log.event_log import Cursor, Page, Pruned
from ..log.tail import Waiter
from ..principal import Principal
from ..wire.json_text import dump
from .reader import Reader, Start

# An answer is one body: larger than a stream's pieces, small enough for an old tablet.
POLL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """`body` is the JSON answer; `cursor` is where the client goes on, `position` its id, and `tag` tells this answer
    from the next one. `more` says that it is to ask again at once, and `waited` that this answer took its time."""

    body: bytes
    cursor: str
    tag: str
    position: int
    reset: bool
    more: bool = False
    waited: bool = False


class Patience:
    """How long a poll waits for its first event: so many seconds from when it was made, or until it is ended. It is a
    `Connection` of its `principal`'s."""

    def __init__(self, seconds: float, principal: Principal | None = None) -> None:
        self.principal = principal
        self.waiter = Waiter()
        self.deadline = time.monotonic() + seconds
        self.ended = False

    @property
    def over(self) -> bool:
        return self.ended or time.monotonic() >= self.deadline

    def end(self, reason: str) -> None:
        self.ended = True
        self.waiter.wake()


async def poll(reader: Reader, cursor: str | None, *, limit: int, patience: Patience | None = None) -> PollAnswer:
    """Answers with everything after the cursor, at most `limit` events; without one, with those of the last 5 minutes.
    With `patience` it waits for the first event. Raises LogUnavailable."""
    reset: dict[str, Any] | None = None
    if cursor is None:
        page = await reader.recent(limit)
    else:
        start = await reader.start(cursor, allow_oldest=False)
        reset, page = start.reset, Page([], start.after, more=False)
        if reset is None:
            try:
                page = await reader.page(start.after, limit=limit, max_bytes=POLL_BYTES)
            except Pruned:
                start = reader.pruned(start.after)
                reset, page = start.reset, Page([], start.after, more=False)
    waits = patience is not None and not page.events and reset is None
    if patience is not None and waits:
        page = await _wait_for_page(reader, page, limit, patience)
    return replace(_answer(reader, page, reset), waited=waits)


def idle(reader: Reader, cursor: str) -> PollAnswer | None:
    """Answers where memory shows that nothing follows the cursor. Returns None where `poll` is to be asked."""
    log = reader.log
    parsed, bounds, backlog = Cursor.parse(cursor), log.bounds, log.config.max_backlog
    after = log.store.id_of(parsed) if parsed is not None else None
    if after is None or not bounds.oldest - 1 <= after <= bounds.newest:
        return None
    if backlog and bounds.newest - after > backlog:  # whose events these are has to be counted
        return None
    page = log.tail.page(after, reader.room, limit=1, orders=reader.orders)
    return None if page is None or page.events else _answer(reader, page, None)


async def _wait_for_page(reader: Reader, page: Page, limit: int, patience: Patience) -> Page:
    """Returns the first page after this empty one that has events, or the last one of the time."""
    log, waiter = reader.log, patience.waiter
    # What a client follows may be in any room.
    room = MANAGERS if reader.follows else reader.room
    log.tail.listen(waiter, room)
    read = partial(reader.page, limit=limit, max_bytes=POLL_BYTES)
    try:
        async with aclosing(reader.pages(page.examined, read, waiter=waiter, deadline=patience.deadline)) as pages:
            async for found in pages:
                if isinstance(found, Start):  # pruned while it waited: its next poll is told so
                    break
                page = found
                if page.events or patience.over or log.closing:
                    break
    finally:
        log.tail.forget(waiter, room)
    return page


def _answer(reader: Reader, page: Page, reset: dict[str, Any] | None) -> PollAnswer:
    log = reader.log
    cursor, away = log.cursor(page.examined), log.away()
    events = b",".join([reader.json_of(event) for event in page.events])
    rest: dict[str, Any] = {
        "total": len(page.events),
        "timestamp": log.now(),
        "cursor": cursor,
        "hay_mas": page.more,
        "siguiente_ms": 0 if page.more else int(log.config.poll_seconds * 1000),
        **away,
    }
    if reset is not None:
        rest["resincronizar"] = reset
    body = b'{"eventos":[%b],%b' % (events, dump(rest).encode()[1:])
    # Another one while the engine is away, so that who asks by it is told when that changes.
    tag = " ".join([cursor, *away.values()])
    return PollAnswer(body, cursor, tag, page.examined, reset is not None, page.more)
