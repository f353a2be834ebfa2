"""`/metrics`: what has happened, for Prometheus; the dashboard and the alert rules ask for what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.in_process import in_process
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

DOCS = Path(__file__).parents[2] / "docs"


def scrape(server) -> dict[tuple[str, str], float]:
    """(name, the values of its labels) → value."""
    status, headers, text = server.request("GET", "/metrics", token=None)
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        (sample.name, ",".join(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples
    }


def test_what_happens_is_counted(make_server):
    server = make_server(ack_seconds="0.2", screen_seconds="0", max_backlog="3")
    server.create_user("Ana", "cocinero")
    session = server.login("Ana")
    server.request("POST", "/api/auth/login", {"username": "Ana", "password": "mala"}, token=None)
    with SseClient(server, "cocinero", cookie=session) as kitchen, SseClient(server, "manager") as manager:
        start = kitchen.next_event("hola").id
        manager.next_event("hola")
        server.new_order(1)
        server.publish(
            {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0, "operacion_id": "a"}
        )
        server.publish(
            {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0, "operacion_id": "a"}
        )
        kitchen.take(2)
        server.request("GET", "/api/notificaciones/polling/mesero?cursor=otro-1", token="")
        for cursor in (start, "k-1", "malo"):
            with SseClient(server, "cocinero", last_event_id=cursor) as again:
                again.next_event("hola")
        eventually(lambda: ("pos_notif_events_total", "sin_acuse") in scrape(server))
        found = scrape(server)
    assert found["pos_notif_events_total", "nuevo_pedido"] == 1
    assert found["pos_notif_events_total", "alerta_stock"] == 1
    assert found["pos_notif_duplicates_total", ""] == 1
    assert found["pos_notif_connections", "cocinero,sse"] >= 1
    assert found["pos_notif_connections", "manager,sse"] >= 1
    assert found["pos_notif_connections", "manager,polling"] == 1
    assert found["pos_notif_replays_total", "repetido"] == 1
    assert found["pos_notif_replays_total", "resincronizar"] == 2
    assert found["pos_notif_replay_events_count", ""] == 1
    assert found["pos_notif_resyncs_total", "epoca"] == 2
    assert found["pos_notif_resyncs_total", "desconocido"] == 1
    assert found["pos_notif_logins_refused_total", "credenciales_invalidas"] == 1
    assert found["pos_notif_unacknowledged_orders", ""] == 1
    assert found["pos_notif_log_oldest_id", ""] == 1
    assert found["pos_notif_log_newest_id", ""] == 3
    assert found["pos_notif_write_queue", ""] == 0
    assert found["pos_notif_worst_lag_events", ""] >= 1  # the poller's
    assert 0 < found["pos_notif_commit_to_wire_seconds_sum", ""] < 5
    assert found["pos_notif_commit_to_wire_seconds_count", ""] >= 3
    assert found["pos_notif_slow_readers_closed_total", ""] == 0
    assert found["process_open_fds", ""] > 5


def test_a_slow_reader_that_is_closed_is_counted(make_server):
    server = make_server(write_timeout_seconds="0.3")
    with SseClient(server, "manager", receive_buffer=4096) as stalled:
        stalled.next_event("hola")
        for number in range(40):
            server.publish({"eventos": [stock_alert(number + 1, nota="x" * 8000) for _ in range(20)]})
        eventually(lambda: scrape(server)["pos_notif_slow_readers_closed_total", ""] == 1)


async def test_each_application_counts_for_itself_and_nobody_has_to_sign_in(tmp_path):
    async with in_process(tmp_path / "a.db") as one, in_process(tmp_path / "b.db") as other:
        await one.create_tokens()
        body = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso secreto", "stock_actual": 0}
        assert (await one.call("POST", "/api/notificaciones/eventos", body, token=one.manager)).status == 201
        told = (await one.call("GET", "/metrics")).text
        assert 'pos_notif_events_total{type="alerta_stock"} 1.0' in told
        assert "alerta_stock" not in (await other.call("GET", "/metrics")).text
        assert "secreto" not in told


@pytest.fixture
async def names(tmp_path):
    """Of every series that a service with a little history has."""
    async with in_process(tmp_path / "log.db") as service:
        text = (await service.call("GET", "/metrics")).text
    found = set()
    for family in text_string_to_metric_families(text):
        if family.type == "counter":
            found.add(f"{family.name}_total")
        elif family.type == "histogram":
            found |= {f"{family.name}_{suffix}" for suffix in ("bucket", "sum", "count")}
        else:
            found.add(family.name)
    return found


async def test_the_dashboard_and_the_alert_rules_ask_for_series_that_there_are(names):
    dashboard = json.loads((DOCS / "grafana.json").read_text("utf-8"))
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    rules = (DOCS / "alerts.yml").read_text("utf-8")
    expressions = re.findall(r"^ +expr: (.+)$", rules, re.MULTILINE)
    assert len(panels) >= 10
    assert len(expressions) == len(re.findall(r"- alert: \w+$", rules, re.MULTILINE)) >= 6
    asked = set(re.findall(r"\b(?:pos_notif|process)_\w+", " ".join([*panels, *expressions])))
    assert asked - names == set()
    operations = (DOCS / "operations.md").read_text("utf-8")
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names if name.startswith("pos_notif")}
    assert [name for name in sorted(own) if f"`{name}" not in operations] == []
