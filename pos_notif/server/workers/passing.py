"""Requests of long-polling sockets that reach another worker than the one that their session lives in.

Such a session's id begins with its worker's number. A request that names another worker's is passed to it, and its
answer back: waiting polls, bodies and the change to a websocket alike. What is passed is ASGI, over a pair of sockets
of which one end is handed to the other worker for each request; so a TLS connection or one that is kept alive needs no
thought, no balancer in front needs to know, and no path is to be guarded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

logger = logging.getLogger("pos_notif")

_PATHS = ("/socket.io", "/socket.io/")
_SID = re.compile(rb"(?:^|&)sid=([0-9]{1,2})\.")
# Those of a request's facts that can be passed; the connection itself cannot.
_PASSED = (
    "type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "headers",
    "client", "server", "subprotocols",
)  # fmt: skip
_REFUSABLE = "websocket.http.response"
_LENGTH_BYTES = 4
_READ_BYTES = 64 * 1024
_GONE = b'{"code": 1, "message": "Session ID unknown"}'


class Passing:
    """An application that passes on what is another worker's, and takes what others pass to it. `taken` is where it is
    handed their ends, `others` by number where it hands over its own."""

    def __init__(
        self, application: Application, number: int, taken: socket.socket, others: Mapping[int, socket.socket]
    ) -> None:
        self._application = application
        self._number = number
        self._taken = taken
        self._others = others
        self._tasks: set[asyncio.Task[None]] = set()
        for each in (taken, *others.values()):
            each.setblocking(False)

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._taken, self._take)

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._taken)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        number = _worker_of(scope)
        if number is None or number == self._number or number not in self._others:
            await self._application(scope, receive, send)
        elif not await self._pass(number, scope, receive, send):
            await _refuse(scope["type"], send)

    # Passing on

    async def _pass(self, number: int, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> bool:
        """Tells whether the other worker has begun to answer."""
        own, its = socket.socketpair()
        with its:
            try:
                socket.send_fds(self._others[number], [b"\0"], [its.fileno()])
            except OSError:  # it has not taken those before
                own.close()
                return False
        reader, writer = await asyncio.open_connection(sock=own)
        passed = {name: scope[name] for name in _PASSED if name in scope}
        passed["extensions"] = {name: {} for name in (_REFUSABLE,) if name in scope.get("extensions", {})}
        _write(writer, passed)
        asking = asyncio.get_running_loop().create_task(_send_on(receive, writer), name="passed-request")
        begun = False
        try:
            while (event := await _read(reader)) is not None:
                begun = True
                await send(event)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            writer.close()
        return begun

    # Taking

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                _, descriptors, _, _ = socket.recv_fds(self._taken, 1, 1)
                for descriptor in descriptors:
                    task = asyncio.get_running_loop().create_task(self._answer(descriptor), name="taken-request")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _answer(self, descriptor: int) -> None:
        reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
        try:
            scope = await _read(reader)
            if scope is None:
                return
            gone = {"type": f"{scope['type']}.disconnect", "code": 1006}

            async def receive() -> Message:
                return await _read(reader) or gone

            async def send(event: Message) -> None:
                _write(writer, event)
                await writer.drain()

            scope["headers"] = [(name, value) for name, value in scope["headers"]]
            with contextlib.suppress(ConnectionError):  # its client has gone, or the other worker
                await self._application(scope, receive, send)
                # Who closes a socket with something unread in it takes from the other end what that has not read.
                writer.write_eof()
                while await reader.read(_READ_BYTES):
                    pass
        except Exception:
            logger.exception("a request that was passed here failed")
        finally:
            writer.close()


def _worker_of(scope: MutableMapping[str, Any]) -> int | None:
    """Returns the number of the worker in which the session lives that a request names; None where it names none."""
    if scope["type"] not in ("http", "websocket") or scope["path"] not in _PATHS:
        return None
    found = _SID.search(scope["query_string"])
    return int(found[1]) if found is not None else None


async def _refuse(kind: str, send: Send) -> None:
    """Answers as one does to whose session is no more: its client begins anew."""
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1012})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_GONE)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _GONE, "more_body": False})


async def _send_on(receive: Receive, writer: asyncio.StreamWriter) -> None:
    while True:
        event = await receive()
        _write(writer, event)
        await writer.drain()
        if event["type"].endswith(".disconnect"):
            return


def _write(writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
    packed = msgspec.msgpack.encode(message)
    writer.write(len(packed).to_bytes(_LENGTH_BYTES) + packed)


async def _read(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Returns the next message, or None where there is none any more."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES))
        message: dict[str, Any] = msgspec.msgpack.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return message
