"""`NotificadorPedidos` from Python: the methods that the POS already knows, by their names."""

from __future__ import annotations

import asyncio
import json

import pytest

from pos_notif import NotificadorPedidos, create_app
from pos_notif.config import Config
from pos_notif.errors import Invalid, InvalidTransition, KeyReused, LogUnavailable, NotFound, OrderExists, TooLarge
from tests.support.in_process import HeldClock
from tests.support.logs import opened
from tests.support.pos import START, START_MS


@pytest.fixture
async def notifier(tmp_path):
    clock = HeldClock(START_MS)
    async with NotificadorPedidos(database=tmp_path / "log.db", clock=clock, ticks=clock.ticks) as running:
        yield running


def stored(notifier):
    with opened(notifier.log.database.path) as connection:
        return [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]


async def test_a_new_order(notifier):
    answer = await notifier.notificar_nuevo_pedido({"id": 5, "items": [{"producto_nombre": "Pupusa"}]})
    assert answer == {"id": 1, "cursor": notifier.log.bounds.cursor(1), "duplicado": False}
    event = stored(notifier)[0]
    assert (event["tipo"], event["pedido"]["items"][0]["producto_nombre"]) == ("nuevo_pedido", "Pupusa")
    assert event["actor"] == {"usuario_id": None, "username": "python", "rol": "manager"}
    assert (event["timestamp"], event["salas"]) == (START, ["cocina", "managers", "pedido_5"])


async def test_every_publishing_method(notifier):
    await notifier.notificar_nuevo_pedido({"id": 5, "items": [{"id": 1, "producto_nombre": "Pupusa"}]})
    await notifier.notificar_pedido_listo(5, ["Pupusa"])
    await notifier.notificar_cambio_estado_pedido(5, "en_cocina")
    await notifier.notificar_item_modificado(5, 1, {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3})
    await notifier.notificar_pedido_cancelado(5, "se fueron")
    await notifier.notificar_stock_bajo(9, "Queso", 0)
    answer = await notifier.notificar_cambio_mesa(5, 12)
    events = stored(notifier)
    assert [event["tipo"] for event in events] == [
        # More than was ready goes back to the kitchen by an event of its own.
        "nuevo_pedido", "pedido_listo", "cambio_estado", "cambio_estado", "item_modificado", "pedido_cancelado",
        "alerta_stock", "cambio_mesa",
    ]  # fmt: skip
    _, ready, state, _, changed, cancelled, stock, moved = events
    assert ready["items_listos_ids"] == [1]
    assert (state["estado"], state["estado_anterior"]) == ("en_cocina", "listo")
    assert (changed["item"]["cantidad"], cancelled["razon"]) == (3, "se fueron")
    assert (stock["producto_id"], stock["nivel"]) == (9, "agotado")
    assert (moved["mesa_anterior"], moved["mesa_numero"], answer["id"]) == (None, 12, moved["id"])


async def test_the_other_fields_of_an_event_are_keywords(notifier):
    await notifier.notificar_cambio_estado_pedido(
        5,
        nuevo_estado="pagado",
        metodo_pago="tarjeta",
        actor={"username": "Ana"},
        operacion_id="k",
        zona=[1],
        razon=None,
    )
    event = stored(notifier)[0]
    assert (event["metodo_pago"], event["actor"], event["operacion_id"]) == ("tarjeta", {"username": "Ana"}, "k")
    assert event["zona"] == [1]
    assert "razon" not in event
    await notifier.notificar_pedido_listo(pedido_id=6, items_listos=("Sopa",), parcial=True)
    assert stored(notifier)[1]["parcial"] is True
    await notifier.notificar_pedido_cancelado(7)
    await notifier.notificar_stock_bajo(producto_id=1, nombre="Queso", stock_actual=None, nivel="disponible")
    assert [event.get("razon", "-") for event in stored(notifier)[2:]] == [None, "-"]


async def test_an_operation_is_published_once(notifier):
    first = await notifier.notificar_nuevo_pedido({"id": 5}, operacion_id="k")
    again = await notifier.notificar_nuevo_pedido({"id": 5}, operacion_id="k")
    assert again == {**first, "duplicado": True}
    with pytest.raises(KeyReused):
        await notifier.notificar_nuevo_pedido({"id": 6}, operacion_id="k")
    assert len(stored(notifier)) == 1


async def test_what_is_refused_raises_and_leaves_nothing(notifier):
    await notifier.notificar_nuevo_pedido({"id": 5})
    await notifier.notificar_cambio_estado_pedido(5, "cerrado")
    with pytest.raises(OrderExists):
        await notifier.notificar_nuevo_pedido({"id": 5})
    with pytest.raises(InvalidTransition) as transition:
        await notifier.notificar_pedido_listo(5, [])
    assert transition.value.extra["estado"] == "cerrado"
    for pedido in (
        {},
        {"id": "x"},
        {"id": 0},
        {"id": 1, "items": [{"cantidad": float("nan")}]},
        {"id": object()},
        None,
    ):
        with pytest.raises(Invalid):
            await notifier.notificar_nuevo_pedido(pedido)
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for fields in ({"extra": deep}, {"operacion_id": "a\nb"}):
        with pytest.raises(Invalid):
            await notifier.notificar_nuevo_pedido({"id": 6}, **fields)
    with pytest.raises(TooLarge):
        await notifier.notificar_nuevo_pedido({"id": 6}, extra="x" * 300_000)
    with pytest.raises(Invalid) as invalid:
        await notifier.notificar_item_modificado(5, 1, {"tipo_cambio": "otra"})
    assert list(invalid.value.fields) == ["cambios.tipo_cambio"]
    with pytest.raises(Invalid):
        await notifier.notificar_cambio_estado_pedido(5, "volando")
    assert len(stored(notifier)) == 2


async def test_pending_events_are_a_poll_that_empties_nothing(notifier):
    await notifier.notificar_nuevo_pedido({"id": 5, "total": 3})
    first = await notifier.obtener_eventos_pendientes("cocinero")
    assert (first["total"], first["hay_mas"], first["eventos"][0]["pedido_id"]) == (1, False, 5)
    assert "total" not in first["eventos"][0]["pedido"]
    assert await notifier.obtener_eventos_pendientes("cocinero") == first
    assert (await notifier.obtener_eventos_pendientes("manager"))["eventos"][0]["pedido"]["total"] == 3
    assert (await notifier.obtener_eventos_pendientes("mesero"))["eventos"] == []
    await notifier.notificar_pedido_listo(5, ["Pupusa"])
    later = await notifier.obtener_eventos_pendientes("cocinero", cursor=first["cursor"])
    assert [event["tipo"] for event in later["eventos"]] == ["pedido_listo"]
    for cursor, reason in (("basura", "desconocido"), ("inicio", "desconocido"), ("otro-1", "epoca")):
        answer = await notifier.obtener_eventos_pendientes("cocinero", cursor)
        assert (answer["eventos"], answer["resincronizar"]["motivo"]) == ([], reason)
    with pytest.raises(Invalid):
        await notifier.obtener_eventos_pendientes("cliente")


async def test_connections_are_noted_with_their_rooms(notifier):
    await notifier.notificar_pedido_listo(5, [])
    answer = await notifier.registrar_conexion("s1", 7, "mesero", "Ana")
    assert answer == {"rol": "mesero", "salas": ["meseros"], "cursor": notifier.log.bounds.cursor(), "timestamp": START}
    assert await notifier.suscribir_a_sala("s1", "pedido_5") == ["meseros", "pedido_5"]
    assert await notifier.suscribir_a_sala("s1", "pedido_5") == ["meseros", "pedido_5"]
    assert await notifier.suscribir_a_sala("s1", "cocina") == ["meseros", "pedido_5", "cocina"]
    assert await notifier.desuscribir_de_sala("s1", "cocina") == ["meseros", "pedido_5"]
    assert await notifier.desuscribir_de_sala("s1", "cocina") == ["meseros", "pedido_5"]
    state = await notifier.obtener_estado_conexiones()
    assert (state["total_conexiones"], state["por_rol"]) == (1, {"mesero": 1})
    connection = state["conexiones"][0]
    assert {name: connection[name] for name in ("sid", "usuario_id", "rol", "username", "salas", "conectado")} == {
        "sid": "s1", "usuario_id": 7, "rol": "mesero", "username": "Ana", "salas": ["meseros", "pedido_5"],
        "conectado": True,
    }  # fmt: skip
    await notifier.notificar_pedido_listo(5, [])
    assert (await notifier.obtener_estado_conexiones())["conexiones"][0]["atraso"] == 1


async def test_what_is_no_room_role_or_connection_is_refused(notifier):
    with pytest.raises(Invalid):
        await notifier.registrar_conexion("s1", 7, "cliente", "Ana")
    for call in (notifier.suscribir_a_sala, notifier.desuscribir_de_sala):
        with pytest.raises(NotFound):
            await call("s1", "pedido_5")
    await notifier.registrar_conexion("s1", 7, "mesero", "Ana")
    for room in ("", "pedido_", "pedido_x", "pedido_٣", "5", "clientes"):
        with pytest.raises(Invalid):
            await notifier.suscribir_a_sala("s1", room)


async def test_the_log_is_kept_when_it_is_opened_again(tmp_path):
    async with NotificadorPedidos(database=str(tmp_path / "log.db")) as notifier:
        first = await notifier.notificar_nuevo_pedido({"id": 5})
    with pytest.raises(LogUnavailable):
        await notifier.notificar_nuevo_pedido({"id": 6})
    async with NotificadorPedidos(database=str(tmp_path / "log.db")) as notifier:
        second = await notifier.notificar_cambio_estado_pedido(5, "listo")
        assert second["id"] == 2
        assert second["cursor"].split("-")[0] == first["cursor"].split("-")[0]
        page = await notifier.obtener_eventos_pendientes("manager", first["cursor"])
        assert [event["version"] for event in page["eventos"]] == [2]


async def test_two_notifiers_of_one_log_see_each_others_events(tmp_path):
    """Two processes do as these two do: each has its connections and its memory of the newest events."""
    path = tmp_path / "log.db"
    async with NotificadorPedidos(database=path) as here, NotificadorPedidos(database=path) as there:
        cursor = here.log.bounds.cursor()
        await here.notificar_nuevo_pedido({"id": 5})
        second = await there.notificar_cambio_estado_pedido(5, "listo")
        third = await here.notificar_cambio_estado_pedido(5, "servido")
        assert (second["id"], third["id"]) == (2, 3)
        for notifier in (here, there):
            async with asyncio.timeout(60):
                while notifier.log.bounds.newest < 3:
                    await asyncio.sleep(0.01)
            answer = await notifier.obtener_eventos_pendientes("manager", cursor)
            assert [event["version"] for event in answer["eventos"]] == [1, 2, 3]


async def test_an_applications_notifier_publishes_into_its_log(tmp_path):
    app = create_app(Config(database=str(tmp_path / "log.db")))
    async with app.test_app():
        answer = await app.notifier.notificar_nuevo_pedido({"id": 5})
        assert answer["id"] == 1
        assert (await app.notifier.obtener_eventos_pendientes("cocinero"))["total"] == 1


async def test_many_publishers_at_once_get_ids_without_gap(notifier):
    answers = await asyncio.gather(*(notifier.notificar_cambio_estado_pedido(i % 7 + 1, "listo") for i in range(300)))
    assert sorted(answer["id"] for answer in answers) == list(range(1, 301))
    versions = {}
    for event in stored(notifier):
        versions.setdefault(event["pedido_id"], []).append(event["version"])
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


async def test_a_cancelled_publisher_takes_no_other_with_it(notifier):
    cancelled = asyncio.ensure_future(notifier.notificar_nuevo_pedido({"id": 1}))
    others = [asyncio.ensure_future(notifier.notificar_nuevo_pedido({"id": number})) for number in (2, 3)]
    await asyncio.sleep(0)
    cancelled.cancel()
    assert [answer["duplicado"] for answer in await asyncio.gather(*others)] == [False, False]
    with pytest.raises(asyncio.CancelledError):
        await cancelled
