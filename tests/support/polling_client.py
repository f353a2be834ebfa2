"""An Engine.IO client of the long-polling transport, one request after the other, that checks nothing: a test does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection
from typing import Any, NamedTuple

SEPARATOR = "\x1e"


class Answer(NamedTuple):
    status: int
    body: str
    headers: Mapping[str, str]


class PollingClient:
    """`sid` is set by `open`. What it begins with `begin` is answered by the connection that it returns."""

    def __init__(self, port: int, path: str = "/socket.io/", headers: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.path = path
        self.headers = dict(headers or {})
        self.sid = ""
        self._open: list[HTTPConnection] = []

    def __enter__(self) -> PollingClient:
        return self

    def __exit__(self, *_: Any) -> None:
        for connection in self._open:
            connection.close()

    def url(self, **query: str) -> str:
        named = {"EIO": "4", "transport": "polling", **({"sid": self.sid} if self.sid else {}), **query}
        return f"{self.path}?" + "&".join(f"{name}={value}" for name, value in named.items() if value)

    def begin(
        self, method: str = "GET", body: str | bytes | Iterable[bytes] | None = None, **query: str
    ) -> HTTPConnection:
        """Sends a request on a connection of its own, and returns without its answer."""
        headers = dict(self.headers)
        if body is not None:
            headers.setdefault("Content-Type", "text/plain;charset=UTF-8")
            body = body.encode() if isinstance(body, str) else body
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._open.append(connection)
        connection.request(method, self.url(**query), body, headers)
        return connection

    def begin_post(self, part: bytes, length: int) -> HTTPConnection:
        """Begins a body that has as much to come as `length` tells."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._open.append(connection)
        connection.putrequest("POST", self.url())
        for name, value in {**self.headers, "Content-Length": str(length)}.items():
            connection.putheader(name, value)
        connection.endheaders(part)
        return connection

    def answer(self, connection: HTTPConnection) -> Answer:
        response = connection.getresponse()
        answer = Answer(
            response.status, response.read().decode(), {name.lower(): value for name, value in response.getheaders()}
        )
        connection.close()
        self._open.remove(connection)
        return answer

    def hang_up(self, connection: HTTPConnection) -> None:
        """Goes away in the middle of a request."""
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        self._open.remove(connection)

    def get(self, **query: str) -> Answer:
        return self.answer(self.begin(**query))

    def post(self, *packets: str, body: bytes | None = None, **query: str) -> Answer:
        return self.answer(self.begin("POST", body if body is not None else SEPARATOR.join(packets), **query))

    def open(self) -> dict[str, Any]:
        """Shakes hands, and returns what the server said of the session."""
        answer = self.get()
        assert (answer.status, answer.body[0]) == (200, "0"), answer
        opening: dict[str, Any] = json.loads(answer.body[1:])
        self.sid = opening["sid"]
        return opening

    def connect(self, auth: dict[str, Any] | None = None) -> list[str]:
        """Joins the namespace `/`, and returns the first packets from it."""
        assert self.post("40" + (json.dumps(auth) if auth is not None else "")).body == "ok"
        return self.packets()

    def packets(self) -> list[str]:
        """Polls once."""
        answer = self.get()
        assert answer.status == 200, answer
        return answer.body.split(SEPARATOR)
