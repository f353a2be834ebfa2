"""A sink that keeps what a stream writes. It can stop taking, as a slow client does, until it is flushed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pos_notif.delivery.fanout import Chunk


class CollectingSink:
    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.slow = False
        self.room = asyncio.Event()
        self.room.set()
        self.gone: Callable[[], None] = lambda: None

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode()

    async def send(self, body: bytes) -> None:
        await self.room.wait()
        self.chunks.append(body)

    def push(self, chunk: Chunk) -> bool:
        self.chunks.append(chunk.body)
        if self.slow:
            self.room.clear()
        return not self.slow

    async def flush(self) -> None:
        await self.room.wait()

    def on_close(self, call: Callable[[], None]) -> None:
        self.gone = call
