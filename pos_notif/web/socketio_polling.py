"""Engine.IO by plain HTTP: the requests of clients that poll, and the table of their sessions.

A session belongs to whoever knows its id, 120 random bits that only its client was told. It lives in a task of its own,
since each of its requests is over long before it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quart import Response, request

from ..socketio.engine import EngineSession, EngineSettings
from ..socketio.long_polling import ComeBack, LongPolling, Misused
from ..socketio.packets import TOO_BIG
from ..socketio.payloads import encode_payload
from .answers import json_answer

_HEADERS = {"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store"}
# What is binary stands in the payload as base64 in this version of the protocol.
_BINARY_BODY = "application/octet-stream"
OVER = {"code": 1, "message": "Session ID unknown"}
MISUSED = {"code": 3, "message": "Bad request"}
# What gives a session's life, by the headers of the request that it begins with.
Serve = Callable[[Any], Callable[[EngineSession], Awaitable[None]]]


class PollingSessions:
    """The sessions that began with a poll, by their ids."""

    def __init__(self, serve: Serve, settings: EngineSettings) -> None:
        self.serve = serve
        self.settings = settings
        self._sessions: dict[str, LongPolling] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, sid: str | None) -> LongPolling | None:
        session = self._sessions.get(sid) if sid else None
        return session if session is not None and session.is_known else None

    async def begin(self, headers: Any) -> Response:
        """Opens a session, and answers as its first poll."""
        polling = LongPolling(self.settings)
        self._sessions[polling.session.sid] = polling
        task = asyncio.get_running_loop().create_task(self._live(polling, headers), name="polling-session")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await self.poll(polling)

    async def _live(self, polling: LongPolling, headers: Any) -> None:
        try:
            await self.serve(headers)(polling.session)
        finally:
            await polling.forgotten()
            del self._sessions[polling.session.sid]

    async def poll(self, polling: LongPolling, stamp: str | None = None) -> Response:
        try:
            packets = await polling.poll(stamp)
        except Misused:
            return json_answer(MISUSED, 400)
        except ComeBack:
            return json_answer(OVER, 503)
        return _answer(encode_payload(packets))

    async def post(self, polling: LongPolling) -> Response:
        """Hands a body to the session, and answers when it has been handled: a flood waits in its own client."""
        try:
            with polling.posting():
                if request.mimetype == _BINARY_BODY:
                    polling.fail("binary body")
                body = await self._read(polling)
                if body is None:
                    return _answer("too big", 413, {"Connection": "close"})
                await polling.post(body)
        except Misused:
            return json_answer(MISUSED, 400)
        return _answer("ok")

    async def _read(self, polling: LongPolling) -> bytes | None:
        """Reads the request's body, which has as long to arrive as the answer to a ping. Returns None where it is
        larger than a payload may be, which is found out while it comes."""
        most = self.settings.max_payload
        if (request.content_length or 0) > most:
            return None
        body = bytearray()
        try:
            async with asyncio.timeout(self.settings.ping_timeout):
                async for part in request.body:
                    body += part
                    if len(body) > most:
                        return None
        except TimeoutError:
            polling.fail("body timeout", TOO_BIG)
        return bytes(body)

    async def close(self) -> None:
        """Ends what is left when the application stops to serve."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _answer(body: str | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers={**_HEADERS, **(headers or {})})
