"""A download as a client begins it and need not read it, and the processes that read the log for it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from tests.support.live_server import LiveServer
from tests.support.workers import children


@contextlib.contextmanager
def asked(
    server: LiveServer, path: str, receive_buffer: int | None = None, who: str | None = None
) -> Iterator[socket.socket]:
    """A download that nobody has read of yet."""
    with socket.socket() as client:
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(60)
        client.connect(("127.0.0.1", server.port))
        who = who or f"Authorization: Bearer {server.token}"
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\n{who}\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        yield client


def rest_of(client: socket.socket) -> bytes:
    body = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(1 << 20):
            body += part
    return body


def readers(server: LiveServer) -> set[int]:
    """The processes that read for downloads."""
    serving = server.processes()
    return set().union(*map(children, serving)) - set(serving)
