"""Settings of which 0 means off or no limit (docs/protocol.md, section 14), from end to end."""

from __future__ import annotations

import pytest

from tests.support.in_process import HeldClock, in_process
from tests.support.sse_client import SseClient

ORDER = {"tipo": "nuevo_pedido", "pedido": {"id": 7, "items": [{"producto_nombre": "Pupusa", "cantidad": 1}]}}


def test_0_switches_off(make_server):
    server = make_server(
        heartbeat_seconds="0", stream_seconds="0", session_hours="0", max_backlog="0", max_connections="0",
    )  # fmt: skip
    server.create_user("Ana", "mesero")
    cookie = server.login("Ana")
    assert server.request("GET", "/api/auth/sesion", cookie=cookie)[2]["expira"] > "2100"
    first = server.new_order(1)
    for start in range(0, 6000, 500):
        alert = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0}
        server.publish({"eventos": [{**alert, "producto_id": start + n + 1} for n in range(500)]})
    with SseClient(server, "mesero", cookie=cookie, last_event_id=first["cursor"]) as stream:
        hello = stream.next_event("hola")
        assert hello.data["latido_ms"] == 0
        assert hello.id == first["cursor"]
        assert len(stream.take(6000)) == 6000


@pytest.mark.parametrize(("view_hours", "shown"), [(24, []), (0, [7])])
async def test_view_hours_0_shows_old_orders_too(tmp_path, view_hours, shown):
    clock = HeldClock()
    async with in_process(tmp_path / "log.db", clock, view_hours=view_hours) as service:
        await service.create_tokens()
        await service.call("POST", "/api/notificaciones/eventos", ORDER, token=service.manager)
        clock.advance(400 * 24 * 3600)
        for path in ("/api/pedidos", "/api/pedidos?vista=cocina"):
            orders = (await service.call("GET", path, token=service.manager)).json["pedidos"]
            assert [order["id"] for order in orders] == shown
