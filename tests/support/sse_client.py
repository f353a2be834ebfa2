"""A client of the streams over a plain socket, for literal bytes and for what no library would do."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.live_server import LiveServer


@dataclass
class Frame:
    """One server-sent event, or a lone `retry`."""

    event: str | None = None
    id: str | None = None
    data: Any = None
    retry: int | None = None


class SseClient:
    """A stream over a plain socket: what is on the wire, and no reconnect of its own."""

    def __init__(
        self, server: LiveServer, role: str, *, token: str | None = None, cookie: str | None = None,
        last_event_id: str | None = None, query: str = "", receive_buffer: int | None = None,
        host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.cursor: str | None = None
        self.headers: dict[str, str] = {}
        self._raw = self.socket.makefile("rb")
        self._lines_left = self._lines()  # what a chunk holds beyond the frame that was asked for is kept
        who = f"Cookie: {cookie}" if cookie else f"Authorization: Bearer {token or server.token}"
        resume = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id is not None else ""
        request = f"GET /api/notificaciones/stream/{role}{query} HTTP/1.1\r\nHost: {host}:{server.port}\r\n"
        try:
            self.socket.connect((host, server.port))
            self.socket.sendall(f"{request}{who}\r\n{resume}\r\n".encode("utf-8", "surrogateescape"))
            self._read_head()
        except BaseException:
            self.close()
            raise

    def _read_head(self) -> None:
        status = self._raw.readline()
        if not status:
            raise ConnectionResetError("closed without an answer")
        self.status = int(status.split()[1])
        while (line := self._raw.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def frames(self) -> Iterator[Frame]:
        """Until the stream ends. Comments are skipped. Raises TimeoutError after a minute of silence, or of nothing but
        heartbeats."""
        frame, deadline = Frame(), time.monotonic() + 60
        for line in self._lines_left:
            if line == "":
                if frame != Frame():
                    if frame.id is not None:
                        self.cursor = frame.id
                    if frame.event != "latido":
                        deadline = time.monotonic() + 60
                    elif time.monotonic() > deadline:
                        raise TimeoutError("nothing but heartbeats")
                    yield frame
                frame = Frame()
                continue
            name, _, value = line.partition(": ")
            match name:
                case "event":
                    frame.event = value
                case "id":
                    frame.id = value
                case "retry":
                    frame.retry = int(value)
                case "data":
                    frame.data = json.loads(value)

    def _lines(self) -> Iterator[str]:
        rest = b""
        while size_line := self._raw.readline():
            size = int(size_line, 16)
            rest += self._raw.read(size)
            self._raw.readline()
            if size == 0:
                return
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if not line.startswith(b":"):
                    yield line.decode()

    def read_until(self, marker: bytes) -> bytes:
        """The body's bytes as they came, up to the chunk with the marker, or to the end."""
        body = b""
        while marker not in body and (size_line := self._raw.readline()):
            body += self._raw.read(int(size_line, 16))
            self._raw.readline()
            if int(size_line, 16) == 0:
                break
        return body

    def next_event(self, *names: str) -> Frame:
        """The next frame with one of these names (default: any logged event)."""
        wanted = names or ("evento_pedido", "evento_alerta", "evento_sistema")
        for frame in self.frames():
            if frame.event in wanted:
                return frame
        raise AssertionError(f"the stream ended before {wanted}")

    def take(self, count: int) -> list[Frame]:
        """The next `count` logged events."""
        found = []
        for frame in self.frames():
            if frame.event and frame.event.startswith("evento_"):
                found.append(frame)
                if len(found) == count:
                    return found
        raise AssertionError(f"the stream ended after {len(found)} of {count} events")

    def close(self) -> None:
        self._raw.close()
        self.socket.close()

    def __enter__(self) -> SseClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
