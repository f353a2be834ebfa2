"""What the parts of the scenario share: the service that is being recorded, its people, and the transcript."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .service import Program, Server
from .transcript import Transcript, request
from .wire import HOST, Answer, Stream, Websocket, send

SOCKET_PATH = "/socket.io/?EIO=4&transport=websocket"
PEOPLE = {"rosa": "cocinero", "beto": "mesero", "carla": "cajero", "ana": "manager"}
PIN = "4321"
LOG = "log.db"
# The database that has them and no event.
PEOPLE_ALONE = "people.db"
# A tab's, as pages make it.
CLIENT = "0b9a1c52-7d8e-4c3f-9a51-2f6d1e0c7b11"


def until(condition: Callable[[], bool]) -> None:
    """Waits for what the service does a moment after it has answered."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "not within 60 s"
        time.sleep(0.05)


class Play:
    """`who` of each call is a key of `credentials`: a header's whole line."""

    def __init__(self, python: str, directory: Path, settings: dict[str, str], *, everything: bool = False) -> None:
        self.directory = directory
        self.program = Program(python, directory)
        self.clock = self.program.clock
        self.transcript = Transcript()
        self.credentials = {"": "", "wrong": "Authorization: Bearer no-es-un-token"}
        self.settings = settings
        self.everything = everything
        self._open: list[Stream | Websocket] = []
        self.transcript.literal[str(directory)] = "DIR"

    # The command line

    def command(self, title: str, *arguments: str, typed: str = "") -> None:
        """Runs it and records what it says."""
        self._tell(title, arguments, self.program.run(*arguments, typed=typed))

    def _tell(self, title: str, arguments: tuple[str, ...], done: subprocess.CompletedProcess[bytes]) -> None:
        said = [f"out | {line}" for line in done.stdout.decode().splitlines()]
        said += [f"err | {line}" for line in done.stderr.decode().splitlines()]
        self.transcript.add("cli", title, "$ pos-notif " + " ".join(arguments), *said, f"exit code {done.returncode}")

    def aside(self, title: str, *arguments: str, typed: str = "") -> None:
        """A command that only a recording of everything needs."""
        if self.everything:
            self.command(title, *arguments, typed=typed)

    def create_token(self, name: str, role: str, database: str) -> None:
        arguments = ("token", "create", name, "--role", role, "--database", database)
        done = self.program.run(*arguments)
        secret = done.stdout.decode().strip()
        self.credentials[name] = f"Authorization: Bearer {secret}"
        self.transcript.literal[secret] = f"<token {name}>"
        self._tell(f"a token for {name}", arguments, done)

    def begin_log(self, database: str) -> None:
        shutil.copy(self.directory / PEOPLE_ALONE, self.directory / database)

    # The service

    @contextlib.contextmanager
    def serving(self, database: str, **settings: str) -> Iterator[Server]:
        """Streams and sockets that are still open are closed with it."""
        server = Server(self.program, database, **{**settings, **self.settings})
        self.server = server
        self.transcript.literal[f"{HOST}:{server.port}"] = "HOST:PORT"
        try:
            yield server
        finally:
            for opened in self._open:
                opened.close()
            self._open.clear()
            server.close()

    def sign_in(self, name: str, file: str = "sign-in", key: str = "") -> None:
        """The session is kept as `key`, or else as the name."""
        answer = self.ask(file, f"{name} signs in", "POST", "/api/auth/login", {"username": name, "password": PIN}, "")
        cookie = answer.header("set-cookie").split(";")[0]
        self.credentials[key or name] = f"Cookie: {cookie}"
        self.transcript.literal[cookie.partition("=")[2]] = f"<session {key or name}>"

    def call(self, method: str, path: str, body: object = None, who: str = "", **headers: str) -> Answer:
        """Without a record."""
        port = self.server.port
        return send(port, request(method, path, body, who=self.credentials[who], port=port, **headers))

    def ask(
        self, file: str, title: str, method: str, path: str, body: object = None, who: str = "ana", **headers: str
    ) -> Answer:
        """Calls and records."""
        answer = self.call(method, path, body, who, **headers)
        self.transcript.exchange(file, title, answer)
        return answer

    def head_only(self, file: str, title: str, method: str, path: str, who: str = "", **headers: str) -> Answer:
        """Calls and records all but the body."""
        answer = self.call(method, path, None, who, **headers)
        self.transcript.exchange(file, title, answer, body=False)
        return answer

    def raw(self, file: str, title: str, sent: bytes) -> None:
        self.transcript.exchange(file, title, send(self.server.port, sent))

    def publish(self, title: str, body: object, who: str = "pos", **headers: str) -> Answer:
        return self.ask("publishing", title, "POST", "/api/notificaciones/eventos", body, who, **headers)

    def learn_epoch(self) -> str:
        """Of the log that is served now."""
        epoch = str(self.call("GET", "/api/pedidos", who="pos").json["cursor"].partition("-")[0])
        self.transcript.literal[f"{epoch}-"] = "EPOCH0-"
        return epoch

    # Streams and sockets

    def stream(self, role: str, who: str, query: str = "", **headers: str) -> Stream:
        """Opened, and read up to its greeting."""
        path = f"/api/notificaciones/stream/{role}{query}"
        sent = request("GET", path, who=self.credentials[who], port=self.server.port, **headers)
        opened = Stream(self.server.port, sent.replace(b"Connection: close\r\n", b""))
        self._open.append(opened)
        return opened

    def record_stream(self, file: str, title: str, opened: Stream) -> None:
        self.transcript.stream(file, title, opened.request, opened.head, opened.body)

    def websocket(self, who: str = "", path: str = SOCKET_PATH, **headers: str) -> Websocket:
        upgrade = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers,
        }  # fmt: skip
        sent = request("GET", path, who=self.credentials[who], port=self.server.port, **upgrade)
        opened = Websocket(self.server.port, sent.replace(b"Connection: close\r\n", b"", 1))
        opened.lines.append(f"> GET {path}" + (f" ({who})" if who else ""))
        opened.lines += [f"< {line}" for line in opened.head.split("\r\n")]
        self._open.append(opened)
        return opened

    def record_socket(self, title: str, opened: Websocket) -> None:
        self.transcript.add("socket", title, *opened.lines)
