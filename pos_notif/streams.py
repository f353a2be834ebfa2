"""The open streams: an SSE stream is a cursor, a waiter and what ends it. Knows no HTTP."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from .accounts import Accounts, Principal
from .errors import LogUnavailable
from .event_log import Pruned
from .notifier import NotificadorPedidos, Reader
from .presence import Presence
from .tail import Waiter
from .wire import sse
from .wire.json_text import dump

RETRY_MS = (2000, 5000)
RECONNECT_RETRY_MS = (100, 500)
RESTART_RETRY_MS = (500, 2500)
BUSY_RETRY_MS = 30_000
_NEVER = 10 * 365 * 24 * 3600.0

RESTART = "reinicio"
RECONNECT = "reconexion"
SESSION_ENDED = "sesion_terminada"
_END_RETRY = {RESTART: RESTART_RETRY_MS, RECONNECT: RECONNECT_RETRY_MS}


@dataclass(slots=True)
class Streams:
    """Those that are open. At most `max_connections` (0: no limit)."""

    notifier: NotificadorPedidos
    accounts: Accounts
    open: set[Stream] = field(default_factory=set)
    closing: bool = False
    _verifying: asyncio.Task[None] | None = None
    _verify_again: bool = False

    @property
    def full(self) -> bool:
        limit = self.notifier.config.max_connections
        return bool(limit) and len(self.open) >= limit

    def end_all(self, reason: str) -> None:
        self.closing = True
        for stream in self.open:
            stream.end(reason)

    def verify(self) -> None:
        """Ends the streams whose session or token is no more; soon, and in one query however many they are."""
        self._verify_again = True
        if self._verifying is None or self._verifying.done():
            self._verifying = asyncio.get_running_loop().create_task(self._verify(), name="verify-streams")

    async def _verify(self) -> None:
        while self._verify_again:
            self._verify_again = False
            try:
                living = await self.accounts.living()
            except LogUnavailable:
                return  # the watch asks again after the next commit; nobody can be revoked meanwhile
            for stream in self.open:
                principal = stream.principal
                if (principal.kind, principal.id, principal.role) not in living:
                    stream.end(SESSION_ENDED)

    async def close(self) -> None:
        if self._verifying is not None:
            await self._verifying


class Stream:
    """One reader's stream. `frames` is its whole life; closing that generator at any point leaves nothing behind."""

    __slots__ = ("_client", "_cursor", "_ending", "_notifier", "_reader", "_streams", "_waiter", "principal")

    def __init__(
        self, streams: Streams, reader: Reader, principal: Principal, cursor: str | None, client: str | None
    ) -> None:
        self.principal = principal
        self._streams = streams
        self._notifier = streams.notifier
        self._reader = reader
        self._cursor = cursor
        self._client = client
        self._waiter = Waiter()
        self._ending: str | None = None

    def end(self, reason: str) -> None:
        """The stream says why and ends, as soon as what it is writing has been taken."""
        self._ending = self._ending or reason
        self._waiter.wake()

    async def frames(self) -> AsyncGenerator[bytes]:
        if self._streams.full:
            yield sse.retry(BUSY_RETRY_MS) + self._note("ocupado")
            return
        if self._streams.closing:
            yield self._last_words(RESTART)
            return
        self._streams.open.add(self)
        self._notifier.tail.listen(self._waiter, self._reader.room)
        presence = self._notifier.directory.connect(
            user_id=self.principal.user_id, role=self.principal.role, username=self.principal.username,
            transport="sse", room=self._reader.room, client=self._client, position=self._notifier.bounds.newest,
        )  # fmt: skip
        # The session may have ended between the request's check and our entry.
        self._streams.verify()
        try:
            async for chunk in self._live(presence):
                yield chunk
        except LogUnavailable:
            return  # the client comes back by its cursor
        finally:
            self._streams.open.discard(self)
            self._notifier.tail.forget(self._waiter, self._reader.room)
            self._notifier.directory.disconnect(presence)

    async def _live(self, presence: Presence) -> AsyncGenerator[bytes]:
        notifier, reader, config = self._notifier, self._reader, self._notifier.config
        start = await notifier.start(reader, self._cursor)
        after = presence.position = start.after
        yield sse.PADDING + sse.retry(random.randint(*RETRY_MS)) + self._hello(start.after, start.reset)
        now = time.monotonic()
        lifetime = config.stream_seconds * random.uniform(0.8, 1.0) if config.stream_seconds else _NEVER
        ends_at, session_ends_at = now + lifetime, now + self._session_seconds()
        heartbeat = config.heartbeat_seconds or _NEVER
        beat_at = now + heartbeat
        while True:
            self._waiter.clear()
            try:
                chunk, after = await notifier.sse_page(reader, after)
            except Pruned:
                reset = notifier.pruned(after)
                chunk, after = self._resync(reset.reset or {}), reset.after
            now = time.monotonic()
            if chunk:
                yield chunk
                presence.position = after
                now = time.monotonic()
                presence.seen_ms = notifier.clock()
                beat_at = now + heartbeat
                # A write to a reader that is gone returns at once: without this, its replay would hold the loop.
                await asyncio.sleep(0)
                if self._ending is None and now < min(ends_at, session_ends_at):
                    continue
            presence.position = after
            if now >= session_ends_at:
                self.end(SESSION_ENDED)
            elif now >= ends_at:
                self.end(RECONNECT)
            if self._ending is not None:
                yield self._last_words(self._ending)
                return
            if now >= beat_at:
                yield self._heartbeat(after)
                presence.seen_ms = notifier.clock()
                beat_at = now + heartbeat
                continue
            await self._waiter.wait(min(beat_at, ends_at, session_ends_at) - now)

    def _session_seconds(self) -> float:
        expires = self.principal.expires_ms
        return _NEVER if expires is None else max(0.0, (expires - self._notifier.clock()) / 1000)

    def _hello(self, after: int, reset: dict[str, Any] | None) -> bytes:
        cursor = self._notifier.cursor(after) if reset is None else None
        data = {
            "cursor": cursor,
            "rol": self._reader.role,
            "salas": [self._reader.room],
            "hora_servidor": self._notifier.now(),
            "latido_ms": int(self._notifier.config.heartbeat_seconds * 1000),
        }
        hello = sse.frame("hola", dump(data).encode(), cursor)
        return hello if reset is None else hello + self._resync(reset)

    def _resync(self, reset: dict[str, Any]) -> bytes:
        return sse.frame("resincronizar", dump(reset).encode(), reset["cursor"])

    def _heartbeat(self, after: int) -> bytes:
        cursor = self._notifier.cursor(after)
        data = {"hora_servidor": self._notifier.now(), "cursor": cursor}
        return sse.frame("latido", dump(data).encode(), cursor)

    def _last_words(self, reason: str) -> bytes:
        retry = _END_RETRY.get(reason)
        return (sse.retry(random.randint(*retry)) if retry else b"") + self._note(reason)

    def _note(self, event: str) -> bytes:
        return sse.frame(event, dump({"hora_servidor": self._notifier.now()}).encode())
