"""The polling answer: the same read as the stream's, with another encoder. Nothing is taken away by it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..events import MANAGERS
from ..log.event_log import Cursor, Page, Pruned
from ..log.tail import Waiter
from ..wire.json_text import dump

if TYPE_CHECKING:
    from ..notifier import NotificadorPedidos, Reader

# An answer is one body: larger than a stream's pieces, small enough for an old tablet.
POLL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """`body` is the JSON answer; `cursor` is where the client goes on, `position` its id. `more`: it
    is to ask again at once; `waited`: this answer took its time."""

    body: bytes
    cursor: str
    position: int
    reset: bool
    more: bool = False
    waited: bool = False


async def poll(
    notifier: NotificadorPedidos,
    reader: Reader,
    cursor: str | None,
    *,
    limit: int,
    wait_seconds: float = 0.0,
) -> PollAnswer:
    """Everything after the cursor, at most `limit` events; without one, those of the last 5 minutes. Waits up to
    `wait_seconds` for the first event. Raises LogUnavailable."""
    reset: dict[str, Any] | None = None
    if cursor is None:
        page = await notifier.recent(reader, limit)
    else:
        start = await notifier.start(reader, cursor, allow_oldest=False)
        reset, page = start.reset, Page([], start.after, more=False)
        if reset is None:
            try:
                page = await notifier.page(reader, start.after, limit=limit, max_bytes=POLL_BYTES)
            except Pruned:
                reset = notifier.pruned(start.after).reset
                page = Page([], notifier.bounds.newest, more=False)
    waits = bool(wait_seconds) and not page.events and reset is None
    if waits:
        page = await _wait_for_page(notifier, reader, page.examined, limit, wait_seconds)
    return replace(_answer(notifier, reader, page, reset), waited=waits)


def idle(notifier: NotificadorPedidos, reader: Reader, cursor: str) -> PollAnswer | None:
    """The answer where memory shows that nothing follows the cursor; None: ask `poll`."""
    parsed, bounds, backlog = Cursor.parse(cursor), notifier.bounds, notifier.config.max_backlog
    if parsed is None or parsed.epoch != bounds.epoch or not bounds.oldest - 1 <= parsed.id <= bounds.newest:
        return None
    if backlog and bounds.newest - parsed.id > backlog:  # whose events these are has to be counted
        return None
    page = notifier.tail.page(parsed.id, reader.room, limit=1, orders=reader.orders)
    return None if page is None or page.events else _answer(notifier, reader, page, None)


async def _wait_for_page(
    notifier: NotificadorPedidos, reader: Reader, after: int, limit: int, wait_seconds: float
) -> Page:
    waiter = Waiter()
    # What a client follows may be in any room.
    room = MANAGERS if reader.follows else reader.room
    notifier.tail.listen(waiter, room)
    deadline = time.monotonic() + wait_seconds
    try:
        while True:
            waiter.clear()
            try:
                page = await notifier.page(reader, after, limit=limit, max_bytes=POLL_BYTES)
            except Pruned:  # while it waited: its next poll is told so
                return Page([], after, more=False)
            left = deadline - time.monotonic()
            if page.events or left <= 0 or notifier.closing:
                return page
            after = page.examined
            await waiter.wait(left)
    finally:
        notifier.tail.forget(waiter, room)


def _answer(notifier: NotificadorPedidos, reader: Reader, page: Page, reset: dict[str, Any] | None) -> PollAnswer:
    cursor = notifier.cursor(page.examined)
    events = b",".join([notifier.event_json(event, reader.kitchen) for event in page.events])
    rest: dict[str, Any] = {
        "total": len(page.events),
        "timestamp": notifier.now(),
        "cursor": cursor,
        "hay_mas": page.more,
        "siguiente_ms": 0 if page.more else int(notifier.config.poll_seconds * 1000),
    }
    if reset is not None:
        rest["resincronizar"] = reset
    body = b'{"eventos":[%b],%b' % (events, dump(rest).encode()[1:])
    return PollAnswer(body, cursor, page.examined, reset is not None, page.more)
