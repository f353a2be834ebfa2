"""The stream as clients see it, over real sockets."""

from __future__ import annotations

from tests.support import SseClient


def test_an_event_arrives_live_with_its_cursor_as_id(server):
    with SseClient(server, "cocinero") as stream:
        assert stream.status == 200
        hello = stream.next_event("hola")
        assert hello.data["salas"] == ["cocina"]
        answer = server.new_order(5)
        event = stream.next_event()
        assert (event.event, event.id) == ("evento_pedido", answer["cursor"])
        assert event.data["tipo"] == "nuevo_pedido"
