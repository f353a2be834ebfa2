"""An Engine.IO v4 session (protocol document v4-current): open, heartbeat, messages, close. It goes over a websocket,
or over polls (`long_polling.py`).

The server pings; a client that does not answer in time is closed. What a client sends is read one message after the
other and no faster than it is handled, so that a flood waits in the client's own kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..wire.json_text import dump
from .packets import (
    CLOSE,
    INTERNAL_ERROR,
    MESSAGE,
    OPEN,
    PING,
    PONG,
    PROTOCOL_ERROR,
    TOO_BIG,
    BadPacket,
)

logger = logging.getLogger("pos_notif")

PROTOCOL = "4"
WEBSOCKET = "websocket"
# A session that has ended is off its socket within a second: who has not taken its last words by then is cut.
CLOSE_SECONDS = 0.75
# A message of so many bytes counts as two.
COUNTED_BYTES = 16 * 1024
NORMAL = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What a session allows, in seconds and bytes. `messages_per_second` is how fast a client is read in the long run,
    `burst` how many messages may come at once before that: far above what a person does, far below what would hurt the
    others. The ids of sessions begin with `sid_prefix`."""

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    max_payload: int = 64 * 1024
    messages_per_second: float = 50.0
    burst: int = 200
    sid_prefix: str = ""


class Transport(Protocol):
    """A websocket that has been accepted, or polls in its place."""

    @property
    def name(self) -> str:
        """Returns what Engine.IO calls the transport."""

    async def receive(self) -> str | bytes:
        """Returns the client's next message. Raises ClientGone behind the last one of a client that has closed."""

    async def room(self, size: int) -> None:
        """Returns once there is room for a message of about so many bytes."""

    async def send(self, data: str | bytes) -> None:
        """Returns once the connection takes more."""

    def forget_unsent(self) -> None:
        """Drops what waits for the client to ask for it: what follows are the session's last words."""

    async def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None:
        """Cuts a connection that takes nothing."""


class ClientGone(Exception):
    """The client has closed, or its connection has failed."""


class EngineSession:
    """One client's session: `run` is its whole life. `upgrades` are the transports that its client may change to."""

    def __init__(self, transport: Transport, settings: EngineSettings, upgrades: Sequence[str] = ()) -> None:
        self.sid = settings.sid_prefix + secrets.token_urlsafe(15)
        self.settings = settings
        self.ended = asyncio.Event()
        self.heard_at = time.monotonic()
        self._transport = transport
        self._tell_upgrade: Callable[[], None] = lambda: None
        self._upgrades = upgrades
        self._sending = asyncio.Lock()
        self._reading = asyncio.timeout(None)
        self._closing: tuple[int, str] | None = None
        self._last_words: tuple[str | bytes, ...] = ()
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._slowed = False
        self._allowance = float(settings.burst)
        self._allowed_at = self.heard_at

    async def run(self, on_message: Callable[[str | bytes], Awaitable[None]]) -> None:
        """Opens, hands each message's data to `on_message`, and closes the websocket at the end. `on_message` may
        raise BadPacket. Returns when the session is over."""
        try:
            async with self._reading:
                await self._open()
                await self._read(on_message)
        except BadPacket as error:
            self.close(error.code, error.reason)
        except ClientGone:
            pass
        except Exception as error:
            # `close` ends the reading by a TimeoutError.
            if self._closing is None or not isinstance(error, TimeoutError):
                logger.error("a client's session failed", exc_info=error)
                self.close(INTERNAL_ERROR, "")
        finally:
            await self._end()
            self.ended.set()

    @property
    def transport(self) -> str:
        return self._transport.name

    def upgraded(self) -> None:
        """Is called when the client has changed to another transport, and tells whom `on_upgrade` named."""
        self._tell_upgrade()

    def on_upgrade(self, call: Callable[[], None]) -> None:
        """Has `call()` made when the client has changed to another transport. There is nobody to be told before the
        client has asked for its events, so it is not among what a session begins with."""
        self._tell_upgrade = call

    @property
    def is_ending(self) -> bool:
        return self._closing is not None

    @property
    def has_last_words(self) -> bool:
        return bool(self._last_words)

    def close(self, code: int, reason: str, *last_words: str | bytes) -> None:
        """Ends the session as soon as what is being sent has been taken, with `last_words` as its last messages. It may
        be called from anywhere; the first reason stays."""
        if self._closing is None:
            self._closing = (code, reason)
            self._last_words = last_words
            with contextlib.suppress(RuntimeError):  # it has not begun, or is over
                self._reading.reschedule(0)

    async def room(self, size: int) -> None:
        """Returns once there is room for so many bytes: who makes a large message only then holds none that waits."""
        await self._transport.room(size)

    async def send(self, *parts: str | bytes) -> None:
        """Sends messages' data, one after the other with nothing between them, and nothing once the session is over."""
        await self._write(map(_message, parts))

    async def _write(self, messages: Iterable[str | bytes]) -> None:
        async with self._sending:
            for message in () if self._over else messages:
                await self._transport.send(message)

    async def _open(self) -> None:
        settings = self.settings
        handshake = {
            "sid": self.sid,
            "upgrades": list(self._upgrades),
            "pingInterval": round(settings.ping_interval * 1000),
            "pingTimeout": round(settings.ping_timeout * 1000),
            "maxPayload": settings.max_payload,
        }
        await self._write([OPEN + dump(handshake)])
        self._await_ping()

    async def _read(self, on_message: Callable[[str | bytes], Awaitable[None]]) -> None:
        while self._closing is None:
            message = await self._transport.receive()
            self.heard_at = time.monotonic()
            size = _size(message)
            await self._slow_down(1 + size / COUNTED_BYTES)
            if size > self.settings.max_payload:
                raise BadPacket("message too big", TOO_BIG)
            if isinstance(message, bytes):
                await on_message(message)
            elif message[:1] == MESSAGE:
                await on_message(message[1:])
            elif message == PONG:
                self._await_ping()
            elif message == CLOSE:
                return self.close(NORMAL, "")
            else:  # also a client's ping: in this version of the protocol the server pings
                raise BadPacket("unexpected packet")

    async def _slow_down(self, cost: float) -> None:
        now, rate = self.heard_at, self.settings.messages_per_second
        self._allowance = min(self.settings.burst, self._allowance + (now - self._allowed_at) * rate) - cost
        self._allowed_at = now
        self._slowed = self._allowance < 0
        if self._slowed:
            await asyncio.sleep(-self._allowance / rate)

    # Heartbeat

    def _await_ping(self) -> None:
        self._set_timer(self.settings.ping_interval, self._ping)

    def _ping(self) -> None:
        # Armed before it is sent: a client that reads nothing does not even take the ping.
        self._set_timer(self.settings.ping_timeout, self._expire)
        task = asyncio.get_running_loop().create_task(self._write([PING]), name="ping")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _expire(self) -> None:
        if self._slowed:  # its answer may wait behind what we have yet to read
            self._set_timer(self.settings.ping_timeout, self._expire)
        else:
            self.close(PROTOCOL_ERROR, "ping timeout")

    def _set_timer(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, call, *arguments)

    async def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(CLOSE_SECONDS), self._sending:
                self._over = True
                self._transport.forget_unsent()
                for words in self._last_words:
                    await self._transport.send(_message(words))
                await self._transport.close(*(self._closing or (NORMAL, "")))
        except (TimeoutError, OSError):
            self._over = True
            self._transport.abort()


def _message(data: str | bytes) -> str | bytes:
    return MESSAGE + data if isinstance(data, str) else data


def _size(message: str | bytes) -> int:
    """Returns how many bytes the message has as it travels."""
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
