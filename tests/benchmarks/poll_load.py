"""Polls that find nothing, back to back over keep-alive connections.

    python poll_load.py URL TOKEN CONNECTIONS SECONDS

Every connection asks, then every answer is read, so that one plain process asks for more than a service answers.
Prints one JSON line.
"""

from __future__ import annotations

import json
import socket
import sys
import time
import urllib.request
from urllib.parse import urlsplit

PATH = "/api/notificaciones/polling/cocinero"


def main(url: str, token: str, connections: int, seconds: float) -> None:
    authorization = f"Bearer {token}"
    with urllib.request.urlopen(urllib.request.Request(url + PATH, headers={"Authorization": authorization})) as answer:
        cursor = json.load(answer)["cursor"]
    host, port = urlsplit(url).hostname, urlsplit(url).port
    asked = f"GET {PATH}?cursor={cursor} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n\r\n".encode()
    sockets = [socket.create_connection((host, port)) for _ in range(connections)]
    answers = [connection.makefile("rb") for connection in sockets]
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        for connection in sockets:
            connection.sendall(asked)
        for answer in answers:
            body = read(answer)
            if not isinstance(body, dict) or body["cursor"] != cursor or body["eventos"]:
                raise SystemExit(f"not an idle poll's answer: {body}")
            count += 1
    print(json.dumps({"per_second": count / (time.perf_counter() - begun)}))


def read(answer: socket.SocketIO) -> object:
    length = 0
    while (line := answer.readline().lower()) != b"\r\n":
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return json.loads(answer.read(length))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
