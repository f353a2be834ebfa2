"""The code in docs/integration.md runs as it stands there, against a real service."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import re
import shutil
import socketserver
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client.flask_pos import create_tables
from tests.support.chromium import PATIENCE_MS, launch
from tests.support.live_server import LiveServer, clean_environment
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "integration.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
EXAMPLE_URL = "http://127.0.0.1:5000"
PYTHON = [text for language, text in BLOCKS if language == "python"]
SHELL = [text for language, text in BLOCKS if language == "bash"]
HTML = [text for language, text in BLOCKS if language == "html"]
FILES = {match[1]: text for text in PYTHON if (match := re.match(r"# (\w+\.py)\n", text))}
SCRIPTS = [text for text in PYTHON if text not in FILES.values()]


@pytest.fixture
def place(server: LiveServer, tmp_path: Path) -> Path:
    """A directory with the files of the document, and the service's own database where the examples expect it."""
    directory = tmp_path / "pos"
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text.replace(EXAMPLE_URL, server.url), "utf-8")
    (directory / "pos_notif.db").symlink_to(server.database)
    create_tables(directory / "pos.db")
    return directory


def run(arguments: list[str], server: LiveServer, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=place, capture_output=True, text=True, timeout=60,
        env=clean_environment(POS_TOKEN=server.token, PYTHONPATH=f"{place}:{ROOT / 'client'}"),
    )  # fmt: skip


def run_python(text: str, server: LiveServer, place: Path) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-c", text.replace(EXAMPLE_URL, server.url)], server, place)


def run_shell(text: str, server: LiveServer, place: Path) -> subprocess.CompletedProcess[str]:
    command = text.replace(EXAMPLE_URL, server.url)
    return run(["bash", "-euo", "pipefail", "-c", command], server, place)


def beginning_of_stream(text: str, server: LiveServer, place: Path, up_to: str) -> str:
    """What a block prints that reads a stream, which has no end, up to a line."""
    command = text.replace(EXAMPLE_URL, server.url).replace("curl -sSN", "exec curl -sSN --max-time 60")
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", command], cwd=place, stdout=subprocess.PIPE, text=True,
        env=clean_environment(POS_TOKEN=server.token),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line == up_to:
                break
        process.kill()
    return said


def events_of(server: LiveServer, order_id: int) -> list[str]:
    _, _, answer = server.request("GET", f"/api/pedidos/{order_id}")
    return [event["tipo"] for event in answer["eventos"]]


def test_the_document_has_what_it_promises():
    assert set(FILES) == {
        "pos_salida.py", "pos_views.py", "pos_tables.py", "notificaciones.py", "pos_app.py", "leer_pedido.py",
        "pos_redirect.py",
    }  # fmt: skip
    assert (len(SCRIPTS), len(SHELL), len(HTML)) == (3, 6, 1)
    assert all(language in ("python", "bash", "html") for language, _ in BLOCKS)


def test_every_python_block_compiles():
    for text in PYTHON:
        compile(text, "docs/integration.md", "exec")


def test_it_begins_with_ten_lines_that_need_nothing_else():
    lines = [line for line in FILES["pos_salida.py"].splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 10
    assert PYTHON[0] == FILES["pos_salida.py"]
    imported = {name for text in FILES.values() for name in re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)}
    assert imported - set(sys.stdlib_module_names) == {
        "pos_notif_client",
        "flask",
        "notificaciones",
        "leer_pedido",
        "pos_salida",
    }


def test_python_blocks_run(server: LiveServer, place: Path):
    for text in SCRIPTS:
        done = run_python(text, server, place)
        assert done.returncode == 0, done.stderr
    assert events_of(server, 123) == ["nuevo_pedido", "cambio_estado", "pedido_listo", "cambio_estado", "cambio_estado"]
    assert events_of(server, 200) == ["nuevo_pedido", "pedido_listo", "pedido_cancelado"]


def test_python_blocks_may_run_twice(server: LiveServer, place: Path):
    first, again = (run_python(SCRIPTS[0], server, place) for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert len(events_of(server, 123)) == 5


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_shell_blocks_run(server: LiveServer, place: Path):
    assert run_python(SCRIPTS[0], server, place).returncode == 0
    outputs = []
    for text in SHELL:
        if "curl -sSN" in text:
            outputs.append(beginning_of_stream(text, server, place, "event: evento_pedido\n"))
        else:
            done = run_shell(text, server, place)
            assert done.returncode == 0, done.stderr
            outputs.append(done.stdout)
    published, batch, recent, after, stream, order = outputs
    assert json.loads(published)["duplicado"] is False
    assert json.loads(batch)["duplicados"] == [False, False]
    assert json.loads(recent)["total"] == 5
    assert json.loads(after)["eventos"] == []
    assert "event: hola\n" in stream
    assert "event: evento_pedido\n" in stream
    assert json.loads(order)["pedido"]["estado"] == "cerrado"


PUBLISH_ONE = """
from pos_salida import salida
salida.notificar_nuevo_pedido({"id": 7}, operacion_id="k")
print(salida.vaciar(60), salida.rechazados())
"""


def publish_one(server: LiveServer, place: Path) -> str:
    done = run_python(PUBLISH_ONE, server, place)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


VIEWS = """
from flask import Flask
import pos_views
app = Flask("pos")
app.extensions["pos"] = type("Pos", (), {"save_order": lambda self, order: {**order, "id": 31}})()
app.register_blueprint(pos_views.orders)
client = app.test_client()
print(client.post("/pedidos", json={"mesa_numero": 4}).status_code, pos_views.salida.vaciar(60))
print(client.get("/cocina").json)
"""


def test_the_views_publish_and_tell(server: LiveServer, place: Path):
    done = run_python(VIEWS, server, place)
    assert done.stdout.splitlines() == ["201 True", "{'rechazados': 0, 'texto': 'La cocina recibe.'}"], done.stderr
    assert events_of(server, 31) == ["nuevo_pedido"]


TOGETHER = """
from pos_tables import salida, save_order, tables
save_order({"id": 41, "mesa_numero": 4})
for again in ({"id": 41, "mesa_numero": 4, "notas": "otra"}, {"id": 42, "mesa_numero": float("nan")}):
    try:
        save_order(again)
    except Exception as error:
        print(type(error).__name__)
print(tables.execute("SELECT id FROM pedidos").fetchall(), salida.vaciar(60))
"""


def test_an_order_and_its_event_are_committed_together(server: LiveServer, place: Path):
    done = run_python(TOGETHER, server, place)
    assert done.stdout.splitlines() == ["IntegrityError", "ValueError", "[(41,)] True"], done.stderr
    assert events_of(server, 41) == ["nuevo_pedido"]
    assert server.request("GET", "/api/pedidos/42")[0] == 404


OLD_POS = """
import sqlite3
import pos_app
from notificaciones import NotificadorPedidos, registrar_socketio_handlers
from pos_redirect import old_polling
registrar_socketio_handlers(None)
with sqlite3.connect("pos.db") as tables:
    tables.execute("INSERT INTO pedidos (id, mesa_id, estado, tipo_pago) VALUES (51, 1, 'en_mesa', 'al_final')")
    tables.execute("INSERT INTO pedido_items (pedido_id, producto_id, cantidad) VALUES (51, 7, 2)")
order = {"id": 51, "mesa_id": 1, "tipo": "al_final", "items": [{"producto_id": 7}]}
NotificadorPedidos.notificar_nuevo_pedido(None, order)
print(pos_app.salida.vaciar(60))
answer = pos_app.app.test_client().get("/api/notificaciones/polling/cocinero").json
print([event["pedido"]["items"][0]["producto_nombre"] for event in answer["eventos"]])
from flask import Flask
other = Flask("other")
other.register_blueprint(old_polling)
answer = other.test_client().get("/api/notificaciones/polling/mesero")
print(answer.status_code, answer.headers["Location"])
"""


def test_the_old_pos_has_the_drop_in(server: LiveServer, place: Path):
    done = run_python(OLD_POS, server, place)
    redirected = f"307 {server.url}/api/notificaciones/polling/mesero"
    assert done.stdout.splitlines() == ["True", "['Pupusa de queso']", redirected], done.stderr
    assert server.request("GET", "/api/pedidos/51")[2]["pedido"]["mesa_numero"] == 11


class AnswersCut(socketserver.ThreadingTCPServer):
    """Passes requests on to the service, but drops the first answers: the worst time for a connection to break."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, server: LiveServer, drops: int) -> None:
        self.target, self.drops, self.requests = server, drops, 0
        super().__init__(("127.0.0.1", 0), _CutHandler)


class _CutHandler(http.server.BaseHTTPRequestHandler):
    server: AnswersCut

    def do_POST(self) -> None:
        self.server.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {"Authorization": self.headers["Authorization"], "Content-Type": self.headers["Content-Type"]}
        status, _, answer = self.server.target.request("POST", self.path, body, token=None, headers=headers)
        if self.server.requests <= self.server.drops:
            return  # the connection closes without a byte
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cut(server: LiveServer) -> Iterator[AnswersCut]:
    with AnswersCut(server, drops=2) as between:
        thread = threading.Thread(target=between.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield between
        between.shutdown()
        thread.join()


def test_an_answer_that_was_lost_publishes_once(server: LiveServer, place: Path, cut: AnswersCut):
    client = place / "pos_salida.py"
    client.write_text(
        client.read_text("utf-8").replace(server.url, f"http://127.0.0.1:{cut.server_address[1]}"), "utf-8"
    )
    assert publish_one(server, place) == "True []"  # the third try learns that the first had arrived
    assert cut.requests == 3
    assert events_of(server, 7) == ["nuevo_pedido"]


@pytest.mark.faults
def test_a_503_is_tried_again(server: LiveServer, place: Path):
    """Another program holds the database's write lock for longer than the service waits for it."""
    assert server.token
    blocker = sqlite3.connect(server.database, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    released = threading.Thread(
        target=lambda: (
            eventually(lambda: any("not available" in line for line in server.stderr_lines)),
            blocker.execute("ROLLBACK"),
        )
    )
    released.start()
    try:
        assert publish_one(server, place) == "True []"
    finally:
        released.join()
        blocker.close()
    assert events_of(server, 7) == ["nuevo_pedido"]


@contextlib.contextmanager
def pos_page(folder: Path, make_server: Callable[..., LiveServer], *, listed: bool) -> Iterator[tuple[Any, LiveServer]]:
    """The document's page, which a POS serves and a signed-in waiter has open, and the service."""
    from playwright.sync_api import sync_playwright

    folder.mkdir()
    handler = functools.partial(_PosPages, directory=str(folder))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as pos, sync_playwright() as playwright:
        threading.Thread(target=pos.serve_forever, args=(0.05,), daemon=True).start()
        origin = f"http://127.0.0.1:{pos.server_address[1]}"
        server = make_server(origins=origin if listed else "http://127.0.0.1:1")
        pos.service_url = server.url
        (folder / "listos.html").write_text(HTML[0].replace(EXAMPLE_URL, server.url), "utf-8")
        server.create_user("juan", "mesero")
        server.new_order(1)
        server.publish({"tipo": "pedido_listo", "pedido_id": 1, "items_listos": []})
        browser = launch(playwright.chromium)
        try:
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.request.post(f"{server.url}/api/auth/login", data={"username": "juan", "password": "1234"})
            page.goto(f"{origin}/listos.html")
            yield page, server
        finally:
            browser.close()
            pos.shutdown()


# As the old pages ask.
OLD_POLL = """fetch('/api/notificaciones/polling/mesero', {
    headers: { 'Content-Type': 'application/json' }, credentials: 'include'
}).then(answer => answer.json()).then(answer => answer.eventos.map(event => event.tipo))"""


@pytest.mark.browser
def test_the_page_shows_what_is_published(make_server, tmp_path: Path):
    with pos_page(tmp_path / "page", make_server, listed=True) as (page, server):
        page.wait_for_function("document.getElementById('conexion').textContent === 'sse'")
        server.new_order(2)
        server.publish({"tipo": "pedido_listo", "pedido_id": 2, "items_listos": ["Pupusa de queso"]})
        page.get_by_text("Listo: pedido 2").wait_for()
        assert page.locator("#eventos li").all_inner_texts() == ["Listo: pedido 1", "Listo: pedido 2"]
        assert page.locator("#conexion").inner_text() == "sse"
        assert page.evaluate(OLD_POLL) == ["pedido_listo"] * 2  # what pos_redirect.py makes of it


@pytest.mark.browser
def test_the_page_says_when_its_origin_is_not_listed(make_server, tmp_path: Path):
    with pos_page(tmp_path / "page", make_server, listed=False) as (page, _):
        page.get_by_text("agregue ese origen a POS_NOTIF_ORIGINS").wait_for()
        assert page.evaluate("location.origin") in page.locator("#conexion").inner_text()
        assert page.locator("#eventos li").count() == 0


def test_the_pages_section_names_the_setting_that_it_needs():
    section = DOCUMENT.split("\n## A page of the POS\n", 1)[1]
    assert re.search(r"`POS_NOTIF_ORIGINS=http://[\w.:]+`", section.split("```html", 1)[0])


class _PosPages(http.server.SimpleHTTPRequestHandler):
    """The POS's pages, and its old polling route, which sends them to the service."""

    def do_GET(self) -> None:
        if not self.path.startswith("/api/notificaciones/polling/"):
            return super().do_GET()
        self.send_response(307)
        self.send_header("Location", self.server.service_url + self.path)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
