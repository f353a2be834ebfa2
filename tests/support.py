"""A real service in a process of its own, and small clients for it. No stand-ins."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pos_notif import NotificadorPedidos
from pos_notif.accounts.accounts import Accounts
from pos_notif.cli.accounts import run as run_on_accounts
from pos_notif.publishing.publication import Publisher
from tests.forking import ForkedProcess, Forker

START_SECONDS = 20.0


def run_cli(*arguments: str, database: Path | str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pos_notif", *arguments, "--database", str(database)],
        capture_output=True, text=True, timeout=60, env=clean_environment(),
    )  # fmt: skip
    if check:
        assert done.returncode == 0, done.stderr
    return done


def with_accounts(database: Path | str, work: Callable[[Accounts], Awaitable[Any]]) -> Any:
    """What the command line does with a database's accounts, without a process of its own: a tenth of the time.

    In a thread, since the caller may be inside a running loop.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run_on_accounts, str(database), work, create=True).result()


def clean_environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POS_NOTIF_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}


@dataclass
class LiveServer:
    """`pos-notif serve` on a free port, which it keeps over restarts."""

    database: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 0
    command: list[str] = field(default_factory=lambda: [sys.executable, "-m", "pos_notif"])
    forker: Forker | None = None  # starts `pos-notif` in the command's place
    process: subprocess.Popen[str] | ForkedProcess | None = None
    stderr_lines: list[str] = field(default_factory=list)
    _token: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """A manager's token."""
        if self._token is None:
            self._token = with_accounts(self.database, lambda accounts: accounts.create_token("pos"))
        return self._token

    def start(self) -> LiveServer:
        tier = os.environ.get("POS_NOTIF_TEST_FAST_STREAMS")  # the same tests on the second way to deliver
        if tier is not None:
            self.settings.setdefault("POS_NOTIF_FAST_STREAMS", tier)
        serve = ["serve", "--port", str(self.port), "--database", str(self.database)]
        environment = clean_environment(**self.settings)
        if self.forker is not None:
            self.process = self.forker.start(serve, environment)
        else:
            self.process = subprocess.Popen(
                [*self.command, *serve], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the server did not start: {self.process.stderr.read()}")
        self.port = int(line.rsplit(":", 1)[1])
        # Its pipe must be emptied, or the access log would block it.
        self._reader = threading.Thread(target=self._read_stderr, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        return self

    def _read_stderr(self, pipe: Any) -> None:
        for line in pipe:
            self.stderr_lines.append(line)

    def stop(self, timeout: float = 10.0) -> int:
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self) -> int:
        """kill -9: what a power cut is to the process."""
        return self._end(signal.SIGKILL, 10.0)

    def _end(self, number: signal.Signals, timeout: float) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout)
        self._reader.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        self.process = None
        return code

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        if self.process is not None:
            self.kill()

    def create_user(self, username: str, role: str, password: str = "1234") -> None:
        with_accounts(self.database, lambda accounts: accounts.create_user(username, role, password))

    def login(self, username: str, password: str = "1234") -> str:
        """The session's cookie header."""
        status, headers, _ = self.request(
            "POST", "/api/auth/login", {"username": username, "password": password}, token=None
        )
        assert status == 200
        return headers["Set-Cookie"].split(";")[0]

    def request(
        self, method: str, path: str, body: Any = None, *, token: str | None = "", cookie: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, Any]:  # fmt: skip
        """Status, headers, and the answer's JSON (or text). With the manager's token unless told otherwise."""
        sent = dict(headers or {})
        if cookie is not None:
            sent["Cookie"] = cookie
        elif token is not None:
            sent["Authorization"] = f"Bearer {token or self.token}"
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, _decode(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, _decode(error)

    def publish(self, event: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Publishes an event (or a batch) that must be accepted."""
        status, _, answer = self.request("POST", "/api/notificaciones/eventos", event, headers=headers)
        assert status in (200, 201), answer
        return answer

    def new_order(self, order_id: int, **fields: Any) -> dict[str, Any]:
        items = fields.pop("items", [{"producto_nombre": "Pupusa de queso", "cantidad": 2, "precio_unitario": 0.75}])
        return self.publish({"tipo": "nuevo_pedido", "pedido": {"id": order_id, "items": items, **fields}})

    def memory_kb(self) -> int:
        assert self.process is not None
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def open_files(self) -> int:
        assert self.process is not None
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self) -> int:
        assert self.process is not None
        return len(os.listdir(f"/proc/{self.process.pid}/task"))


def _decode(answer: Any) -> Any:
    text = answer.read().decode()
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text


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
        self.socket.settimeout(30)
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
        """Until the stream ends. Comments are skipped. Raises TimeoutError after 30 s of silence, or where heartbeats
        are all that comes for a minute."""
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


def eventually(condition: Any, seconds: float = 10.0) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def stock_alert(product_id: int, level: str = "bajo", **fields: Any) -> dict[str, Any]:
    """`bajo` goes to managers only, `agotado` and `disponible` to every room."""
    return {"tipo": "alerta_stock", "producto_id": product_id, "nombre": "Queso", "nivel": level, **fields}


def fill_log(database: Path, drafts: list[dict[str, Any]]) -> str:
    """Appends drafts without a server, 500 in a transaction; returns the last one's cursor."""

    async def fill() -> str:
        publisher = Publisher("python", {"usuario_id": None, "username": "python", "rol": "manager"}, names_actor=True)
        async with NotificadorPedidos(database=str(database)) as notifier:
            for first in range(0, len(drafts), 500):
                await notifier.publishing.publish(drafts[first : first + 500], publisher=publisher, batch=True)
            return notifier.log.bounds.cursor()

    return asyncio.run(fill())


@contextlib.contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    """The file itself, beside or without a server; what was done is committed."""
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        yield connection


def prune_log(database: Path, up_to: int, *, delete_rows: bool = True) -> None:
    """Takes the events up to an id out of the log, as pruning does."""
    with opened(database) as connection:
        connection.execute(
            "UPDATE log SET oldest = ? + 1, anchor_hash = (SELECT hash FROM events WHERE id = ?)", (up_to, up_to)
        )
        if delete_rows:
            connection.execute("DELETE FROM events WHERE id <= ?", (up_to,))
