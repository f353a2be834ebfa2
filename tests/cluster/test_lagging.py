"""A node that hears of everything a moment later decides by what is, and not by what it knows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.cluster.nodes import Cluster, Node
from tests.cluster.workload import PIN, PUBLISH, id_of

pytestmark = pytest.mark.faults
LAG_SECONDS = 0.15
CLIENT = "3f0c1a52-8a4e-4a57-9c53-1f6f0a4f1b11"
numbers = count(5000)


@pytest.fixture
def late(cluster: Cluster) -> Iterator[Node]:
    """The second node; what its engine says and what it asks takes its time."""
    cluster.wait_until_open()
    node = cluster.nodes[1]
    for proxy in node.proxies:
        proxy.delay_seconds = LAG_SECONDS
    yield node
    for proxy in node.proxies:
        proxy.delay_seconds = 0.0


def place(node: Node) -> Any:
    body = {"tipo": "mesa", "mesa_numero": 4, "operacion_id": f"place-{next(numbers)}"}
    status, _, answer = node.ask("POST", "/api/pedidos", {**body, "items": [{"producto_id": 1, "cantidad": 1}]})
    assert status == 201, answer
    return answer["pedido"]


def test_what_was_placed_elsewhere_is_acted_on_and_is_not_placed_again(cluster, late):
    order = place(cluster.nodes[0])
    status, _, answer = late.ask("GET", f"/api/pedidos/{place(cluster.nodes[0])['id']}")
    assert (status, answer["pedido"]["estado"]) == (200, "en_mesa")
    body = {"accion": "iniciar", "operacion_id": f"begin-{order['id']}"}
    status, _, answer = late.ask("POST", f"/api/pedidos/{order['id']}/acciones", body)
    assert (status, answer["pedido"]["estado"]) == (200, "en_cocina")
    pos = {"tipo": "nuevo_pedido", "pedido": {"id": next(numbers)}}
    first = cluster.nodes[2].publish(pos, **{"Idempotency-Key": f"{pos}"})
    status, _, answer = late.ask("POST", PUBLISH, pos, headers={"Idempotency-Key": f"{pos}"})
    assert (status, answer["id"], answer["duplicado"]) == (200, first["id"], True)
    status, _, answer = late.ask("POST", PUBLISH, pos, headers={"Idempotency-Key": "another"})
    assert (status, answer["error"]["codigo"]) == (409, "pedido_existente")


def test_who_signed_in_elsewhere_is_known_and_who_signed_out_is_not(cluster, late):
    cookie = cluster.nodes[0].login("Elena", PIN)
    assert late.ask("GET", "/api/auth/sesion", cookie=cookie)[0] == 200
    assert late.ask("POST", "/api/auth/logout", cookie=cookie)[0] == 204
    assert cluster.nodes[0].ask("GET", "/api/auth/sesion", cookie=cookie)[0] == 401


def test_a_cursor_from_elsewhere_goes_on(cluster, late):
    first = cluster.nodes[0].new_order(next(numbers))
    stream, greeting = late.stream("manager", last_event_id=first["cursor"])
    with stream:
        assert greeting["cursor"] == first["cursor"]
        second = cluster.nodes[2].new_order(next(numbers))
        assert stream.next_event().id == second["cursor"]
    third = cluster.nodes[0].new_order(next(numbers))
    status, _, answer = late.ask("GET", f"/api/notificaciones/polling/manager?cursor={third['cursor']}")
    assert (status, answer["cursor"], "resincronizar" in answer) == (200, third["cursor"], False)


def test_who_follows_an_order_and_no_longer_does_is_known_at_each_node(cluster, late):
    order = place(cluster.nodes[0])
    cookie = cluster.nodes[0].login("Rosa", PIN)
    path = f"/api/notificaciones/suscripciones/{order['id']}?cliente={CLIENT}"
    status, _, answer = late.ask("PUT", path, cookie=cookie)
    assert (status, answer["pedido"]["id"]) == (200, order["id"])
    follows = id_of(answer["cursor"])
    action = f"/api/pedidos/{order['id']}/acciones"
    begin = {"accion": "iniciar", "operacion_id": f"a{order['id']}"}
    status, _, begun = cluster.nodes[2].ask("POST", action, begin)
    assert status == 200
    assert begun["evento_id"] > follows
    query = f"?cliente={CLIENT}"
    stream, _ = late.stream("cajero", cookie=cookie, last_event_id=answer["cursor"], query=query)
    with stream:
        assert stream.next_event().data["id"] == begun["evento_id"]  # no till hears of that but by following
        assert cluster.nodes[0].ask("DELETE", path, cookie=cookie)[0] == 200
        again = {"accion": "deshacer", "operacion_id": f"b{order['id']}"}
        assert late.ask("POST", action, again)[0] == 200
        marker = cluster.nodes[2].publish(
            {"tipo": "alerta_stock", "producto_id": 9, "nombre": "Agua", "nivel": "agotado"}
        )
        assert stream.next_event().data["id"] == marker["id"]
        assert late.ask("PUT", path, cookie=cookie)[0] == 200
        assert late.ask("DELETE", path, cookie=cookie)[0] == 200
        assert cluster.nodes[0].ask("DELETE", path, cookie=cookie)[0] == 200
