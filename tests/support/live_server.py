"""A real service in a process of its own, and the command line beside it. No stand-ins."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pos_notif.accounts.accounts import Accounts
from pos_notif.cli.accounts import run as run_on_accounts
from tests.support.forking import FORKER, ForkedProcess


def run_cli(*arguments: str, database: Path | str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = FORKER.run([*arguments, "--database", str(database)], clean_environment())
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
    host: str = "127.0.0.1"
    command: list[str] = field(default_factory=lambda: [sys.executable, "-m", "pos_notif"])
    forked: bool = False  # from the process that has everything imported, and not by the command
    process: subprocess.Popen[str] | ForkedProcess | None = None
    stderr_lines: list[str] = field(default_factory=list)
    _token: str | None = None
    _let_go_of_port: Callable[[], Any] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

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
        workers = os.environ.get("POS_NOTIF_TEST_WORKERS")  # and by several processes, which are Hypercorn's alone
        if workers is not None and self.settings.get("POS_NOTIF_SERVER", "hypercorn") == "hypercorn":
            self.settings.setdefault("POS_NOTIF_WORKERS", workers)
        serve = ["serve", "--port", str(self.port), "--database", str(self.database)]
        environment = clean_environment(**self.settings)
        if self.forked:
            self.process = FORKER.start(serve, environment)
        else:
            self.process = subprocess.Popen(
                [*self.command, *serve], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the server did not start: {self.process.stderr.read()}")
        self.port = int(line.rsplit(":", 1)[1])
        if self._let_go_of_port is not None:
            self._let_go_of_port()
        # Its pipe must be emptied, or the access log would block it.
        self._reader = threading.Thread(target=self._read_stderr, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        return self

    def _read_stderr(self, pipe: Any) -> None:
        for line in pipe:
            self.stderr_lines.append(line)

    def stop(self, timeout: float = 60.0) -> int:
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self) -> int:
        """kill -9: what a power cut is to the process."""
        return self._end(signal.SIGKILL, 60.0)

    def _end(self, number: signal.Signals, timeout: float) -> int:
        self.send(number)
        return self.ended(timeout)

    def send(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Tells it to end; `ended` is to follow."""
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self, timeout: float = 60.0) -> int:
        """The exit code, once it has closed its log as well, which takes as long as the disk does."""
        assert self.process is not None
        code = self.process.wait(timeout)
        self._reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        self.process = None
        self._hold_port()
        return code

    def _hold_port(self) -> None:
        """The kernel gives it to nobody who connects, or asks for any, while the service is not there: it is bound, as
        one may beside who listens there later. Where Linux does not run, it is left free."""
        if sys.platform == "linux":
            holder = socket.socket()
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):  # it is in another network namespace, say
                holder.bind((self.host, self.port))
            self._let_go_of_port = weakref.finalize(self, os.close, holder.detach())

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        if self.process is not None:
            self.kill()
        if self._let_go_of_port is not None:
            self._let_go_of_port()

    def create_user(self, username: str, role: str, password: str = "1234") -> None:
        with_accounts(self.database, lambda accounts: accounts.create_user(username, role, password))

    def login(self, username: str, password: str = "1234") -> str:
        """The session's cookie header."""
        status, headers, answer = self.request(
            "POST", "/api/auth/login", {"username": username, "password": password}, token=None
        )
        assert status == 200, (status, answer)
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
            with urllib.request.urlopen(request, timeout=60) as answer:
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

    def processes(self) -> list[int]:
        """Its process, and those of its workers where it has several."""
        assert self.process is not None
        parent = self.process.pid
        if int(self.settings.get("POS_NOTIF_WORKERS", "1")) == 1:
            return [parent]
        return [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]

    def memory_kb(self) -> int:
        return sum(map(_memory_kb, self.processes()))

    def cpu_seconds(self) -> float:
        """What it has had of the machine's cores, whoever else was on them."""
        ticks = 0
        for process in self.processes():
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        """But for the database's own: SQLite keeps a handle that was closed for the connection that comes next."""
        found = 0
        for process in self.processes():
            for entry in os.scandir(f"/proc/{process}/fd"):
                with contextlib.suppress(FileNotFoundError):
                    found += not os.readlink(entry.path).startswith(str(self.database))
        return found

    def threads(self) -> int:
        return sum(len(os.listdir(f"/proc/{process}/task")) for process in self.processes())


def _memory_kb(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def _decode(answer: Any) -> Any:
    text = answer.read().decode()
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text
