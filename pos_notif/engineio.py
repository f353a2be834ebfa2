"""An Engine.IO v4 session over one websocket (protocol document v4-current): open, heartbeat, messages, close.

The server pings; a client that does not answer in time is closed. What a client sends is read one message after the
other and no faster than it is handled, so that a flood waits in the client's own kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from .wire.json_text import dump
from .wire.socketio import (
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
TRANSPORT = "websocket"
CLOSE_SECONDS = 2.0
_NORMAL = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """In seconds and bytes. `messages_per_second` is how fast a client is read in the long run, `burst` how many
    messages may come at once before that: far above what a person does, far below what would hurt the others."""

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    max_payload: int = 64 * 1024
    messages_per_second: float = 50.0
    burst: int = 200


class Transport(Protocol):
    """A websocket that has been accepted."""

    async def receive(self) -> str | bytes: ...

    async def send(self, data: str | bytes) -> None:
        """Returns once the connection takes more."""

    async def close(self, code: int, reason: str) -> None: ...


class EngineSession:
    """`run` is its whole life."""

    def __init__(self, transport: Transport, settings: EngineSettings) -> None:
        self.settings = settings
        self.heard_at = time.monotonic()
        self._transport = transport
        self._sending = asyncio.Lock()
        self._reading = asyncio.timeout(None)
        self._closing: tuple[int, str] | None = None
        self._last_words: tuple[str | bytes, ...] = ()
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._allowance = float(settings.burst)
        self._allowed_at = self.heard_at

    async def run(self, on_message: Callable[[str | bytes], Awaitable[None]]) -> None:
        """Opens, hands each message's data to `on_message`, and closes the websocket at the end. `on_message` may
        raise BadPacket. Returns when the session is over; is cancelled where the client has gone."""
        try:
            async with self._reading:
                await self._open()
                await self._read(on_message)
        except BadPacket as error:
            self.close(error.code, error.reason)
        except Exception as error:
            if self._closing is None:  # else it is the TimeoutError by which `close` ends the reading
                logger.error("a websocket failed", exc_info=error)
                self.close(INTERNAL_ERROR, "")
        finally:
            await self._end()

    def close(self, code: int, reason: str, *last_words: str | bytes) -> None:
        """From anywhere: the session ends as soon as what is being sent has been taken, with a last message. The first
        reason stays."""
        if self._closing is None:
            self._closing = (code, reason)
            self._last_words = last_words
            with contextlib.suppress(RuntimeError):  # it has not begun, or is over
                self._reading.reschedule(0)

    async def send(self, *parts: str | bytes) -> None:
        """Messages' data, one after the other with nothing between them; nothing once the session is over."""
        await self._write(map(_message, parts))

    async def _write(self, messages: Iterable[str | bytes]) -> None:
        async with self._sending:
            for message in () if self._over else messages:
                await self._transport.send(message)

    async def _open(self) -> None:
        settings = self.settings
        handshake = {
            "sid": secrets.token_urlsafe(15),
            "upgrades": [],
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
            await self._slow_down()
            if _size(message) > self.settings.max_payload:
                raise BadPacket("message too big", TOO_BIG)
            if isinstance(message, bytes):
                await on_message(message)
            elif message[:1] == MESSAGE:
                await on_message(message[1:])
            elif message == PONG:
                self._await_ping()
            elif message == CLOSE:
                return self.close(_NORMAL, "")
            else:  # also a client's ping: in this version of the protocol the server pings
                raise BadPacket("unexpected packet")

    async def _slow_down(self) -> None:
        now, rate = self.heard_at, self.settings.messages_per_second
        self._allowance = min(self.settings.burst, self._allowance + (now - self._allowed_at) * rate) - 1
        self._allowed_at = now
        if self._allowance < 0:
            await asyncio.sleep(-self._allowance / rate)

    # Heartbeat

    def _await_ping(self) -> None:
        self._set_timer(self.settings.ping_interval, self._ping)

    def _ping(self) -> None:
        # Armed before it is sent: a client that reads nothing does not even take the ping.
        self._set_timer(self.settings.ping_timeout, self.close, PROTOCOL_ERROR, "ping timeout")
        task = asyncio.get_running_loop().create_task(self._write([PING]), name="ping")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._write(map(_message, self._last_words))
                async with self._sending:
                    self._over = True
                    await self._transport.close(*(self._closing or (_NORMAL, "")))
        self._over = True


def _message(data: str | bytes) -> str | bytes:
    return MESSAGE + data if isinstance(data, str) else data


def _size(message: str | bytes) -> int:
    """In bytes, as it travels."""
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
