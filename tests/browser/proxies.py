"""Proxies between a browser and a service that keep back what they should pass on, as some do."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

STREAM = b"/api/notificaciones/stream/"
# Gives what of an answer's body is passed on, as it comes, from the pieces in which the service wrote it.
Policy = Callable[[Iterator[bytes]], Iterator[bytes]]


def everything(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return pieces


def half_a_second(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The rest is read and kept: a filter that looks into the beginning of everything."""
    begun = None
    for piece in pieces:
        begun = begun or time.monotonic()
        if time.monotonic() - begun < 0.5:
            yield piece


def the_greeting(pieces: Iterator[bytes]) -> Iterator[bytes]:
    passed = b""
    for piece in pieces:
        if b"event: hola\n" not in passed:
            passed += piece
            yield piece


def all_but_the_newest(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each message comes when the next one does."""
    held = b""
    for piece in pieces:
        *whole, rest = re.split(rb"(?<=\n\n)", held + piece)
        messages = [*whole, rest] if rest else whole
        yield b"".join(messages[:-1])
        held = messages[-1]
    yield held


def nothing_until_the_end(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield b"".join(pieces)


class Proxy:
    """Passes requests on, one a connection, and of the streams' answers what `policy` gives. Websockets it refuses.

    `streams` counts the streams that were asked for. `answers` may give another answer in the service's place: a whole
    HTTP response by the request's first line, or None.
    """

    def __init__(self, target_port: int, policy: Policy = everything) -> None:
        self.policy = policy
        self.answers: Callable[[str], bytes | None] = lambda request: None
        self.streams = 0
        self._target_port = target_port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        _shut(self._listener)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Ends what is open."""
        for end in list(self._open):
            _shut(end)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket()
        self._open |= {near, far}
        with near, far, contextlib.suppress(OSError):
            head, body = _read_head(near)
            first, _, rest = head.partition(b"\r\n")
            answer = self.answers(first.decode("latin-1"))
            if answer is not None:
                near.sendall(answer)
            elif head and b"upgrade: websocket" not in rest.lower():
                is_stream = STREAM in first
                self.streams += is_stream
                far.connect(("127.0.0.1", self._target_port))
                rest = re.sub(rb"(?im)^Connection:.*\r\n", b"", rest)
                far.sendall(b"%b\r\nConnection: close\r\n%b%b" % (first, rest, body))
                threading.Thread(target=_until_gone, args=(near, far), daemon=True).start()
                self._answer(near, far, self.policy if is_stream else everything)
        self._open -= {near, far}

    @staticmethod
    def _answer(near: socket.socket, far: socket.socket, policy: Policy) -> None:
        head, begun = _read_head(far)
        chunked = b"transfer-encoding: chunked" in head.lower()
        near.sendall(re.sub(rb"(?im)^Transfer-Encoding:.*\r\n", b"", head))
        for piece in policy(_chunks(far, begun) if chunked else _pieces(far, begun)):
            near.sendall(piece)


def _read_head(end: socket.socket) -> tuple[bytes, bytes]:
    """Returns the head with its empty line, and what came after it; of a request, its whole body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = end.recv(65536)
        if not piece:
            return b"", b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^Content-Length: *(\d+)", head)
    is_request = not head.startswith(b"HTTP/")
    while is_request and length and len(rest) < int(length[1]):
        piece = end.recv(65536)
        if not piece:  # left in the middle of its body
            return b"", b""
        rest += piece
    return head + b"\r\n\r\n", rest


def _pieces(end: socket.socket, begun: bytes) -> Iterator[bytes]:
    while begun:
        yield begun
        begun = end.recv(65536)


def _chunks(end: socket.socket, begun: bytes) -> Iterator[bytes]:
    """The content of each chunk (RFC 9112, section 7.1)."""
    data = begun
    while True:
        line, found, rest = data.partition(b"\r\n")
        size = int(line, 16) if found else 0
        if found and len(rest) >= size + 2:
            if not size:
                return
            yield rest[:size]
            data = rest[size + 2 :]
            continue
        piece = end.recv(65536)
        if not piece:
            return
        data += piece


def _until_gone(near: socket.socket, far: socket.socket) -> None:
    """A reader that leaves is noticed where nothing is written to it."""
    with contextlib.suppress(OSError):
        while near.recv(65536):
            pass
    _shut(far)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
