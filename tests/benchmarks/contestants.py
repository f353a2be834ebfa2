"""Who is measured: our service, and the peers beside it. Each starts on the first core and is gone after its turn."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.live_server import LiveServer

HERE = Path(__file__).parent
EVENT = (
    '{"tipo":"alerta_stock","producto_id":1,"nombre":"Pupusa de queso","stock_actual":0,"nivel":"agotado",'
    '"seq":%SEQ%,"t":%T%}'
)
PYTHON_PEERS = ("quart>=0.22,<0.24", "hypercorn>=0.18,<0.19", "uvicorn[standard]", "python-socketio")


def pinned(core: int, *command: str) -> list[str]:
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core), *command] if taskset else list(command)


@dataclass
class Target:
    """What the load client is told: its tool, the server's process, and the arguments before a scenario's own."""

    tool: str
    pid: int
    arguments: list[str]
    replay_arguments: list[str] = field(default_factory=list)
    server: LiveServer | None = None


class Missing(Exception):
    """The peer cannot run here; the message says what it needs."""


@contextmanager
def ours(directory: Path, **settings: str) -> Iterator[Target]:
    """Durable log on, streams signed in by a session's cookie, real routes."""
    variables = {
        f"POS_NOTIF_{name.upper()}": value
        for name, value in {"access_log": "false", "poll_rate": "0", **settings}.items()
    }
    server = LiveServer(directory / "bench.db", variables)
    server.command = pinned(0, sys.executable, "-m", "pos_notif")
    server.create_user("Ana", "cocinero")
    server.start()
    cookie = server.login("Ana")
    stream = f"{server.url}/api/notificaciones/stream/cocinero"
    common = [
        "-H", f"Cookie: {cookie}", "-P", f"{server.url}/api/notificaciones/eventos",
        "-Q", f"Authorization: Bearer {server.token}", "-T", "application/json", "-b", EVENT,
    ]  # fmt: skip
    assert server.process is not None
    try:
        yield Target(
            "ssefan", server.process.pid, ["-u", stream, *common], ["-u", f"{stream}?cursor=inicio", *common], server
        )
    finally:
        server.stop()
        for file in directory.glob("bench.db*"):
            file.unlink()


@contextmanager
def nchan(directory: Path) -> Iterator[Target]:
    if not shutil.which("nginx") or not Path("/usr/lib/nginx/modules/ngx_nchan_module.so").exists():
        raise Missing("apt-get install -y nginx-light libnginx-mod-nchan")
    # Not below /root: nginx's worker runs as nobody and buffers bodies here.
    with tempfile.TemporaryDirectory() as prefix:
        os.chmod(prefix, 0o755)
        command = ["nginx", "-c", str(HERE / "peers/nginx-nchan.conf"), "-p", prefix, "-e", "error.log"]
        with _process(command, 8101) as pid:
            publish = ["-P", "http://127.0.0.1:8101/pub/cocina", "-b", EVENT]
            yield Target(
                "ssefan",
                pid,
                ["-u", "http://127.0.0.1:8101/sub/cocina", *publish],
                ["-u", "http://127.0.0.1:8101/replay/cocina", *publish],
            )


@contextmanager
def naive_quart(directory: Path) -> Iterator[Target]:
    """A queue a client and an async generator, as Quart's own documentation shows it; no log."""
    hypercorn = [str(_python(directory).with_name("hypercorn")), "-w", "1", "--backlog", "4096", "-b", "127.0.0.1:8111"]
    with _process([*hypercorn, "naive_quart:app"], 8111) as pid:
        base = "http://127.0.0.1:8111"
        yield Target("ssefan", pid, ["-u", f"{base}/sub/cocina", "-P", f"{base}/pub/cocina", "-b", EVENT])


@contextmanager
def python_socketio(directory: Path) -> Iterator[Target]:
    uvicorn = [str(_python(directory).with_name("uvicorn")), "--host", "127.0.0.1", "--port", "8105"]
    options = [
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
        "--backlog",
        "4096",
    ]
    with _process([*uvicorn, *options, "sio_asgi:app"], 8105) as pid:
        yield Target("siofan", pid, _socketio("http://127.0.0.1:8105"))


@contextmanager
def node_socketio(directory: Path) -> Iterator[Target]:
    if not shutil.which("node") or not shutil.which("npm"):
        raise Missing("Node.js with npm")
    modules = directory / "node"
    if not (modules / "node_modules/socket.io").exists():
        modules.mkdir(exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", str(modules), "socket.io@4"], check=True)
    environment = {**os.environ, "NODE_PATH": str(modules / "node_modules")}
    with _process(["node", str(HERE / "peers/node_sio.js"), "8102"], 8102, environment) as pid:
        yield Target("siofan", pid, _socketio("http://127.0.0.1:8102"))


def _socketio(base: str) -> list[str]:
    stream = f"{base}/socket.io/?EIO=4&transport=websocket&room=cocina"
    return ["-u", stream, "-P", f"{base}/pub/cocina", "-b", EVENT]


def _python(directory: Path) -> Path:
    """The peers' own environment, made on first use: they are no dependency of the project."""
    python = directory / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(directory / "venv")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PYTHON_PEERS], check=True)
    return python


@contextmanager
def _process(command: list[str], port: int, environment: dict[str, str] | None = None) -> Iterator[int]:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise Missing(f"port {port} is taken")
    process = subprocess.Popen(
        pinned(0, *command), cwd=HERE / "peers", env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise Missing(f"it did not listen on port {port}")
