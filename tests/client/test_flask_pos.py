"""The old Flask POS with the drop-in in the place of its notifier: what its calls make of the kitchen's board."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import socketio as stock
from werkzeug.serving import make_server as make_wsgi_server

from pos_notif_client import answers, flask_socketio
from pos_notif_client.flask_socketio import NotificadorPedidos, configurar, registrar_socketio_handlers
from tests.client.flask_pos import COMBO, HORCHATA, PUPUSA, Till, product
from tests.client.test_package import oldest_python
from tests.support.live_server import LiveServer, clean_environment
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


def sent(outbox: Any = None) -> None:
    assert (outbox or flask_socketio._configured().outbox).vaciar(60)


def board(server: LiveServer) -> dict[int, Any]:
    sent()
    _, _, answer = server.request("GET", "/api/pedidos?vista=cocina")
    return {order["id"]: order for order in answer["pedidos"]}


def order_of(server: LiveServer, order_id: int) -> Any:
    sent()
    return server.request("GET", f"/api/pedidos/{order_id}")[2]["pedido"]


def kinds(server: LiveServer, order_id: int) -> list[str]:
    sent()
    events = server.request("GET", f"/api/pedidos/{order_id}")[2]["eventos"]
    return [event["cambios"]["tipo_cambio"] if "cambios" in event else event["tipo"] for event in events]


def shown(order: Any) -> list[tuple[Any, ...]]:
    """What a cook reads of the lines."""
    names = ("id", "producto_nombre", "cantidad", "notas", "componentes")
    return [tuple(line.get(name) or None for name in names) for line in order["items"]]


def in_the_tables(till: Till, order_id: int) -> list[tuple[Any, ...]]:
    order = till.read(order_id)
    for line in order["items"]:
        line["componentes"] = [dict(part) for part in line.get("componentes", ())]
    return shown(order)


@pytest.mark.parametrize("away", [False, True], ids=["there", "away meanwhile"])
def test_the_eleven_calls_end_right_on_the_board(server: LiveServer, till: Till, away: bool):
    if away:
        server.stop()
    table = till.order(1, product(PUPUSA, 2, notas="sin sal"), {"combo_id": COMBO, "cantidad": 1, "es_combo": True})
    takeaway = till.order(None, product(HORCHATA), payment="anticipado")
    till.call("PUT", f"/pedidos/{takeaway}/pago", {})
    till.call("POST", f"/pedidos/{table}/items", {"producto_id": HORCHATA, "cantidad": 2})
    till.call("POST", f"/pedidos/{table}/items", {"combo_id": COMBO, "cantidad": 1})
    till.call("DELETE", f"/pedidos/{table}/items/{till.line(table, 'Horchata')}")
    till.call("PUT", f"/pedidos/{table}/items/{till.line(table, 'Pupusa de queso')}", {"cantidad": 3})
    till.state(table, "en_cocina")
    for paper in ({"tipo": "factura"}, {"tipo": "ticket"}):
        till.call("POST", f"/pedidos/{table}/facturar", paper)
    for falla in (False, True):
        till.call("POST", f"/pedidos/{table}/enviar-dte", {"falla": falla})
    if away:
        server.start()

    orders = board(server)
    assert set(orders) == {table, takeaway}
    assert shown(orders[table]) == in_the_tables(till, table)
    assert shown(orders[takeaway]) == in_the_tables(till, takeaway)
    assert [name for _, name, *_ in shown(orders[table])] == ["Pupusa de queso", "Combo familiar", "Combo familiar"]
    first, second = orders[table], order_of(server, takeaway)
    assert (first["estado"], first["mesa_numero"], first["tipo"], first["mesero"]) == ("en_cocina", 11, "mesa", "Ana")
    assert (second["estado"], second["tipo"], second["tipo_pago"]) == ("en_cocina", "llevar", "anticipado")
    assert second["pagado_at"]
    assert order_of(server, table)["total"] == till.read(table)["total"]
    assert kinds(server, table) == [
        "nuevo_pedido", "item_agregado", "item_agregado", "item_removido", "cantidad_modificada", "cambio_estado",
    ]  # fmt: skip
    assert kinds(server, takeaway) == ["nuevo_pedido", "cambio_estado"]
    assert flask_socketio._configured().outbox.rechazados() == []


def test_the_time_of_the_call_and_its_key_go_along(server: LiveServer, till: Till):
    order_id = till.order(1, product(PUPUSA))
    sent()
    event = server.request("GET", f"/api/pedidos/{order_id}")[2]["eventos"][0]
    assert event["operacion_id"] == f"pedido-{order_id}-nuevo"
    assert event["timestamp_origen"] == event["pedido"]["timestamp_origen"]
    assert len(event["timestamp_origen"]) == len("2026-11-29T12:00:00.123456")  # naive, as the POS has it


def test_an_order_that_is_told_as_new_again_is_compared(server: LiveServer, till: Till, folder: Path):
    order_id = till.order(1, product(PUPUSA, 2))
    run(folder, "UPDATE pedido_items SET cantidad = 3 WHERE pedido_id = ?", order_id)
    NotificadorPedidos.notificar_nuevo_pedido(None, {"id": order_id, "mesa_id": 1, "tipo": "al_final", "items": []})
    assert kinds(server, order_id) == ["nuevo_pedido", "cantidad_modificada"]
    assert flask_socketio._configured().outbox.rechazados() == []


def test_a_sale_on_credit_closes_the_order(server: LiveServer, till: Till):
    order_id = till.order(1, product(PUPUSA))
    for state in ("listo", "servido", "credito"):
        till.state(order_id, state)
    sent()
    answer = server.request("GET", f"/api/pedidos/{order_id}")[2]
    assert answer["pedido"]["estado"] == "cerrado"
    assert answer["eventos"][-1]["metodo_pago"] == "credito"


def test_the_calls_that_the_old_pos_has_and_does_not_use(server: LiveServer, till: Till):
    order_id = till.order(1, product(PUPUSA))
    NotificadorPedidos.notificar_pedido_listo(None, order_id, [{"nombre": "Pupusa de queso"}])
    NotificadorPedidos.notificar_stock_bajo(None, HORCHATA, "Horchata", 2)
    NotificadorPedidos.notificar_pedido_cancelado(None, order_id, "se fue")
    order = order_of(server, order_id)
    assert (order["estado"], order["razon"]) == ("cancelado", "se fue")
    assert kinds(server, order_id) == ["nuevo_pedido", "pedido_listo", "pedido_cancelado"]
    _, _, recent = server.request("GET", "/api/notificaciones/polling/manager")
    (alert,) = [event for event in recent["eventos"] if event["tipo"] == "alerta_stock"]
    assert (alert["nombre"], alert["stock_actual"]) == ("Horchata", 2)


def test_guests_who_were_moved_in_the_tables_have_moved(server: LiveServer, till: Till, folder: Path):
    order_id = till.order(1, product(PUPUSA))
    run(folder, "UPDATE pedidos SET mesa_id = 2 WHERE id = ?", order_id)
    till.state(order_id, "en_cocina")
    assert order_of(server, order_id)["mesa_numero"] == 12


def run(folder: Path, sql: str, *arguments: Any) -> None:
    import sqlite3

    with sqlite3.connect(folder / "pos.db") as connection:
        connection.execute(sql, arguments)
    connection.close()


# What was last sent


def test_what_was_last_sent_outlives_a_restart(server: LiveServer, till: Till, folder: Path):
    order_id = till.order(1, product(PUPUSA, 2), product(HORCHATA))
    sent()
    outbox = configurar(server.url, server.token, str(folder / "salida.db"), leer_pedido=till.read)
    till.call("PUT", f"/pedidos/{order_id}/items/{till.line(order_id, 'Horchata')}", {"cantidad": 4})
    assert kinds(server, order_id) == ["nuevo_pedido", "cantidad_modificada"]
    assert shown(board(server)[order_id]) == in_the_tables(till, order_id)
    outbox.cerrar()


def test_processes_know_the_same(server: LiveServer, folder: Path):
    """As gunicorn has them: what one told, the next one does not tell again."""
    command = [sys.executable, "-m", "tests.client.flask_pos", "0", str(folder / "pos.db"), str(folder / "salida.db")]
    environment = clean_environment(PYTHONPATH=f"{ROOT}:{ROOT / 'client'}")
    workers = [
        subprocess.Popen(
            [*command, server.url, server.token], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        one, other = (
            Till(f"http://127.0.0.1:{worker.stdout.readline().strip()}", folder / "pos.db") for worker in workers
        )
        order_id = one.order(1, product(PUPUSA))
        other.call("POST", f"/pedidos/{order_id}/items", {"producto_id": HORCHATA})
        one.call("DELETE", f"/pedidos/{order_id}/items/{one.line(order_id, 'Pupusa de queso')}")
        other.state(order_id, "en_cocina")
        path = f"/api/pedidos/{order_id}"
        eventually(lambda: server.request("GET", path)[2].get("pedido", {}).get("estado") == "en_cocina")
        answer = server.request("GET", path)[2]
        assert shown(answer["pedido"]) == in_the_tables(one, order_id)
        assert [event["tipo"] for event in answer["eventos"]] == [
            "nuevo_pedido", "item_modificado", "item_modificado", "cambio_estado",
        ]  # fmt: skip
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdout.close()


def test_who_was_overtaken_reads_again(server: LiveServer, till: Till, folder: Path):
    """What one process read before another told of something newer is not told after it."""
    order_id = till.order(1, product(PUPUSA, 2))
    line_id = till.line(order_id, "Pupusa de queso")
    overtaken: list[Any] = []

    def read_slowly(order_id: int) -> Any:
        order = till.read(order_id)
        if not overtaken:
            overtaken.append(order)
            till.call("PUT", f"/pedidos/{order_id}/items/{line_id}", {"cantidad": 9})
        return order

    outbox = configurar(server.url, server.token, str(folder / "salida.db"), leer_pedido=read_slowly)
    till.state(order_id, "en_cocina")
    assert shown(board(server)[order_id]) == in_the_tables(till, order_id)
    assert kinds(server, order_id) == ["nuevo_pedido", "cantidad_modificada", "cambio_estado"]
    outbox.cerrar()


def test_tills_that_change_one_order_at_once(server: LiveServer, till: Till):
    """Who read the tables before another one told of them reads again: the board ends as the tables do."""
    order_id = till.order(1, *(product(PUPUSA) for _ in range(4)))
    lines = [line["id"] for line in till.read(order_id)["items"]]

    def change(number: int) -> None:
        till.call("PUT", f"/pedidos/{order_id}/items/{lines[number % 4]}", {"cantidad": number + 1})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(change, range(40)))
    assert shown(board(server)[order_id]) == in_the_tables(till, order_id)


def test_a_change_behind_the_calls_is_told_by_the_next_one(server: LiveServer, till: Till, folder: Path):
    order_id = till.order(1, product(PUPUSA, 2))
    run(folder, "UPDATE pedido_items SET notas = 'SIN sal', cantidad = 5 WHERE pedido_id = ?", order_id)
    till.state(order_id, "en_cocina")
    assert kinds(server, order_id) == ["nuevo_pedido", "cantidad_modificada", "notas_modificadas", "cambio_estado"]
    assert shown(board(server)[order_id]) == in_the_tables(till, order_id)


def lose_the_outbox(folder: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        (folder / f"salida.db{ending}").unlink(missing_ok=True)


def test_an_order_from_before_the_drop_in_comes_whole(server: LiveServer, till: Till, folder: Path):
    order_id = till.order(1, product(PUPUSA, 2))
    sent()
    lose_the_outbox(folder)
    run(folder, "UPDATE pedidos SET id = 500 WHERE id = ?", order_id)
    run(folder, "UPDATE pedido_items SET pedido_id = 500 WHERE pedido_id = ?", order_id)
    till.call("POST", "/pedidos/500/items", {"producto_id": HORCHATA})
    assert shown(board(server)[500]) == in_the_tables(till, 500)
    assert kinds(server, 500) == ["nuevo_pedido"]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the service is asked may take longer than a second, as on a busy machine, and it is not away."""
    monkeypatch.setattr(answers, "_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
def test_what_a_lost_outbox_knew_is_asked_of_the_service(server: LiveServer, till: Till, folder: Path):
    order_id = till.order(1, product(PUPUSA, 2), {"combo_id": COMBO, "cantidad": 1, "es_combo": True})
    sent()
    lose_the_outbox(folder)
    till.call("POST", f"/pedidos/{order_id}/items", {"producto_id": HORCHATA})
    assert shown(board(server)[order_id]) == in_the_tables(till, order_id)
    assert kinds(server, order_id) == ["nuevo_pedido", "item_agregado"]


OLDEST = """
import sys
from pos_notif_client.flask_socketio import NotificadorPedidos, configurar
order = {"items": [{"id": 1, "producto_nombre": "Pupusa", "cantidad": 1}]}
outbox = configurar(*sys.argv[1:], leer_pedido=lambda order_id: order)
NotificadorPedidos.notificar_nuevo_pedido(None, {"id": 5, "mesa_id": 1, "tipo": "al_final"})
order["items"][0]["notas"] = "SIN sal"
NotificadorPedidos.notificar_item_modificado(None, 5, 1, {"tipo_cambio": "cantidad_modificada"})
assert outbox.vaciar(60)
"""


def test_it_runs_on_the_oldest_python(server: LiveServer, folder: Path):
    command = [oldest_python(), "-c", OLDEST, server.url, server.token, str(folder / "salida.db")]
    subprocess.run(command, env=clean_environment(PYTHONPATH=str(ROOT / "client")), check=True, timeout=120)
    answer = server.request("GET", "/api/pedidos/5")[2]
    assert [event["tipo"] for event in answer["eventos"]] == ["nuevo_pedido", "item_modificado"]
    assert answer["pedido"]["items"][0]["notas"] == "SIN sal"


# What is left out, or fails


def test_without_a_reader_lines_are_left_out_with_a_warning(
    server: LiveServer, till: Till, folder: Path, caplog: pytest.LogCaptureFixture
):
    ignored: list[tuple[Any, str]] = []
    outbox = configurar(
        server.url, server.token, str(folder / "otra.db"), al_ignorar=lambda event, why: ignored.append((event, why))
    )
    order_id = till.order(1, product(PUPUSA), {"combo_id": COMBO, "cantidad": 1, "es_combo": True})
    with caplog.at_level(logging.WARNING, "pos_notif_client"):
        till.call("POST", f"/pedidos/{order_id}/items", {"producto_id": HORCHATA})
    till.call("POST", f"/pedidos/{order_id}/facturar", {"tipo": "factura"})
    till.state(order_id, "entregado")
    assert "leer_pedido" in caplog.text
    assert [why for _, why in ignored] == ["falta leer_pedido", "no es asunto de una cocina", "estado desconocido"]
    assert ignored[0][0]["cambios"]["tipo_cambio"] == "item_agregado"
    order = order_of(server, order_id)
    assert [(line["id"], line["producto_id"], line["producto_nombre"]) for line in order["items"]][:2] == [
        (1, PUPUSA, None), (2, None, "Combo familiar"),
    ]  # fmt: skip
    assert kinds(server, order_id) == ["nuevo_pedido"]
    outbox.cerrar()


def test_a_reader_that_fails_keeps_nothing_back(server: LiveServer, till: Till, folder: Path):
    broken: list[BaseException] = []

    def read(order_id: int) -> Any:
        if broken:
            raise broken[0]
        return till.read(order_id)

    outbox = configurar(server.url, server.token, str(folder / "otra.db"), leer_pedido=read)
    order_id = till.order(1, product(PUPUSA))
    broken.append(OSError("no such disk"))
    till.call("POST", f"/pedidos/{order_id}/items", {"producto_id": HORCHATA})
    till.state(order_id, "en_cocina")
    assert kinds(server, order_id) == ["nuevo_pedido", "cambio_estado"]
    broken.clear()
    till.state(order_id, "en_cocina")
    assert shown(board(server)[order_id]) == in_the_tables(till, order_id)
    outbox.cerrar()


def test_nothing_is_configured_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flask_socketio, "_bridge", None)
    with pytest.raises(RuntimeError, match="configurar"):
        NotificadorPedidos.notificar_nuevo_pedido(None, {"id": 1})


def test_an_order_without_an_id_is_a_mistake_of_the_caller(till: Till):
    with pytest.raises(ValueError, match="no order's id"):
        NotificadorPedidos.notificar_nuevo_pedido(None, {"items": []})


def test_a_full_outbox_forgets_nothing(server: LiveServer, till: Till, folder: Path):
    """What was not stored was not said either: the next call has room, and says it."""
    outbox = configurar(None, None, str(folder / "otra.db"), leer_pedido=till.read, max_eventos=1)
    order_id = till.order(1, product(PUPUSA))
    assert NotificadorPedidos.notificar_cambio_estado_pedido(None, order_id, "en_cocina") is None
    till.call("POST", f"/pedidos/{order_id}/items", {"producto_id": HORCHATA})
    assert outbox.pendientes() == 1
    outbox.cerrar()
    outbox = configurar(server.url, server.token, str(folder / "otra.db"), leer_pedido=till.read)
    till.state(order_id, "en_cocina")
    assert kinds(server, order_id) == ["nuevo_pedido", "item_agregado", "cambio_estado"]
    outbox.cerrar()


def test_a_process_that_only_stores_stores(server: LiveServer, till: Till, folder: Path):
    """Of an order that it does not know it cannot ask: what the call says is kept all the same."""
    order_id = till.order(1, product(PUPUSA))
    outbox = configurar(None, None, str(folder / "otra.db"), leer_pedido=till.read)
    till.state(order_id, "en_cocina")
    assert outbox.pendientes() == 2  # the order, and its state
    assert NotificadorPedidos.obtener_eventos_pendientes("cocina") == []
    outbox.cerrar()


# What the old pages ask


@pytest.mark.usefixtures("patient")
def test_pending_events_are_the_last_minutes_each_time(server: LiveServer, till: Till):
    order_id = till.order(1, product(PUPUSA))
    sent()

    def asked(role: str) -> list[Any]:
        return till.call("GET", f"/api/notificaciones/polling/{role}")["eventos"]  # type: ignore[no-any-return]

    first = eventually(lambda: asked("cocinero"))
    assert [(event["tipo"], event["pedido"]["id"]) for event in first] == [("nuevo_pedido", order_id)]
    assert asked("cocinero") == first
    assert asked("cocina") == first  # as the old notifier called its queues
    assert asked("manager") != []
    assert asked("nadie") == []


def test_who_asks_a_service_that_is_away_is_not_kept(server: LiveServer, till: Till):
    sent()
    assert till.call("GET", "/api/notificaciones/estado")["total_conexiones"] == 0
    server.stop()
    assert eventually(lambda: till.call("GET", "/api/notificaciones/polling/mesero")["eventos"] == [])
    assert NotificadorPedidos.obtener_estado_conexiones() == {
        "total_conexiones": 0, "por_rol": {}, "conexiones": [],
    }  # fmt: skip
    server.start()


def test_a_hundred_questions_are_one_to_the_service(server: LiveServer, till: Till):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: NotificadorPedidos.obtener_eventos_pendientes("mesero"), range(100)))
    asked = [line for line in server.stderr_lines if "/polling/mesero" in line]
    assert not any('"status": 429' in line for line in asked)


def test_rooms_are_the_services_affair(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flask_socketio, "_warned", False)
    with caplog.at_level(logging.WARNING, "pos_notif_client"):
        NotificadorPedidos.registrar_conexion(None, "sid", 5, "mesero", "Ana")
        NotificadorPedidos.suscribir_a_sala(None, "sid", "pedido_5")
        NotificadorPedidos.desuscribir_de_sala(None, "sid", "pedido_5")
        NotificadorPedidos.desregistrar_conexion("sid")
    assert len(caplog.records) == 1


def test_an_old_page_s_socket_is_refused_so_that_it_polls(make_wsgi: Callable[[Any], str]):
    """The old client polls after `connect_error`; a socket that is let in would be silent."""
    server = stock.Server(async_mode="threading")
    registrar_socketio_handlers(server)
    client = stock.Client(reconnection=False)
    with pytest.raises(stock.exceptions.ConnectionError):
        client.connect(make_wsgi(stock.WSGIApp(server)), transports=["polling"], wait_timeout=60)
    assert not client.connected
    registrar_socketio_handlers(None)


@pytest.fixture
def make_wsgi() -> Iterator[Callable[[Any], str]]:
    served: list[Any] = []

    def serve(app: Any) -> str:
        server = make_wsgi_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        served.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in served:
        server.shutdown()
        server.server_close()
