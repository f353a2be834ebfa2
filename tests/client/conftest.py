from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pos_notif_client import Salida
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
