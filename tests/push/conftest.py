from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.live_server import LiveServer
from tests.support.push_service import PushService

CONTACT = "mailto:encargado@pupuseria.com.sv"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with PushService(tmp_path) as service:
        yield service


@pytest.fixture
def make_ringing(tmp_path: Path, service: PushService) -> Iterator[Callable[..., LiveServer]]:
    """Starts services that ring phones by the push service on loopback. A setting that is None is left as it is."""
    servers: list[LiveServer] = []

    def make(**settings: str | None) -> LiveServer:
        settings = {
            "push": "webpush", "push_contact": CONTACT, "push_hosts": service.host, "push_detail": "completo",
            "push_wait_seconds": "0.2", **settings,
        }  # fmt: skip
        variables = {f"POS_NOTIF_{name.upper()}": value for name, value in settings.items() if value is not None}
        variables["SSL_CERT_FILE"] = service.authority
        server = LiveServer(tmp_path / f"log{len(servers)}.db", variables, forked=True)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.close()
