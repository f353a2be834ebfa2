"""A TCP proxy between a program and a server, which a test has lose, hold back and delay what passes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

READ_BYTES = 65536
# For so long a server does not hear that who asked has gone, so that what was held back is done and not called off.
LINGER_SECONDS = 2.0


@dataclass
class _Link:
    """What the two directions of a connection tell each other."""

    holding: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """`with Proxy((host, port)) as proxy:` listens on `proxy.address` until the block ends.

    What is held back is kept in order and passes later, also where who sent it has gone meanwhile: as on a network that
    was cut and mended, or a server that was slow. Its methods may be called in any thread.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.delay_seconds = 0.0  # of each piece, in both directions
        # Is set while the answer that `hold_answer_of` asked for is held back: the server has done what it was asked.
        self.held = threading.Event()
        self._needle: bytes | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._call(self._begin())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def cut(self) -> None:
        """Nothing passes any more, in either direction, and nobody is told: a cable that is pulled."""
        self._set(self._requests.clear, self._answers.clear)

    def hold_answers(self) -> None:
        """The server gets what it is asked; its answers wait."""
        self._set(self._answers.clear)

    def hold_requests(self) -> None:
        self._set(self._requests.clear)

    def hold_answer_of(self, needle: bytes) -> None:
        """Holds back the answers on the connection of the next request in which these bytes stand, once. `held` tells
        when there is one."""
        self.held.clear()
        self._set(self._passing.clear)
        self._needle = needle

    def mend(self) -> None:
        """All passes again, first what was held back."""
        self._needle = None
        self._set(self._requests.set, self._answers.set, self._passing.set)
        self.held.clear()

    def drop(self) -> None:
        """Ends all connections, with what was held back."""
        self._call(self._drop())

    def refuse(self) -> None:
        """Ends all connections, and takes none until `accept`."""
        self._call(self._refuse())

    def accept(self) -> None:
        self._call(self._begin())

    # In the loop's thread

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _set(self, *changes: Callable[[], None]) -> None:
        async def change() -> None:
            for apply in changes:
                apply()

        self._call(change())

    async def _begin(self) -> None:
        if self._port == 0:
            self._requests, self._answers, self._passing = asyncio.Event(), asyncio.Event(), asyncio.Event()
            for gate in (self._requests, self._answers, self._passing):
                gate.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._link, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._drop()

    async def _drop(self) -> None:
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _end(self) -> None:
        await self._refuse()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # it was taken just before `refuse`, which did not find it among the links
            writer.transport.abort()
            return
        link = asyncio.current_task()
        assert link is not None
        self._links.add(link)
        upstream = None
        try:
            await self._requests.wait()
            their_reader, upstream = await asyncio.open_connection(*self.target)
            shared = _Link()
            answers = asyncio.ensure_future(self._pass_answers(their_reader, writer, shared))
            try:
                await asyncio.gather(self._pass_requests(reader, upstream, shared), answers)
            finally:
                answers.cancel()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links.discard(link)
            for end in (writer, upstream):
                if end is not None:
                    end.transport.abort()

    async def _pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shared: _Link) -> None:
        while data := await reader.read(READ_BYTES):
            if self._needle is not None and self._needle in data:
                self._needle = None
                shared.holding = True
            await self._requests.wait()
            await self._lag()
            shared.answered.clear()
            writer.write(data)
            await writer.drain()
        await self._requests.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(shared.answered.wait(), LINGER_SECONDS)
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shared: _Link) -> None:
        while data := await reader.read(READ_BYTES):
            shared.answered.set()
            if shared.holding:
                self.held.set()
                await self._passing.wait()
                shared.holding = False
            await self._answers.wait()
            await self._lag()
            writer.write(data)
            await writer.drain()
        await self._answers.wait()
        raise ConnectionAbortedError  # the server has ended it

    async def _lag(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
