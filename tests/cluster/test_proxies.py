"""The proxies of docs/cluster.md, as they stand there, in front of real nodes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import Cluster, OnRedis, engine
from tests.support.ports import free_port
from tests.support.stock_client import StockClient
from tests.support.waiting import eventually

DOCUMENT = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text("utf-8")
NODES = ("10.0.0.11:5000", "10.0.0.12:5000", "10.0.0.13:5000")
NGINX = """
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {config}
}}
"""


def documented(language: str, ports: list[int]) -> str:
    """What the document has, for two nodes of this machine."""
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    text = found[1]
    for node, port in zip(NODES, ports, strict=False):
        assert node in text
        text = text.replace(node, f"127.0.0.1:{port}")
    return re.sub(rf"^ +server {NODES[2]}.*\n", "", text, flags=re.MULTILINE).replace(f" {NODES[2]}", "")


@contextlib.contextmanager
def proxy(program: str, folder: Path, ports: list[int]) -> Iterator[str]:
    """Yields its address, without the TLS that the document has in front."""
    if shutil.which(program) is None:
        assert not os.environ.get("CI"), f"needs {program}"
        pytest.skip(f"needs {program} (Debian: apt-get install -y nginx-light caddy)")
    port = free_port()
    file = folder / "proxy.conf"
    if program == "nginx":
        text = documented("nginx", ports).replace("listen 443 ssl http2", f"listen 127.0.0.1:{port}")
        text = re.sub(r"^ +(listen \[::\]|ssl_certificate).*\n", "", text, flags=re.MULTILINE)
        file.write_text(NGINX.format(folder=folder, config=text))
        command = ["nginx", "-c", str(file), "-p", str(folder), "-e", str(folder / "error.log")]
    else:
        text = documented("caddyfile", ports).replace("pos.example {", f"http://127.0.0.1:{port} {{")
        file.write_text("{\n\tadmin off\n}\n" + text)
        command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, stderr=said, env={**os.environ, "HOME": str(folder)})
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: status(address, "/healthz") == 200)
        yield address
    finally:
        process.terminate()
        process.wait()


def status(address: str, path: str, token: str = "") -> int:
    request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


@contextlib.contextmanager
def polled(address: str, token: str) -> Iterator[list[dict]]:
    """A stock client that only polls; yields the orders that it hears of."""
    heard: list[dict] = []
    client = StockClient(reconnection=False)
    client.on("evento_pedido", lambda event, *_: heard.append(event))
    client.connect(address, auth={"token": token}, transports=["polling"], wait_timeout=20)
    try:
        client.call("conectar_usuario", {"rol": "cocinero"}, timeout=20)
        yield heard
    finally:
        client.disconnect()


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_a_polled_socket_stays_at_its_node_and_nobody_misses_a_node_or_the_engine(program, tmp_path):
    orders = "/api/pedidos?vista=todos"
    with (
        engine("redis", tmp_path) as redis,
        Cluster(tmp_path, redis, 2) as cluster,
        proxy(program, tmp_path, [node.port for node in cluster.nodes]) as address,
    ):
        assert isinstance(redis, OnRedis)
        with contextlib.ExitStack() as clients:
            heard = [clients.enter_context(polled(address, cluster.token)) for _ in range(3)]
            for number in (1, 2):
                cluster.nodes[number - 1].new_order(number)
            eventually(lambda: [[order["pedido_id"] for order in each] for each in heard] == [[1, 2]] * 3, 20)
        assert status(address, "/cluster/registro") == 404
        redis.redis.kill()
        eventually(lambda: status(address, orders, "pn_nobody") == 503)
        # Whom they cannot know, they do not answer; whom they know, they do, however many of the others ask.
        for _ in range(6):
            assert status(address, orders, "pn_nobody") == 503
            assert status(address, orders, cluster.token) == 200
        redis.redis.start()
        cluster.nodes[1].kill()
        assert [status(address, orders, cluster.token) for _ in range(10)] == [200] * 10
