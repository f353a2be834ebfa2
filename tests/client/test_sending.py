"""What was stored is sent once and in order; what is refused is kept and told, and holds up nothing."""

from __future__ import annotations

import pytest

from pos_notif_client import ClaveReutilizada
from tests.soak.check import read_log
from tests.support.live_server import LiveServer
from tests.support.waiting import eventually


def keys(server: LiveServer) -> list[str]:
    return [event["operacion_id"] for event in read_log(server.database)]


def test_the_seven_calls_are_the_notifiers_events(server, make_outbox):
    outbox = make_outbox(server)
    pedido = {"id": 1, "mesa_numero": 5, "items": [{"id": 4, "producto_nombre": "Pupusa", "cantidad": 2}]}
    actor = {"usuario_id": 3, "username": "Ana", "rol": "mesero"}
    sent = [
        outbox.notificar_nuevo_pedido(pedido, operacion_id="pedido-1-nuevo", actor=actor),
        outbox.notificar_item_modificado(1, 4, {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}, total=2.25),
        outbox.notificar_cambio_mesa(1, 6, mesa=None),
        outbox.notificar_cambio_estado_pedido(1, "en_cocina"),
        outbox.notificar_pedido_listo(1, ("Pupusa",)),
        outbox.notificar_pedido_cancelado(1, "se fueron"),
        outbox.notificar_stock_bajo(7, "Queso", 2, stock_minimo=5),
        outbox.publicar({"tipo": "alerta_stock", "producto_id": 8, "nombre": "Sal", "operacion_id": "own"}),
    ]
    assert outbox.vaciar(60)
    events = read_log(server.database)
    assert [event["operacion_id"] for event in events] == sent
    assert (sent[0], sent[-1]) == ("pedido-1-nuevo", "own")
    assert [event["tipo"] for event in events] == [
        "nuevo_pedido", "item_modificado", "cambio_mesa", "cambio_estado", "pedido_listo", "pedido_cancelado",
        "alerta_stock", "alerta_stock",
    ]  # fmt: skip
    assert events[0]["actor"] == actor
    assert all("timestamp_origen" in event for event in events)
    assert outbox.estado() == {
        "pendientes": 0, "mas_antiguo_segundos": None, "rechazados": 0, "ultimo_error": None, "enviando": True,
    }  # fmt: skip


def test_one_that_is_refused_in_the_middle_of_a_batch_is_kept_and_the_others_are_sent_in_order(server, make_outbox):
    refused = []
    outbox = make_outbox()
    sent = [outbox.notificar_nuevo_pedido({"id": number}) for number in range(1, 31)]
    bad = outbox.notificar_cambio_estado_pedido(5, "volando")
    sent += [outbox.notificar_nuevo_pedido({"id": number}) for number in range(31, 131)]
    sender = make_outbox(server, al_rechazar=lambda event, error: refused.append((event, error)))
    assert sender.vaciar(60)
    assert keys(server) == sent
    [(event, error)] = eventually(refused.copy)  # it is told once it is kept
    assert (event["operacion_id"], error["status"], error["codigo"]) == (bad, 422, "datos_invalidos")
    assert "estado" in error["campos"]
    [kept] = outbox.rechazados()
    assert (kept["clave"], kept["estado"], kept["evento"], kept["error"]) == (bad, "rechazado", event, error)
    assert outbox.estado()["rechazados"] == 1


def test_an_order_that_is_there_already_counts_as_sent(server, make_outbox):
    server.new_order(1)
    outbox = make_outbox(server)
    outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="pedido-1-nuevo")
    assert outbox.vaciar(60)
    assert outbox.rechazados() == []
    assert len(read_log(server.database)) == 1


def test_the_same_call_again_is_no_second_event_and_another_under_its_key_is_an_error(server, make_outbox):
    outbox = make_outbox(server)
    for _ in range(2):
        for _ in range(2):
            assert outbox.notificar_nuevo_pedido({"id": 1, "mesa_numero": 5}, operacion_id="pedido-1") == "pedido-1"
        with pytest.raises(ClaveReutilizada):
            outbox.notificar_nuevo_pedido({"id": 1, "mesa_numero": 6}, operacion_id="pedido-1")
        assert outbox.vaciar(60)  # and then once more, after it was sent
    assert keys(server) == ["pedido-1"]
    assert outbox.rechazados() == []
