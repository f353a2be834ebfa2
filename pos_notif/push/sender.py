"""Sends messages to devices: one after the other for each, until it is taken, refused, or too late.

Between two devices nothing waits but for the requests of one push service, of which few run at a time: one that hangs
holds up its own devices alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from ..clock import Clocks, SteadyMs
from ..push_settings import WEBPUSH
from .devices import MOST_FAILURES, Device
from .tables import Change
from .telling import Message

logger = logging.getLogger("pos_notif")

FIRST_WAIT_SECONDS = 1.0
LAST_WAIT_SECONDS = 60.0
# By up to so much of it a wait is longer, at random: the phones of a push service that is down fail together, and would
# all be tried again at one moment each time.
SPREAD = 0.25
# Messages that wait for one device. Of more, the oldest is what nobody needs any more.
MOST_WAITING = 50
# Requests to one push service at a time.
_AT_A_TIME = 8
# What has come of a message, as `/metrics` counts it.
SENT, LATE, GONE, REFUSED, SEEN, CROWDED = RESULTS = ("sent", "late", "gone", "refused", "seen", "crowded")


class Answered(Protocol):
    @property
    def status(self) -> int | None: ...

    @property
    def retry_after(self) -> float | None: ...


class Stored(Protocol):
    """Where the sender is told and asked of what is stored."""

    async def current(self, device: Device) -> Device | None:
        """Returns the device as it is now, or None where it is to be rung no more."""

    async def save(self, change: Change) -> None:
        """Notes what has come of a message: durable when this returns."""


Post = Callable[[Device, Message, int], Awaitable[Answered]]


@dataclass(slots=True)
class Delivery:
    """A message on its way to one device. After `until` nobody needs it; `finished()` is called once, at its end."""

    device: Device
    message: Message
    until: SteadyMs
    finished: Callable[[], None]


@dataclass(slots=True)
class _Line:
    waiting: deque[Delivery] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Sender:
    """`counts` are by "via result". Close it before what it posts with."""

    def __init__(self, clocks: Clocks, post: Post, stored: Stored, counts: Counter[str]) -> None:
        self._clocks = clocks
        self._post = post
        self._stored = stored
        self._counts = counts
        self._lines: dict[tuple[str, int], _Line] = {}
        self._hosts: dict[str, asyncio.Semaphore] = {}

    async def close(self) -> None:
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lines.clear()

    @property
    def queued(self) -> int:
        """Returns how many messages wait or are being sent."""
        return sum(len(line.waiting) + 1 for line in self._lines.values())

    def put(self, delivery: Delivery) -> None:
        """Takes a message for a device. Those before it go first."""
        key = delivery.device.key
        line = self._lines.setdefault(key, _Line())
        if len(line.waiting) >= MOST_WAITING:
            dropped = line.waiting.popleft()
            self.count(dropped.device.via, CROWDED)
            dropped.finished()
        line.waiting.append(delivery)
        if line.task is None:
            line.task = asyncio.get_running_loop().create_task(self._run(key, line), name="push-device")

    def count(self, via: str, result: str) -> None:
        self._counts[f"{via} {result}"] += 1

    async def _run(self, key: tuple[str, int], line: _Line) -> None:
        try:
            while line.waiting:
                delivery = line.waiting.popleft()
                try:
                    await self._send(delivery)
                except Exception:  # of one message; the device's others must go on
                    logger.exception("a phone's notification failed")
                delivery.finished()
        finally:
            if self._lines.get(key) is line:
                del self._lines[key]

    async def _send(self, delivery: Delivery) -> None:
        message, wait, status = delivery.message, FIRST_WAIT_SECONDS, None
        while True:
            left = (delivery.until - self._clocks.steady()) / 1000
            device = await self._stored.current(delivery.device)
            if device is None or device.is_off or device.user_id != delivery.device.user_id:
                return
            if message.event_id is not None and device.done_id >= message.event_id:
                return  # another node has done it, which leads since this one was frozen or cut off
            if left <= 0:
                await self._end(device, message, LATE, _late(status))
                return
            answer = await self._post_in_turn(device, message, max(1, int(left)))
            status = answer.status
            result = _result(status, device.via)
            if result is not None:
                await self._end(device, message, result, _refusal(status, device) if result == REFUSED else None)
                return
            pause = max(wait, answer.retry_after or 0.0) + random.uniform(0, SPREAD * wait)
            wait = min(LAST_WAIT_SECONDS, wait * 2)
            left = (delivery.until - self._clocks.steady()) / 1000
            await asyncio.sleep(max(0.0, min(pause, left)))

    async def _post_in_turn(self, device: Device, message: Message, ttl_seconds: int) -> Answered:
        if len(self._hosts) > 1000:
            self._hosts = {host: turn for host, turn in self._hosts.items() if turn.locked()}
        async with self._hosts.setdefault(device.host, asyncio.Semaphore(_AT_A_TIME)):
            return await self._post(device, message, ttl_seconds)

    async def _end(self, device: Device, message: Message, result: str, error: str | None) -> None:
        self.count(device.via, result)
        failures = device.failures + 1 if result == REFUSED else 0 if result == SENT else device.failures
        sent_ms = self._clocks.wall() if result == SENT else None
        gone = result == GONE
        await self._stored.save(Change(device.via, device.id, message.event_id, sent_ms, failures, error, gone))


def _result(status: int | None, via: str) -> str | None:
    """Returns what an answer means; None is to be tried again. A topic is gone only with its user."""
    if status is None or status == 429 or status >= 500:
        return None
    if status < 300:
        return SENT
    return GONE if status in (404, 410) and via == WEBPUSH else REFUSED


def _refusal(status: int | None, device: Device) -> str:
    off = f" Apagado: {MOST_FAILURES} rechazos seguidos." if device.failures + 1 >= MOST_FAILURES else ""
    return f"El servicio de avisos rechazó el mensaje ({status}).{off}"


def _late(status: int | None) -> str:
    why = "no respondió" if status is None else f"respondió {status}"
    return f"Llegó tarde y no se envió: el servicio de avisos {why}."
