from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server as make_wsgi_server

from pos_notif_client import Salida
from pos_notif_client.flask_socketio import configurar
from tests.client.flask_pos import Till, create_app, create_tables, documented_reader
from tests.support.live_server import LiveServer


@pytest.fixture
def make_outbox(tmp_path: Path) -> Iterator[Callable[..., Salida]]:
    """Makes outboxes in one file, of services; without one, such as only store."""
    made: list[Salida] = []

    def make(service: LiveServer | None = None, db: Path | None = None, **settings: object) -> Salida:
        if service is not None:
            settings = {"url": service.url, "token": service.token, **settings}
        if "conexion" not in settings or db is not None:
            settings["db"] = db or tmp_path / "salida.db"
        made.append(Salida(**settings))
        return made[-1]

    yield make
    for outbox in made:
        outbox.cerrar()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_tables(tmp_path / "pos.db")
    return tmp_path


@pytest.fixture
def till(server: LiveServer, folder: Path) -> Iterator[Till]:
    outbox = configurar(
        server.url, server.token, str(folder / "salida.db"), leer_pedido=documented_reader(folder / "pos.db")
    )
    served = make_wsgi_server("127.0.0.1", 0, create_app(folder / "pos.db"), threaded=True)
    thread = threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield Till(f"http://127.0.0.1:{served.server_port}", folder / "pos.db")
    served.shutdown()
    thread.join()
    served.server_close()
    outbox.cerrar()
