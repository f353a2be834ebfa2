"""`WorkersBoard`: the board of a worker, which asks the parent over the pair of sockets that it was born with."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from ...board import Outcome, Tries
from ...errors import LogUnavailable
from .pair import Pair

BEAT_SECONDS = 1.0
# A parent that is stopped says nothing, and nobody knows for how long. It waits a second for the others itself.
ASK_SECONDS = 5.0
# A turn may be a frozen worker's, which is killed after 15 s.
TURN_SECONDS = 20.0


class WorkersBoard:
    """Make it in the running loop, and close it there. `on_end()` is called once the parent has gone."""

    same_machine = True

    def __init__(self, process: int, own: socket.socket, on_end: Callable[[], None]) -> None:
        self.process: int | None = process
        # Once it was told what the others have posted: who has posted nothing then has not begun, or has ended.
        self.known = False
        self._pair = Pair(own, self._handle, self._ended)
        self._on_end = on_end
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        # The number of the request by which each key's try was begun: of one key there is one at a time.
        self._tries: dict[str, int] = {}
        self._posted: dict[str, dict[int, bytes]] = defaultdict(dict)
        self._listeners: dict[str, list[Callable[[int, bytes | None], None]]] = defaultdict(list)
        self._makers: dict[str, Callable[[], bytes]] = {}
        self._beating = asyncio.get_running_loop().create_task(self._beat(), name="heartbeat")

    def close(self) -> None:
        self._beating.cancel()
        self._pair.close()

    def ready(self, has_users: bool) -> None:
        """Tells the parent that requests are answered."""
        self._pair.send("ready", has_users)

    async def _beat(self) -> None:
        while True:
            self._pair.send("alive")
            await asyncio.sleep(BEAT_SECONDS)

    def _ended(self) -> None:
        self.known = False
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LogUnavailable())
        self._on_end()

    def _handle(self, message: list[Any]) -> None:
        match message:
            case ["answer", number, value]:
                future = self._waiting.pop(number, None)
                if future is not None and not future.done():
                    future.set_result(value)
            case ["asked", number, name]:
                make = self._makers.get(name)
                self._pair.send("told", number, make() if make is not None else b"")
            case ["posted", process, name, value]:
                self._posted[name][process] = value
                self._tell(name, process, value)
            case ["joined"]:
                self.known = True
            case ["gone", process, left]:
                for name, value in left.items():
                    self._posted[name][0] = value
                for name, values in list(self._posted.items()):
                    if values.pop(process, None) is not None:
                        self._tell(name, process, None)

    def _tell(self, name: str, process: int, value: bytes | None) -> None:
        for call in self._listeners[name]:
            call(process, value)

    async def _answer_to(self, number: int, seconds: float) -> Any:
        if not self._pair.is_open:
            raise LogUnavailable
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise LogUnavailable from None
        finally:
            self._waiting.pop(number, None)

    async def begin_try(self, key: str, seconds: float, limit: int) -> Tries:
        number = next(self._numbers)
        self._pair.send("begin", number, key, seconds, limit)
        try:
            tries = Tries(*await self._answer_to(number, TURN_SECONDS))
        except (asyncio.CancelledError, LogUnavailable):
            self._pair.send("end", number, Outcome.NOT_MADE.value)
            raise
        if tries.may:
            self._tries[key] = number
        return tries

    def end_try(self, key: str, outcome: Outcome) -> None:
        self._pair.send("end", self._tries.pop(key), outcome.value)

    def post(self, name: str, value: bytes) -> None:
        self._pair.send("post", name, value)

    def posted(self, name: str) -> Mapping[int, bytes]:
        return self._posted[name]

    def on_post(self, name: str, call: Callable[[int, bytes | None], None]) -> None:
        self._listeners[name].append(call)
        for process, value in self._posted[name].items():
            call(process, value)

    def answer(self, name: str, make: Callable[[], bytes]) -> None:
        self._makers[name] = make

    async def ask(self, name: str) -> dict[int, bytes | None]:
        number = next(self._numbers)
        self._pair.send("ask", number, name)
        found: dict[int, bytes | None] = await self._answer_to(number, ASK_SECONDS)
        return found
