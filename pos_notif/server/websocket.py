"""Hypercorn's websocket, corrected. It knows the inside of Hypercorn 0.18 (`protocol/ws_stream.py`), as `long_way.py`
does.

- permessage-deflate is not negotiated: a 63 KB frame would inflate to 200 MB before its size is looked at.
- A message's size is counted in bytes; Hypercorn counts the characters of a text.
- A frame that breaks RFC 6455 is answered by a close frame with its code; Hypercorn closes without one.
- A client that has gone is told to the application without waiting for room in its queue, and whoever waits for room
  there is let go once the application has ended.
- A handshake that is refused ends its connection, and so does what comes before our answer.
- A flood of frames that make no message is read slowly, and gives way to everybody else.
"""

from __future__ import annotations

import asyncio
import base64
import copy
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from typing import Any, cast

from hypercorn.config import Config
from hypercorn.protocol.events import Event, Request, StreamClosed
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.typing import ASGISendEvent
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Message, Ping, TextMessage
from wsproto.frame_protocol import CloseReason

# The application's queue holds one message; with what is being handled, that is all a client may be ahead.
QUEUE_SIZE = 1
# Of what a client had sent when it vanished, so many frames are still handled.
LAST_MESSAGES = 64
_GONE = {"type": "websocket.disconnect", "code": CloseReason.ABNORMAL_CLOSURE.value}
# Frames that complete no message: after so many, a pause that lets no more than a thousand a second through.
IDLE_FRAMES = 16
PAUSE_SECONDS = IDLE_FRAMES / 1000


@lru_cache(8)
def _with_small_queue(config: Config) -> Config:
    small = copy.copy(config)
    small.max_app_queue_size = QUEUE_SIZE
    return small


def _is_key(key: bytes) -> bool:
    """Tells whether the key is 16 bytes in base64 (RFC 6455, section 4.2.1)."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


class WebSocketStream(WSStream):
    """Hypercorn's stream of a websocket, corrected as said above."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._message = BytesIO()
        self._max_bytes = self.config.websocket_max_message_size
        self._idle_frames = 0
        self._parsing = False
        self._app_ended = False
        self.config = _with_small_queue(self.config)

    async def handle(self, event: Event) -> None:
        if isinstance(event, Request):
            headers = [
                (name, value)
                for name, value in event.headers
                if name != b"sec-websocket-extensions" and (name != b"sec-websocket-key" or _is_key(value))
            ]
            await super().handle(replace(event, headers=headers))
            if self.app_put is None:  # refused here: nobody else would end the connection
                await self.send(StreamClosed(stream_id=self.stream_id))
        elif isinstance(event, StreamClosed):
            self._tell_gone()
        elif self.closed or self.handshake.accepted:
            await super().handle(event)
        elif self.state is ASGIWebsocketState.HANDSHAKE:  # a body, or frames before our answer
            self.state = ASGIWebsocketState.HTTPCLOSED
            await self._send_error_response(400)
            await self.send(StreamClosed(stream_id=self.stream_id))

    def _tell_gone(self) -> None:
        """Tells the application that the client has gone, by a task of its own: who writes may find it out, and be the
        one who makes room in the queue."""
        if not self.closed:
            self.closed = True
            if self.app_put is not None and not self._parsing:
                self.task_group.spawn(self.app_put, _GONE)

    async def app_send(self, message: ASGISendEvent | None) -> None:
        await super().app_send(message)
        if message is None:
            self.closed = self._app_ended = True
            # Nobody takes what comes now: it has room without end, and whoever waits for some is let go.
            queue = cast(Any, self.app_put).__self__
            queue._maxsize = 0
            while queue._putters:
                queue._wakeup_next(queue._putters)

    async def _handle_events(self) -> None:
        self._parsing, was_open = True, not self.closed
        try:
            await self._handle_frames()
        finally:
            self._parsing = False
            if was_open and self.closed:
                self.task_group.spawn(cast(Any, self.app_put), _GONE)

    async def _handle_frames(self) -> None:
        left = LAST_MESSAGES
        for event in self.connection.events():
            if self.closed:  # while we waited; what it had sent before still counts, but not for ever
                left -= 1
                if self._app_ended or not left:
                    return
            await self._slow_down(event)
            if isinstance(event, Message):
                data = event.data.encode() if isinstance(event, TextMessage) else event.data
                if self._message.tell() + len(data) > self._max_bytes:
                    return await self._fail(CloseReason.MESSAGE_TOO_BIG)
                self._message.write(data)
                if event.message_finished:
                    await self._hand_over(self._message.getvalue(), text=isinstance(event, TextMessage))
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                if self.connection.state is ConnectionState.OPEN:  # wsproto could not read what came
                    return await self._fail(event.code)
                if self.connection.state is ConnectionState.REMOTE_CLOSING:
                    await self._send_wsproto_event(event.response())
                await self.send(StreamClosed(stream_id=self.stream_id))

    async def _slow_down(self, event: Any) -> None:
        if isinstance(event, Message) and event.message_finished:
            return
        self._idle_frames += 1
        if self._idle_frames % IDLE_FRAMES == 0:
            await asyncio.sleep(PAUSE_SECONDS)

    async def _hand_over(self, data: bytes, *, text: bool) -> None:
        self._message = BytesIO()
        body = {"bytes": None, "text": data.decode()} if text else {"bytes": data, "text": None}
        await cast(Any, self.app_put)({"type": "websocket.receive", **body})

    async def _fail(self, code: int) -> None:
        await self._send_wsproto_event(CloseConnection(code=code))
        await self.send(StreamClosed(stream_id=self.stream_id))
