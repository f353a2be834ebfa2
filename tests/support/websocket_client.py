"""A websocket over a plain socket: what is on the wire, whole frames and broken ones. And Socket.IO on it, by hand."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from wsproto import ConnectionType
from wsproto.connection import Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, TextMessage
from wsproto.frame_protocol import Opcode

SOCKET_PATH = "/socket.io/?EIO=4&transport=websocket"


class Closed(Exception):
    """The websocket was closed, by `code`; None where the connection ended without a close frame."""

    def __init__(self, code: int | None, reason: str | None = None) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")


class WsClient:
    """`status` and `headers` of the upgrade's answer; a refused one has `body`. Engine.IO pings are answered unless
    `pongs` is false."""

    def __init__(
        self, port: int, path: str = SOCKET_PATH, *, headers: dict[str, str] | None = None, pongs: bool = True,
        receive_buffer: int | None = None, host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        self.pongs = pongs
        self.pings = 0
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self._frames = Connection(ConnectionType.CLIENT)
        self._messages: list[str | bytes] = []
        self._parts: list[Any] = []
        try:
            self.socket.connect((host, port))
            self._upgrade(f"{host}:{port}", path, headers or {})
        except BaseException:
            self.socket.close()
            raise

    def _upgrade(self, host: str, path: str, headers: dict[str, str]) -> None:
        sent = {
            "Host": host, "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers,
        }  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self.socket.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionResetError(f"closed after {head!r}")
            head += more
        text, _, rest = head.partition(b"\r\n\r\n")
        first, *fields = text.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        if self.status == 101:
            self._take(rest)
        else:
            while more := self.socket.recv(65536):
                rest += more
            self.body = rest

    def __enter__(self) -> WsClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *messages: str | bytes) -> None:
        """Raises Closed where the server's close has come."""
        for message in messages:
            if self._frames.state is not ConnectionState.OPEN:
                raise self.closed()
            event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
            self.socket.sendall(self._frames.send(event))

    def send_frame(self, opcode: int, payload: bytes, *, final: bool = True, masked: bool = True, rsv: int = 0) -> None:
        """A frame as it stands, right or wrong."""
        head = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
        size = len(payload)
        if size < 126:
            length = struct.pack("!B", size)
        else:
            length = struct.pack("!BH", 126, size) if size < 65536 else struct.pack("!BQ", 127, size)
        key = bytes(4) if masked else b""  # a mask of zeros leaves the payload as it is
        if masked:
            length = bytes([length[0] | 0x80]) + length[1:]
        self.socket.sendall(head + length + key + payload)

    def receive(self) -> str | bytes:
        """The next message but for Engine.IO's pings. Raises Closed, or TimeoutError after a minute."""
        while not self._messages:
            data = self.socket.recv(65536)
            if not data:
                raise Closed(None)
            self._take(data)
        message = self._messages.pop(0)
        if isinstance(message, Closed):
            raise message
        if message == "2":
            self.pings += 1
            if self.pongs:
                if self._frames.state is ConnectionState.OPEN:  # the server's close may have come behind its ping
                    self.send("3")
                return self.receive()
        return message

    def _take(self, data: bytes) -> None:
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, Message):
                self._parts.append(event.data)
                if event.message_finished:
                    empty = "" if isinstance(event, TextMessage) else b""
                    self._messages.append(empty.join(self._parts))
                    self._parts = []
            elif isinstance(event, Ping):
                self.socket.sendall(self._frames.send(event.response()))
            elif isinstance(event, CloseConnection):
                self._messages.append(Closed(int(event.code), event.reason))  # type: ignore[arg-type]

    def closed(self) -> Closed:
        """Reads on until the server has closed."""
        while True:
            try:
                self.receive()
            except Closed as closed:
                return closed
            except ConnectionError:
                return Closed(None)

    def close(self) -> None:
        self.send_frame(Opcode.CLOSE, struct.pack("!H", 1000))
        self.closed()


class SioClient(WsClient):
    """Connected to the namespace `/`: `greeting` is the server's answer to our CONNECT."""

    def __init__(self, port: int, auth: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(port, **options)
        self._acks = 0
        self._events: list[list[Any]] = []
        try:
            assert self.status == 101, (self.status, self.body)
            self.opening = json.loads(str(self.receive())[1:])
            self.send("40" + (json.dumps(auth) if auth is not None else ""))
            self.greeting = str(self.receive())
        except BaseException:
            self.socket.close()
            raise

    def emit(self, name: str, *arguments: Any) -> None:
        self.send("42" + json.dumps([name, *arguments]))

    def event(self, *names: str) -> list[Any]:
        """The next event (of these names): its name and arguments."""
        while True:
            found = self._events.pop(0) if self._events else _event(str(self.receive()))
            if not names or found[0] in names:
                return found

    def call(self, name: str, *arguments: Any) -> Any:
        """The ack's only argument. The events that come before it, the answer's own too, are left to `event`."""
        self._acks += 1
        self.send(f"42{self._acks}" + json.dumps([name, *arguments]))
        while not (text := str(self.receive())).startswith(f"43{self._acks}["):
            self._events.append(_event(text))
        (answer,) = json.loads(text[len(f"43{self._acks}") :])
        return answer


def _event(text: str) -> list[Any]:
    assert text.startswith("42["), text
    found: list[Any] = json.loads(text[2:])
    return found
