"""`/metrics`: what has happened, for Prometheus; the dashboard and the alert rules ask for what there is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pos_notif import delivery
from pos_notif.database.threads import Database
from pos_notif.events import ROLES, TYPES
from pos_notif.log.event_log import Bounds
from pos_notif.log.kept_rows import ROWS_AT_ONCE, KeptRows
from pos_notif.web.metrics import WHY_RESET
from tests.support.command_line import call
from tests.support.in_process import in_process
from tests.support.logs import fill_log, opened, prune_log, stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

DOCS = Path(__file__).parents[2] / "docs"


def scrape(server) -> dict[tuple[str, str], float]:
    status, headers, text = server.request("GET", "/metrics", token=None)
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    return samples_of(text)


def samples_of(text: str) -> dict[tuple[str, str], float]:
    """(name, the values of its labels) → value."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        (sample.name, ",".join(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples
    }


def test_what_happens_is_counted(make_server):
    # Who polls is there for three such pauses.
    server = make_server(ack_seconds="0.2", screen_seconds="0", max_backlog="3", poll_seconds="60")
    server.create_user("Ana", "cocinero")
    session = server.login("Ana")
    server.request("POST", "/api/auth/login", {"username": "Ana", "password": "mala"}, token=None)
    with SseClient(server, "cocinero", cookie=session) as kitchen, SseClient(server, "manager") as manager:
        start = kitchen.next_event("hola").id
        manager.next_event("hola")
        server.request("GET", "/api/notificaciones/polling/mesero?cursor=otro-1", token="")
        server.new_order(1)
        server.publish(
            {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0, "operacion_id": "a"}
        )
        server.publish(
            {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0, "operacion_id": "a"}
        )
        kitchen.take(2)
        for cursor in (start, "k-1", "malo"):
            with SseClient(server, "cocinero", last_event_id=cursor) as again:
                again.next_event("hola")
        eventually(lambda: scrape(server)["pos_notif_events_total", "sin_acuse"] > 0)
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
        assert 'pos_notif_events_total{type="alerta_stock"} 0.0' in (await other.call("GET", "/metrics")).text
        assert "secreto" not in told


async def values(service) -> dict[tuple[str, str], float]:
    return samples_of((await service.call("GET", "/metrics")).text)


async def test_what_can_be_counted_is_there_from_the_start_at_0(tmp_path):
    """Prometheus sees no increase in a series that begins with its first event."""
    async with in_process(tmp_path / "log.db") as service:
        found = await values(service)
    assert {value for (name, _), value in found.items() if name.endswith("_total") and name.startswith("pos_")} == {0}
    for name, labels in {
        "pos_notif_events_total": TYPES,
        "pos_notif_http_answers_total": ("2xx", "3xx", "4xx", "5xx"),
        "pos_notif_replays_total": ("al_dia", "repetido", "resincronizar"),
        "pos_notif_resyncs_total": ("desconocido", "epoca", "futuro", "expirado", "atraso"),
        "pos_notif_logins_refused_total": (
            "credenciales_invalidas", "demasiados_intentos", "sin_capacidad", "registro_no_disponible",
        ),
        "pos_notif_duplicates_total": ("",),
        "pos_notif_slow_readers_closed_total": ("",),
    }.items():  # fmt: skip
        assert {label for found_name, label in found if found_name == name} == set(labels), name
    failed = {label for name, label in found if name == "pos_notif_publications_failed_total"}
    assert {
        "registro_no_disponible",
        "error_interno",
        "no_autenticado",
        "datos_invalidos",
        "pedido_existente",
    } <= failed
    for role in ROLES:
        for transport in ("sse", "polling", "websocket"):
            assert found["pos_notif_connections", f"{role},{transport}"] == 0


def test_the_reasons_that_begin_at_0_are_all_that_there_are():
    reader = Path(delivery.__file__).with_name("reader.py").read_text("utf-8")
    assert set(WHY_RESET) == set(re.findall(r'_reset\(\s*"(\w+)"', reader))


def test_answers_are_counted_by_their_class_whoever_gives_them(make_server):
    server = make_server()
    assert server.token

    def counted() -> list[int]:
        found = scrape(server)
        return [int(found["pos_notif_http_answers_total", f"{digit}xx"]) for digit in (2, 3, 4, 5)]

    before = counted()
    server.new_order(1)  # on the short way
    assert server.request("GET", "/api/pedidos/1")[0] == 200  # by a view
    for _ in range(2):
        assert server.request("GET", "/nada")[0] == 404
    assert server.request("POST", "/api/notificaciones/eventos", {"tipo": "x"})[0] == 422
    with SseClient(server, "manager") as stream:
        stream.next_event("hola")
        after = counted()  # a stream's while it lasts
    # A scrape counts the one before it.
    assert [now - then for now, then in zip(after, before, strict=True)] == [4, 0, 3, 0]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40_000)
        assert connection.recv(100).startswith(b"HTTP/1.1 431")  # the server's own
    assert [now - then for now, then in zip(counted(), after, strict=True)] == [1, 0, 1, 0]


def test_what_was_not_published_is_counted_by_its_reason(make_server):
    server = make_server()
    server.create_user("Ana", "cocinero")
    cook = server.login("Ana")
    server.new_order(1)
    events, actions = "/api/notificaciones/eventos", "/api/pedidos/1/acciones"
    assert server.request("POST", events, {"tipo": "nuevo_pedido", "pedido": {"id": 1}})[0] == 409
    assert server.request("POST", events, {"tipo": "nuevo_pedido", "pedido": {"id": 1}}, token="pn_no")[0] == 401
    assert server.request("POST", events, b"{", headers={"Origin": server.url})[0] == 400  # by the view
    assert server.request("POST", events, b"{")[0] == 400  # on the short way
    assert server.request("POST", actions, {"accion": "servir", "operacion_id": "a"})[0] == 409
    assert server.request("POST", "/api/notificaciones/acuses", {"evento_ids": [99]}, cookie=cook)[0] == 422
    assert server.request("GET", "/api/pedidos/99")[0] == 404  # publishes nothing
    found = scrape(server)
    for reason, count in {
        "pedido_existente": 1, "no_autenticado": 1, "json_invalido": 2, "transicion_invalida": 1,
        "datos_invalidos": 1, "no_encontrado": 0, "registro_no_disponible": 0,
    }.items():  # fmt: skip
        assert found["pos_notif_publications_failed_total", reason] == count, reason


def test_a_log_that_cannot_be_written_is_not_ready_and_its_publications_have_failed(make_server):
    server = make_server()
    assert server.token
    assert scrape(server)["pos_notif_ready", ""] == 1
    with contextlib.closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert scrape(server)["pos_notif_ready", ""] == 0
        assert server.request("POST", "/api/notificaciones/eventos", stock_alert(1))[0] == 503
    found = scrape(server)
    assert found["pos_notif_ready", ""] == 1
    assert found["pos_notif_publications_failed_total", "registro_no_disponible"] == 1
    assert found["pos_notif_http_answers_total", "5xx"] == 1


@pytest.fixture
def log(tmp_path) -> Path:
    """Five events."""
    fill_log(tmp_path / "log.db", [stock_alert(number) for number in range(1, 6)])
    return tmp_path / "log.db"


async def test_rows_are_counted_and_not_guessed_from_their_ids(log, tmp_path):
    """After a restore the next id is a million above the head."""
    assert call("backup", str(tmp_path / "backup.db"), "--database", str(log)).exit_code == 0
    assert call("restore", str(tmp_path / "backup.db"), "--database", str(log)).exit_code == 0
    async with in_process(log) as service:
        await service.create_tokens()

        async def rows() -> float:
            return (await values(service))["pos_notif_log_rows", ""]

        assert await rows() == 5
        body = {"eventos": [stock_alert(1), stock_alert(2)]}
        assert (await service.call("POST", "/api/notificaciones/eventos", body, token=service.manager)).status == 201
        assert await rows() == 7
        assert (await values(service))["pos_notif_log_newest_id", ""] > 1_000_000
        prune_log(log, 3)
        await service.app.notifier.log.store.refresh()
        assert await rows() == 4


async def test_many_rows_are_counted_a_page_at_a_time(log):
    with opened(log) as connection:
        columns = "ms, type, order_id, to_kitchen, to_waiters, to_tills, hash, data"
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n WHERE i < {2 * ROWS_AT_ONCE + 7})"
            f" INSERT INTO events SELECT i, {columns} FROM events, n WHERE id = 1"
        )
    database = await Database.open(log)
    try:
        rows = KeptRows(database)
        for newest in (5, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 7, 2 * ROWS_AT_ONCE + 7):
            assert await rows.count(Bounds("a", 1, newest)) == newest
        assert await rows.count(Bounds("a", 11, 2 * ROWS_AT_ONCE)) == 2 * ROWS_AT_ONCE - 10
        assert await rows.count(Bounds("b", 1, 3)) == 3
        assert await rows.count(Bounds("b", 4, 3)) == 0
    finally:
        await database.close()


async def test_the_newest_backup_and_the_free_disk_are_told(tmp_path):
    log, backup = tmp_path / "log.db", tmp_path / "backup.db"
    async with in_process(log) as service:
        found = await values(service)
        assert found["pos_notif_last_backup_timestamp_seconds", ""] == 0
        disk = os.statvfs(tmp_path)
        assert 0 < found["pos_notif_disk_free_bytes", ""] <= disk.f_blocks * disk.f_frsize
        before = time.time()
        assert call("backup", str(backup), "--database", str(log)).exit_code == 0
        made = (await values(service))["pos_notif_last_backup_timestamp_seconds", ""]
        assert int(before) <= made <= time.time()
        assert call("backup", str(backup), "--database", str(log)).exit_code == 1  # there is one of that name
        assert (await values(service))["pos_notif_last_backup_timestamp_seconds", ""] == made
    assert os.stat(f"{log}-backup").st_mode & 0o777 == 0o600


def test_a_backup_that_cannot_be_noted_is_one_all_the_same(tmp_path):
    log, backup = tmp_path / "log.db", tmp_path / "backup.db"
    fill_log(log, [stock_alert(1)])
    os.mkdir(f"{log}-backup")
    done = call("backup", str(backup), "--database", str(log))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "warning" in done.stderr.splitlines()[-1]
    assert call("verify", str(backup)).exit_code == 0


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
    # A node is asked for these by tests/cluster/test_together.py.
    of_nodes = {name for name in asked if name.startswith("pos_notif_node_")}
    assert asked - names - of_nodes == set()
    operations = (DOCS / "operations.md").read_text("utf-8")
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names if name.startswith("pos_notif")}
    assert [name for name in sorted(own) if f"`{name}" not in operations] == []


def rules() -> list[tuple[str, str, str]]:
    """Each alert's name, expression and severity."""
    text = (DOCS / "alerts.yml").read_text("utf-8")
    parts = re.split(r"^      - alert: ", text, flags=re.MULTILINE)[1:]
    pattern = r"(\w+)\n.*? expr: ([^\n]+)\n.*?labels: \{severity: (critical|warning)\}\n"
    return [found.groups() for part in parts if (found := re.match(pattern, part, re.DOTALL))]


def test_every_alert_has_a_severity_and_readyz_has_its_own():
    names = re.findall(r"- alert: (\w+)$", (DOCS / "alerts.yml").read_text("utf-8"), re.MULTILINE)
    assert [name for name, _, _ in rules()] == names
    found = {name: (expression, severity) for name, expression, severity in rules()}
    assert found["NotReady"] == ("pos_notif_ready == 0", "critical")
    assert {severity for _, _, severity in rules()} == {"critical", "warning"}


def test_no_alert_compares_series_that_never_match():
    """Of two series of one name with different labels PromQL matches none, unless it is told what to ignore."""
    for name, expression, _ in rules():
        if re.search(r"\{[^}]*\}.*[<>=].*\{[^}]*\}", expression):
            assert "ignoring" in expression, name


def test_events_kept_are_counted_on_the_dashboard():
    panels = json.loads((DOCS / "grafana.json").read_text("utf-8"))["panels"]
    [kept] = [panel for panel in panels if panel["title"] == "Events kept"]
    assert [target["expr"] for target in kept["targets"]] == ["pos_notif_log_rows"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len({panel["id"] for panel in panels}) == len(set(places)) == len(panels)


# What Prometheus says after some minutes of such values, one a minute: an alert with these labels, or None.
EVENING = [
    ("RoomWithoutScreen", {'pos_notif_events_total{type="sin_pantalla"}': "0 1x20",
                           'pos_notif_events_total{type="pantalla_recuperada"}': "0x20"}, "8m", {}),
    ("RoomWithoutScreen", {'pos_notif_events_total{type="sin_pantalla"}': "0 1x20",
                           'pos_notif_events_total{type="pantalla_recuperada"}': "0 0 1x20"}, "8m", None),
    ("NotReady", {"pos_notif_ready": "1 0x20"}, "5m", {}),
    ("NotReady", {"pos_notif_ready": "1x20"}, "5m", None),
    ("PublicationsFail",
     {'pos_notif_publications_failed_total{reason="registro_no_disponible"}': "0 0 2x20"}, "5m", {}),
    ("PublicationsFail", {'pos_notif_publications_failed_total{reason="datos_invalidos"}': "0 0 2x20"}, "5m", None),
    ("PublicationsRefused", {'pos_notif_publications_failed_total{reason="datos_invalidos"}': "0 50x20"}, "5m",
     {"reason": "datos_invalidos"}),
    ("ServerErrors", {'pos_notif_http_answers_total{class="5xx"}': "0 20x20"}, "5m", {"class": "5xx"}),
    ("DiskFills", {"pos_notif_disk_free_bytes": "5e8x40"}, "30m", {}),
    ("DiskFills", {"pos_notif_disk_free_bytes": "5e10x40"}, "30m", None),
    ("DiskFills", {"pos_notif_disk_free_bytes": "50000000000-20000000x480"}, "30m", None),
    ("DiskFills", {"pos_notif_disk_free_bytes": "50000000000-20000000x480"}, "7h", {}),
    ("NoBackup", {"pos_notif_last_backup_timestamp_seconds": "0x4000"}, "60h", {}),
    ("NoBackup", {"pos_notif_last_backup_timestamp_seconds": "200000x4000"}, "60h", None),
    ("EngineAway", {"pos_notif_node_engine_away": "0 0 1x10"}, "4m", {}),
    ("EngineAway", {"pos_notif_node_engine_away": "0x10"}, "4m", None),
    ("KitchenDoesNotSeeOrders", {'pos_notif_events_total{type="sin_acuse"}': "0 4x20"}, "3m", {"type": "sin_acuse"}),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: prometheus)")
def test_prometheus_reads_the_metrics_and_the_rules_and_alerts_when_it_should(server, tmp_path):
    def promtool(*arguments: object, **how) -> None:
        done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, **how)
        assert done.returncode == 0, done.stdout + done.stderr

    server.new_order(1)
    promtool("check", "metrics", input=server.request("GET", "/metrics", token=None)[2])
    promtool("check", "rules", DOCS / "alerts.yml")
    summaries = dict(
        re.findall(r"- alert: (\w+)\n.*?summary: ([^\n]+)\n", (DOCS / "alerts.yml").read_text("utf-8"), re.DOTALL)
    )
    severities = {name: severity for name, _, severity in rules()}
    cases = []
    for name, series, at, labels in EVENING:
        summary = summaries[name].strip('"').replace("{{ $labels.reason }}", (labels or {}).get("reason", ""))
        said = {"exp_labels": {"severity": severities[name], **(labels or {})}, "exp_annotations": {"summary": summary}}
        cases.append({
            "interval": "1m",
            "input_series": [{"series": found, "values": values} for found, values in series.items()],
            "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": [] if labels is None else [said]}],
        })  # fmt: skip
    test = {"rule_files": [str(DOCS / "alerts.yml")], "evaluation_interval": "1m", "tests": cases}
    (tmp_path / "evening.yml").write_text(json.dumps(test), "utf-8")
    promtool("test", "rules", tmp_path / "evening.yml")
