"""Old events go, what is open goes on, and whoever reads from before is told so."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_notif import NotificadorPedidos
from pos_notif.clock import Instant, system_clock
from pos_notif.log.pruning import PART_BYTES
from pos_notif.log.writer import SqliteLog
from pos_notif.orders.drafts import parse_draft
from pos_notif.upkeep.retention import PruningResult, prune
from tests.orders.test_sequences import PUBLISHER, REFUSALS, steps
from tests.support.command_line import call, fails
from tests.support.in_process import HeldClock
from tests.support.logs import opened, stock_alert
from tests.support.pos import START_MS, assert_projection_is_the_fold, rebuild, stored_orders
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually
from tests.support.whole_logs import DAY_MS, STATES, content, epoch, export, make_log, order_events


def events(path: Path) -> list[dict]:
    with opened(path) as connection:
        return [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]


def pruned(path: Path, keep: str) -> str:
    result = call("prune", "--keep", keep, "--yes", "--database", str(path))
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    return result.stderr


def prune_everything(path: Path) -> PruningResult:
    """Also what has been appended just now, which no command takes out."""

    async def work() -> PruningResult:
        async with NotificadorPedidos(database=str(path)) as notifier:
            log = notifier.log
            done = await prune(log.database, log.store, before_ms=2**60, at=log.clocks.now(), zone=log.zone)
            assert done is not None
            return done

    return asyncio.run(work())


def assert_sound(path: Path) -> None:
    assert_projection_is_the_fold(path)
    result = call("verify", "--database", str(path))
    assert result.exit_code == 0, result.stderr


def test_a_prefix_goes_and_what_was_open_or_went_on_is_carried(tmp_path):
    now = system_clock()
    old = [*order_events(1), *order_events(2, STATES[:2]), *order_events(3), *order_events(4, STATES[:3])]
    recent = [
        {"tipo": "cambio_estado", "pedido_id": 3, "estado": "en_cocina", "recuperado": True},
        {"tipo": "cambio_estado", "pedido_id": 4, "estado": "cerrado"},
        *order_events(5),
    ]
    log = make_log(tmp_path / "log.db", (now - 40 * DAY_MS, old), (now - 3 * DAY_MS, recent))
    before, orders = events(log), stored_orders(log)
    up_to = len(old)
    assert "no event is so old" in pruned(log, "50d")
    assert "pruned 21 events up to 21; 3 orders go on" in pruned(log, "20d")
    *kept, poda = events(log)
    assert kept == before[up_to:]
    assert {name: poda[name] for name in ("tipo", "hasta_id", "filas", "parte", "partes", "salas")} == {
        "tipo": "poda", "hasta_id": up_to, "filas": up_to, "parte": 1, "partes": 1, "salas": ["managers"],
    }  # fmt: skip
    then = rebuild(before[:up_to])
    assert poda["pedidos_abiertos"] == [then[order_id].pedido for order_id in (2, 3, 4)]
    del orders[1]
    assert stored_orders(log) == orders
    with opened(log) as connection:
        oldest, anchor = connection.execute("SELECT oldest, anchor_hash FROM log").fetchone()
        assert (oldest, anchor) == (up_to + 1, poda["ancla_hash"])
    assert_sound(log)
    assert "no event is so old" in pruned(log, "20d")
    # Once more: the earlier set goes with what it stood for.
    assert prune_everything(log).orders == 2
    [poda] = events(log)
    assert [order["id"] for order in poda["pedidos_abiertos"]] == [2, 3]
    assert_sound(log)


def test_a_pruned_log_is_exported_and_imported_as_it_is(tmp_path):
    now = system_clock()
    log = make_log(
        tmp_path / "log.db",
        (now - 40 * DAY_MS, [*order_events(1, STATES[:1]), *order_events(2, STATES[:2]), *order_events(3)]),
        (now, [{"tipo": "cambio_estado", "pedido_id": 2, "estado": "servido"}, *order_events(4)]),
    )
    pruned(log, "20d")
    exported = export(log, tmp_path / "log.ndjson")
    assert call("verify", str(exported)).exit_code == 0
    assert call("import", str(exported), "--database", str(tmp_path / "new.db")).exit_code == 0
    assert content(tmp_path / "new.db") == content(log)
    assert_sound(tmp_path / "new.db")
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join([*lines[:-2], lines[-1]]))  # without the poda event
    assert "its tail was cut" in fails(1, "verify", str(exported))


def test_a_set_of_many_orders_has_several_parts(tmp_path):
    notes = "x" * 3000
    drafts = [event for number in range(1, 201) for event in order_events(number, STATES[:1], notas=notes)]
    log = make_log(tmp_path / "log.db", (system_clock() - 40 * DAY_MS, drafts))
    pruned(log, "1d")
    parts = events(log)
    assert [(part["parte"], part["partes"]) for part in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert len(parts) > 2
    assert [order["id"] for part in parts for order in part["pedidos_abiertos"]] == list(range(1, 201))
    with opened(log) as connection:
        sizes = [size for (size,) in connection.execute("SELECT length(CAST(data AS BLOB)) FROM events")]
    assert max(sizes) <= PART_BYTES
    assert min(sizes[:-1]) > PART_BYTES - 10_000
    assert_sound(log)
    with opened(log) as connection:
        connection.execute("DELETE FROM orders WHERE id = 77")
    assert "order 77 is not what" in fails(1, "verify", "--database", str(log))


def test_rows_that_an_ended_pruning_left_are_seen_by_nobody_and_go_with_the_next(tmp_path, make_server):
    now = system_clock()
    birth, *changes = order_events(1)
    birth["operacion_id"] = "k"
    log = make_log(tmp_path / "log.db", (now - 40 * DAY_MS, [birth, *changes]), (now, order_events(2, STATES[:1])))
    before = stored_orders(log)
    copy = make_log(tmp_path / "copy.db")
    copy.write_bytes(log.read_bytes())
    pruned(copy, "1d")
    # What the transaction has left before any row is deleted.
    with opened(log) as connection:
        connection.execute("ATTACH ? AS copy", (str(copy),))
        connection.execute("INSERT INTO events SELECT * FROM copy.events WHERE type = 'poda'")
        bounds = connection.execute("SELECT head_id, head_hash, oldest, anchor_hash FROM copy.log").fetchone()
        connection.execute("UPDATE log SET head_id = ?, head_hash = ?, oldest = ?, anchor_hash = ?", bounds)
    assert call("verify", "--database", str(log)).exit_code == 0
    assert stored_orders(log) == before
    server = make_server(log)
    assert server.request("GET", "/api/pedidos/1")[0] == 404
    assert server.request("GET", "/api/pedidos/2")[2]["pedido"]["id"] == 2
    assert server.publish(birth) == {"id": 11, "cursor": f"{epoch(log)}-11", "duplicado": False}
    server.stop()
    assert "no event is so old" in pruned(log, "1d")
    assert [event["id"] for event in events(log)] == list(range(7, 12))
    assert_sound(log)


def test_a_key_goes_with_its_events_and_own_orders_are_never_numbered_twice(make_server):
    server = make_server()
    server.request("POST", "/api/productos", {"nombre": "Pupusa", "precio": 1})
    order = {"operacion_id": "a", "tipo": "mesa", "items": [{"producto_id": 1, "cantidad": 1}]}
    status, _, answer = server.request("POST", "/api/pedidos", order)
    assert status == 201, answer
    own = answer["pedido"]["id"]
    server.publish({"tipo": "cambio_estado", "pedido_id": own, "estado": "cerrado", "operacion_id": "k"})
    assert server.publish({"tipo": "cambio_estado", "pedido_id": own, "estado": "cerrado", "operacion_id": "k"})[
        "duplicado"
    ]
    prune_everything(server.database)
    assert server.request("GET", f"/api/pedidos/{own}")[0] == 404
    status, _, answer = server.request("POST", "/api/pedidos", order)
    assert (status, answer["pedido"]["id"]) == (201, own + 1)
    again = {"tipo": "cambio_estado", "pedido_id": own + 1, "estado": "listo", "operacion_id": "k"}
    assert server.publish(again)["duplicado"] is False
    prune_everything(server.database)
    with opened(server.database) as connection:
        assert connection.execute("SELECT count(*) FROM idempotency_keys").fetchone() == (0,)
    assert_sound(server.database)


@pytest.mark.parametrize("keep", ["0h", "0d", "00d"])
def test_nothing_is_kept_by_no_age(tmp_path, keep):
    """In the setting 0 keeps all."""
    log = make_log(tmp_path / "log.db", (system_clock() - DAY_MS, order_events(1)))
    before = events(log)
    refused = call("prune", "--keep", keep, "--yes", "--database", str(log))
    assert (refused.exit_code, "would keep nothing" in refused.stderr) == (2, True)
    assert events(log) == before


def test_more_than_half_is_not_pruned_where_nobody_can_be_asked_unless_that_was_said(tmp_path):
    now = system_clock()
    log = make_log(tmp_path / "log.db", (now - 40 * DAY_MS, order_events(1)), (now, order_events(2)))
    before = content(log)
    # Half of it is old, and half is not more than half.
    assert call("prune", "--keep", "20d", "--dry-run", "--database", str(log)).exit_code == 0
    assert content(log) == before
    beyond = make_log(tmp_path / "beyond.db", (now - 40 * DAY_MS, [*order_events(1), *order_events(3)]),
                      (now, order_events(2)))  # fmt: skip
    before = content(beyond)
    refused = call("prune", "--keep", "20d", "--database", str(beyond))
    assert refused.exit_code == 2
    assert "12 of 18 events" in refused.stderr
    assert "--yes" in refused.stderr
    assert content(beyond) == before
    said = call("prune", "--keep", "20d", "--dry-run", "--database", str(beyond)).stderr
    assert "would go: 12 of 18 events, up to 12 of " in said
    assert "0 orders go on" in said
    assert content(beyond) == before
    assert "pruned 12 events up to 12" in pruned(beyond, "20d")
    result = call("prune", "--keep", "20d", "--database", str(log))
    assert (result.exit_code, "pruned 6 events" in result.stderr) == (0, True)
    assert_sound(beyond)
    assert_sound(log)


def test_who_prunes_by_a_wrong_clock_is_told_how_old_the_newest_event_is(tmp_path):
    log = make_log(tmp_path / "log.db", (system_clock() - 1095 * DAY_MS, order_events(1)))
    refused = call("prune", "--keep", "400d", "--database", str(log))
    assert refused.exit_code == 2
    assert "6 of 6 events" in refused.stderr
    assert "The newest event is 1,095 days old: is the clock right?" in refused.stderr
    assert len(events(log)) == 6


def test_at_a_terminal_more_than_half_is_not_pruned_unasked(tmp_path):
    log = make_log(tmp_path / "log.db", (system_clock() - DAY_MS // 2, order_events(1)))
    before = events(log)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pos_notif", "prune", "--keep", "1h", "--database", str(log)]
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE) as process:
        os.write(ours, b"n\n")
        assert process.stderr is not None
        said = process.stderr.read()
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 1
    assert b"Go on?" in said
    assert events(log) == before


def test_live_readers_go_on_and_those_behind_are_told_to_resynchronise(tmp_path, make_server):
    drafts = [stock_alert(number, "agotado", nota="x" * 2000) for number in range(3000)]
    log = make_log(tmp_path / "log.db", (system_clock(), drafts))
    server = make_server(log, write_timeout_seconds="3600", max_backlog="0")
    cursor = server.request("GET", "/api/notificaciones/polling/manager")[2]["cursor"]
    epoch = cursor.split("-")[0]
    with (
        SseClient(server, "cocinero", query=f"?cursor={cursor}") as live,
        SseClient(server, "cocinero", query="?cursor=inicio", receive_buffer=4096) as stalled,
    ):
        live.next_event("hola")
        prune_everything(log)
        eventually(lambda: server.request("GET", f"/api/notificaciones/polling/cocinero?cursor={epoch}-2999")[2]
                   .get("resincronizar", {}).get("motivo") == "expirado")  # fmt: skip
        new = server.publish(stock_alert(1, "disponible"))["id"]
        assert live.take(1)[0].data["id"] == new
        told = stalled.next_event("resincronizar")
        assert (told.data["motivo"], told.data["mas_antiguo"]) == ("expirado", f"{epoch}-3000")
        assert 0 < int(told.data["cursor_recibido"].split("-")[1]) < 3000
        new = server.publish(stock_alert(2, "agotado"))["id"]
        assert stalled.take(1)[0].data["id"] == new
    with SseClient(server, "manager", query=f"?cursor={epoch}-3000") as resumed:
        assert [frame.data["tipo"] for frame in resumed.take(3)] == ["poda", "alerta_stock", "alerta_stock"]
    with SseClient(server, "manager", query=f"?cursor={epoch}-5") as late:
        assert late.next_event("resincronizar").data["motivo"] == "expirado"


def test_the_service_prunes_when_it_starts(tmp_path, make_server):
    now = system_clock()
    log = make_log(tmp_path / "log.db", (now - 40 * DAY_MS, order_events(1)), (now, order_events(2)))
    server = make_server(log, keep_days="30")
    eventually(lambda: [line for line in server.stderr_lines if "pruned 6 events up to 6; 0 orders" in line])
    assert server.request("GET", "/api/pedidos/1")[0] == 404
    assert server.new_order(3)["id"] == 14
    assert_sound(log)


def test_two_prunings_at_once_take_each_event_once(tmp_path):
    log = make_log(
        tmp_path / "log.db", (START_MS, [event for n in range(1, 60) for event in order_events(n, STATES[:2])])
    )

    async def both() -> list[object]:
        async with NotificadorPedidos(database=str(log)) as one, NotificadorPedidos(database=str(log)) as other:
            return await asyncio.gather(*[prune_all(each) for each in (one, other)], return_exceptions=True)

    async def prune_all(notifier: NotificadorPedidos) -> object:
        return await prune(
            notifier.log.database, notifier.log.store, before_ms=START_MS + 1, at=Instant(START_MS),
            zone=notifier.log.zone,
        )  # fmt: skip

    results = [type(result).__name__ for result in asyncio.run(both())]
    assert sorted(results) in (["Overtaken", "PruningResult"], ["NoneType", "PruningResult"])
    assert_sound(log)


class Beside:
    """A log beside whose next transaction something else happens first."""

    def __init__(self, log: SqliteLog, first: Callable[[], Awaitable[object]]) -> None:
        self.log, self.first = log, first

    async def transact(self, work):
        await self.first()
        return await self.log.transact(work)


async def test_an_order_that_goes_on_while_the_pruning_is_planned_is_carried(tmp_path):
    path = tmp_path / "log.db"
    clock = HeldClock(START_MS)
    async with NotificadorPedidos(database=str(path), clock=clock, ticks=clock.ticks) as notifier:
        await notifier.publishing.publish(order_events(1), publisher=PUBLISHER, batch=True)

        async def recall() -> None:
            await notifier.notificar_cambio_estado_pedido(1, "en_cocina", recuperado=True)

        beside = Beside(notifier.log.store, recall)
        done = await prune(
            notifier.log.database, beside, before_ms=START_MS + 1, at=Instant(START_MS), zone=notifier.log.zone
        )  # fmt: skip
        assert (done.up_to, done.orders) == (6, 1)
    recalled, poda = events(path)
    assert recalled["estado"] == "en_cocina"
    assert [order["estado"] for order in poda["pedidos_abiertos"]] == ["cerrado"]
    assert_sound(path)


pruning_steps = st.tuples(steps, st.sampled_from([None, None, 0, 90_000_000]), st.booleans())


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pruning_steps, min_size=3, max_size=14))
def test_random_sequences_with_prunings_in_between(sequence):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log.db"
        asyncio.run(play(path, sequence))
        assert_sound(path)


async def play(path, sequence):
    """Of each step: drafts, then a pause; then a pruning, beside which the next step's drafts may be published."""
    clock = HeldClock(START_MS)
    async with NotificadorPedidos(database=path, clock=clock, ticks=clock.ticks) as notifier:

        async def publish(drafts):
            parsed = [parse_draft(json.loads(json.dumps(draft))) for draft in drafts]
            await notifier.publishing.publish(parsed, publisher=PUBLISHER, batch=len(drafts) > 1)

        for (drafts, pause), keep, beside in sequence:
            clock.ms += pause
            publishing = asyncio.create_task(publish(drafts))
            if not beside:
                await asyncio.wait([publishing])
            if keep is not None:
                log = notifier.log
                await prune(
                    log.database, log.store, before_ms=clock.ms - keep + 1, at=Instant(clock.ms), zone=log.zone
                )  # fmt: skip
            await asyncio.wait([publishing])
            if not isinstance(publishing.exception(), (*REFUSALS, type(None))):
                publishing.result()
