"""Hypercorn's websocket, corrected. Knows its inside, as `hypercorn_connection` does (Hypercorn 0.18, `ws_stream.py`).

- permessage-deflate is not negotiated: a 63 KB frame would inflate to 200 MB before its size is looked at.
- A message's size is counted in bytes; Hypercorn counts the characters of a text.
- A frame that breaks RFC 6455 is answered by a close frame with its code; Hypercorn closes without one.
- Whoever waits for room in the application's queue is let go once the application has ended.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any, cast

from hypercorn.protocol.events import Event, Request, StreamClosed
from hypercorn.protocol.ws_stream import WSStream
from hypercorn.typing import ASGISendEvent
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Message, Ping, TextMessage
from wsproto.frame_protocol import CloseReason


class WebSocketStream(WSStream):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._message = BytesIO()
        self._max_bytes = self.config.websocket_max_message_size

    async def handle(self, event: Event) -> None:
        if isinstance(event, Request):
            headers = [header for header in event.headers if header[0].lower() != b"sec-websocket-extensions"]
            event = replace(event, headers=headers)
        await super().handle(event)

    async def app_send(self, message: ASGISendEvent | None) -> None:
        await super().app_send(message)
        if message is None:
            self.closed = True
            queue = cast(Any, self.app_put).__self__
            while not queue.empty():
                queue.get_nowait()

    async def _handle_events(self) -> None:
        for event in self.connection.events():
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

    async def _hand_over(self, data: bytes, *, text: bool) -> None:
        self._message = BytesIO()
        body = {"bytes": None, "text": data.decode()} if text else {"bytes": data, "text": None}
        await cast(Any, self.app_put)({"type": "websocket.receive", **body})

    async def _fail(self, code: int) -> None:
        await self._send_wsproto_event(CloseConnection(code=code))
        await self.send(StreamClosed(stream_id=self.stream_id))
