"""A real Redis of a test's own, on a free port, with its files in a folder of the test's. It may be killed, frozen, and
given back the file that it had earlier."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.waiting import eventually

PATH = shutil.which("redis-server")
# What a cluster needs of it: what it has said is on its disk, and nothing is thrown away.
SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}
_TLS_FILES = (("cert", "cert"), ("key", "key"), ("ca-cert", "ca"))


def need_redis() -> None:
    """Skips the test where there is no Redis; in CI that is a failure."""
    if PATH is None:
        assert not os.environ.get("CI"), "needs Redis"
        pytest.skip("needs Redis (Debian: apt-get install -y redis-server)")


@dataclass
class RedisServer:
    """`settings` replace those that a cluster needs. With `password` it asks for it; with `certificates`, a folder with
    `cert.pem`, `key.pem` and `ca.pem`, it speaks TLS alone."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    password: str | None = None
    certificates: Path | None = None
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        """Starts it, on the port that it had before; it answers when this returns."""
        need_redis()
        self.folder.mkdir(exist_ok=True)
        self.port = self.port or free_port()
        ports = {"port": str(self.port)}
        if self.certificates is not None:
            files = {f"tls-{name}-file": str(self.certificates / f"{part}.pem") for name, part in _TLS_FILES}
            ports = {"port": "0", "tls-port": str(self.port), "tls-auth-clients": "optional", **files}
        secret = {} if self.password is None else {"requirepass": self.password}
        own = {"bind": "127.0.0.1", "dir": str(self.folder), "save": "", **ports, **secret}
        options = {**own, **SETTINGS, **self.settings}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([str(PATH), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self._answers)
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "redis-server does not start"
        return self.command("ping") == "PONG"

    @property
    def address(self) -> str:
        """What `--cluster` is to be told."""
        scheme = "redis" if self.certificates is None else "rediss"
        secret = "" if self.password is None else f":{self.password}@"
        ca = "" if self.certificates is None else f"?ca={self.certificates / 'ca.pem'}"
        return f"{scheme}://{secret}127.0.0.1:{self.port}{ca}"

    def command(self, *words: str) -> str:
        """Returns what `redis-cli` says, its errors too."""
        tls = [] if self.certificates is None else ["--tls", "--cacert", str(self.certificates / "ca.pem")]
        secret = [] if self.password is None else ["--no-auth-warning", "-a", self.password]
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *tls, *secret, *words], capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
        return (done.stdout + done.stderr).strip()

    def kill(self) -> None:
        """Does what a power cut does to the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def keep(self, name: str) -> Path:
        """Copies its files as they are now, to be put back."""
        kept = self.folder.with_name(f"{self.folder.name}-{name}")
        shutil.copytree(self.folder, kept)
        return kept

    def put_back(self, kept: Path) -> None:
        """Kills it, gives it the files that it had then, and starts it."""
        self.kill()
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder)
        self.start()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis as a cluster needs it."""
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.kill()
