"""What goes over a socket, byte for byte: requests and answers, streams, websocket frames."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 90  # of a machine that is busy with other things
TEXT, BINARY, CLOSE = 1, 2, 8


@dataclass(frozen=True)
class Answer:
    """`head` as it came, up to the empty line; `body` without the framing of chunks; `whole` where that had its end."""

    request: bytes
    head: str
    body: bytes
    whole: bool = True

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    def header(self, name: str) -> str:
        for line in self.head.split("\r\n")[1:]:
            found, _, value = line.partition(":")
            if found.lower() == name.lower():
                return value.strip()
        return ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=TIMEOUT_SECONDS)


def send(port: int, request: bytes) -> Answer:
    """Sends it as it stands and reads until the server closes."""
    with connect(port) as connection:
        connection.sendall(request)
        content = b""
        while more := connection.recv(1 << 16):
            content += more
    head, _, body = content.partition(b"\r\n\r\n")
    answer = Answer(request, head.decode("latin1"), body)
    if answer.header("transfer-encoding") != "chunked":
        return answer
    parts = []
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16) if size else 0
        if not length:
            return Answer(request, answer.head, b"".join(parts), whole=size == b"0")
        parts.append(body[:length])
        body = body[length + 2 :]


class Stream:
    """An event stream that is read as it comes."""

    def __init__(self, port: int, request: bytes) -> None:
        self.request = request
        self._socket = connect(port)
        self._socket.sendall(request)
        self._file = self._socket.makefile("rb")
        head = b""
        while line := self._file.readline().rstrip(b"\r\n"):
            head += line + b"\r\n"
        self.head = head.decode("latin1").rstrip("\r\n")
        self.body = b""

    def _chunk(self) -> bool:
        size = int(self._file.readline() or b"0", 16)
        self.body += self._file.read(size)
        self._file.readline()
        return size > 0

    def read_until(self, marker: str) -> Stream:
        """At least up to the frame in which this stands."""
        while (at := self.body.find(marker.encode())) < 0 or b"\n\n" not in self.body[at:]:
            assert self._chunk(), f"the stream ended before {marker}: {self.body[-2000:]!r}"
        return self

    def read_to_end(self) -> Stream:
        while self._chunk():
            pass
        return self

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Websocket:
    """Socket.IO by hand. What goes and comes is noted in `lines`; the server's pings are answered without a note, since
    how many there are depends on how long it takes."""

    def __init__(self, port: int, request: bytes) -> None:
        self.lines: list[str] = []
        self._socket = connect(port)
        self._socket.sendall(request)
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            more = self._socket.recv(1 << 16)
            if not more:
                break
            self._buffer += more
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.head = head.decode("latin1")
        self.upgraded = self.head.split()[1] == "101"

    def _frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        # A mask of zeros leaves the payload as it is.
        self._socket.sendall(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    def send(self, text: str) -> None:
        self.lines.append(f"→ {text}")
        self._frame(TEXT, text.encode())

    def send_binary(self, payload: bytes) -> None:
        self.lines.append(f"→ binary {payload.hex()}")
        self._frame(BINARY, payload)

    def emit(self, name: str, *arguments: Any, ack: int | None = None) -> None:
        number = "" if ack is None else str(ack)
        self.send(f"42{number}" + json.dumps([name, *arguments], ensure_ascii=False, separators=(",", ":")))

    def receive(self) -> str:
        """The next text, or `close CODE REASON`, or `end`."""
        while True:
            opcode, payload = self._next()
            if opcode == TEXT and payload == b"2":
                self._frame(TEXT, b"3")
                continue
            text = _told(opcode, payload)
            self.lines.append(f"← {text}")
            return text

    def receive_until(self, beginning: str) -> str:
        while not (text := self.receive()).startswith(beginning):
            assert text != "end", (beginning, self.lines)
        return text

    def _next(self) -> tuple[int | None, bytes]:
        head = self._take(2)
        if head is None:
            return None, b""
        size = head[1] & 0x7F
        if size > 125:
            length = self._take(2 if size == 126 else 8)
            assert length is not None
            size = int.from_bytes(length)
        return head[0] & 0x0F, self._take(size) or b""

    def _take(self, size: int) -> bytes | None:
        while len(self._buffer) < size:
            try:
                more = self._socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return None
            self._buffer += more
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def rest(self) -> None:
        """What the server still says until the connection ends."""
        while self.receive() != "end":
            pass

    def close(self) -> None:
        self._socket.close()


def _told(opcode: int | None, payload: bytes) -> str:
    if opcode is None:
        return "end"
    if opcode == TEXT:
        return payload.decode()
    if opcode == CLOSE:
        return f"close {int.from_bytes(payload[:2])} {payload[2:].decode()}".rstrip()
    return f"opcode {opcode} {payload.hex()}"
