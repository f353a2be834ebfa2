"""A client that openapi-python-client makes of /openapi.json publishes, and is told why where it may not."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.live_server import LiveServer

PACKAGE = "restaurant_client"
# Nothing is formatted, which takes longer than the rest; and the log's lines are text, which it cannot know.
SETTINGS = {"post_hooks": [], "content_type_overrides": {"application/x-ndjson": "text/plain"}}


@pytest.fixture
def generated(server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document, settings = tmp_path / "openapi.json", tmp_path / "settings.json"
    document.write_text(json.dumps(server.request("GET", "/openapi.json", token=None)[2]), "utf-8")
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--config", settings,
         "--output-path", tmp_path / PACKAGE, "--meta", "none", "--fail-on-warning"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)


def test_a_generated_client_publishes(server: LiveServer, generated: None):
    def part(name: str):
        return importlib.import_module(f"{PACKAGE}.{name}")

    models, publish = part("models"), part("api.publicar.post_publish").sync_detailed
    order = models.NewOrder(tipo="nuevo_pedido", pedido=models.PublishedOrder(id=7, mesa_numero=5))
    with part("client").AuthenticatedClient(base_url=server.url, token=server.token) as client:
        first, again = (publish(client=client, body=order, idempotency_key="pedido-7") for _ in range(2))
        ready = models.OrderReady(tipo="pedido_listo", pedido_id=7, items_listos=[])
        alert = models.StockAlert(tipo="alerta_stock", producto_id=1, nombre="Queso", stock_actual=0)
        both = publish(client=client, body=models.Batch(eventos=[ready, alert]))
        refused = publish(client=client, body=order)
    assert (first.status_code, first.parsed.duplicado) == (201, False)
    assert (again.status_code, again.parsed.duplicado, again.parsed.id) == (200, True, first.parsed.id)
    assert (both.status_code, both.parsed.duplicados) == (201, [False, False])
    assert (refused.status_code, refused.parsed.error.codigo) == (409, "pedido_existente")
    with part("client").AuthenticatedClient(base_url=server.url, token="pn_no") as nobody:
        assert publish(client=nobody, body=order).parsed.error.codigo == "no_autenticado"
    events = server.request("GET", "/api/pedidos/7")[2]["eventos"]
    assert [event["tipo"] for event in events] == ["nuevo_pedido", "pedido_listo"]
