"""What the nodes of a cluster are together: one place to sign in, one giver of alarms, and one that says when it is
not."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.nodes import Cluster, Node, engine
from tests.cluster.workload import PIN
from tests.support.forking import FORKER
from tests.support.live_server import clean_environment
from tests.support.logs import opened
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
EVENT = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes on one etcd, which each test leaves whole. They give alarms quickly."""
    folder = tmp_path_factory.mktemp("together")
    settings = {"ack_seconds": "1", "screen_seconds": "1", "heartbeat_seconds": "600"}
    with engine("etcd", folder) as under_test, Cluster(folder, under_test, 3, **settings) as running:
        yield running


def cli(node: Node, *arguments: str) -> str:
    """What a command says, of those that write beside a running node."""
    done = FORKER.run([*arguments, "--database", str(node.database)], clean_environment(**node.settings))
    assert done.returncode == 0, done.stderr
    return done.stdout


def sign_in(node: Node, username: str, pin: str) -> int:
    return node.ask("POST", "/api/auth/login", {"username": username, "password": pin}, token=None)[0]


def alarms(node: Node) -> Counter[str]:
    with opened(node.database) as connection:
        found = (json.loads(data)["tipo"] for (data,) in connection.execute("SELECT data FROM events"))
        return Counter(tipo for tipo in found if tipo in ("sin_acuse", "sin_pantalla", "pantalla_recuperada"))


def heartbeat(stream: SseClient) -> dict[str, Any]:
    data: dict[str, Any] = stream.next_event("latido").data
    return data


def test_who_signs_in_at_one_is_known_at_the_next_request_to_another(cluster: Cluster) -> None:
    a, b, c = cluster.nodes
    for _ in range(5):
        session = a.login("Beto", PIN)
        for node in (b, c):
            status, _, who = node.ask("GET", "/api/auth/sesion", cookie=session)
            assert (status, who["username"]) == (200, "Beto")
    with SseClient(c, "cocinero", cookie=session) as stream:
        stream.next_event("hola")
        assert b.ask("POST", "/api/auth/logout", cookie=session)[0] == 204
        assert stream.next_event("sesion_terminada")
    eventually(lambda: a.request("GET", "/api/auth/sesion", cookie=session)[0] == 401)


def test_a_new_pin_is_good_at_once_at_all(cluster: Cluster) -> None:
    cli(cluster.nodes[0], "user", "create", "Nora", "--role", "cajero", "--password", "1111")
    for number, node in enumerate(cluster.nodes):
        assert [sign_in(other, "Nora", f"111{number + 1}") for other in cluster.nodes] == [200] * 3
        cli(node, "user", "password", "Nora", "--password", f"111{number + 2}")


def test_a_token_that_is_revoked_at_one_ends_at_all(cluster: Cluster) -> None:
    a, b, c = cluster.nodes
    secret = cli(a, "token", "create", "tablero", "--role", "manager").split()[-1]
    with SseClient(c, "manager", token=secret) as stream:
        stream.next_event("hola")
        assert b.ask("GET", "/api/notificaciones/polling/manager", token=secret)[0] == 200
        cli(a, "token", "revoke", "tablero")
        assert stream.next_event("sesion_terminada")  # nothing else is written, and nobody asks
    assert c.ask("GET", "/api/notificaciones/estado", token=secret)[0] == 401
    for node in (a, b):
        eventually(lambda node=node: node.request("GET", "/api/notificaciones/estado", token=secret)[0] == 401)


def test_a_token_that_is_revoked_at_one_is_refused_by_the_others_within_a_second(cluster: Cluster) -> None:
    a, *others = cluster.nodes
    took = []
    for number in range(3):
        secret = cli(a, "token", "create", f"caja-{number}", "--role", "cajero").split()[-1]
        for node in cluster.nodes:
            assert is_known(node, secret)
        cli(a, "token", "revoke", f"caja-{number}")
        with Stopwatch() as watch:
            for node in others:
                eventually(lambda node=node, secret=secret: not is_known(node, secret))
        took.append(watch.seconds)
    assert min(took) < 1  # a disk may be slow for once


def is_known(node: Node, secret: str) -> bool:
    status = node.ask("GET", "/api/auth/sesion", token=secret)[0]
    assert status in (200, 401)
    return bool(status == 200)


def test_a_pin_that_is_guessed_at_three_nodes_has_five_tries_in_all(cluster: Cluster) -> None:
    unknown: list[int] = []
    with ThreadPoolExecutor(9) as threads:
        tries = [threads.submit(guess, cluster.nodes[n % 3], f"000{n % 10}", unknown) for n in range(18)]
        found = [each.result() for each in tries]
    left = sorted(answer["error"]["intentos_restantes"] for status, answer in found if status == 401)
    others = Counter(status for status, _ in found if status != 401)
    # An engine that is too busy for a second has counted a try, perhaps, of which nobody knows: one less is made.
    assert 5 - len(unknown) <= len(left) <= 5
    assert unknown or left == [0, 1, 2, 3, 4]
    assert others == {429: 18 - len(left)}
    assert [guess(node, PIN, unknown)[0] for node in cluster.nodes] == [429] * 3


def guess(node: Node, pin: str, unknown: list[int]) -> tuple[int, Any]:
    """Signs in as Ana until an engine has counted it."""
    body = {"username": "Ana", "password": pin}
    while True:
        status, _, answer = node.request("POST", "/api/auth/login", body, token=None)
        if status != 503:
            return status, answer
        unknown.append(status)


@pytest.mark.long
def test_alarms_go_by_the_screens_of_all_nodes_and_another_node_gives_them_when_the_leader_is_killed(
    cluster: Cluster,
) -> None:
    eventually(lambda: [is_leading(node) for node in cluster.nodes].count(True) == 1)
    leader = next(node for node in cluster.nodes if is_leading(node))
    one, two = (node for node in cluster.nodes if node is not leader)
    begun = alarms(one)
    with contextlib.ExitStack() as open_streams:
        waiter = open_streams.enter_context(SseClient(one, "mesero", token=cluster.token))
        waiter.next_event("hola")
        kitchen = SseClient(one, "cocinero", cookie=one.login("Marta", PIN))
        kitchen.next_event("hola")
        # Until the leader has heard of the screen: what falls due before is told to nobody.
        eventually(lambda: has_had_a_screen(leader, "cocina"))
        leader.new_order(7001)
        assert wait_for(waiter, "sin_acuse")["pedido_ids"] == [7001]
        kitchen.close()
        assert wait_for(waiter, "sin_pantalla")["rol"] == "cocinero"
        kitchen = open_streams.enter_context(SseClient(two, "cocinero", cookie=two.login("Marta", PIN)))
        assert wait_for(waiter, "pantalla_recuperada")["rol"] == "cocinero"
        leader.kill()
        eventually(lambda: [is_leading(node) for node in (one, two)].count(True) == 1)
        two.new_order(7002)
        assert wait_for(waiter, "sin_acuse")["pedido_ids"] == [7002]
    assert alarms(one) - begun == {"sin_acuse": 2, "sin_pantalla": 1, "pantalla_recuperada": 1}
    leader.start()
    cluster.wait_until_open()


def is_leading(node: Node) -> bool:
    text = node.request("GET", "/metrics", token=None)[2]
    return "\npos_notif_node_leads 1.0\n" in text


def has_had_a_screen(node: Node, room: str) -> bool:
    with opened(node.database) as connection:
        return bool(connection.execute("SELECT 1 FROM screens WHERE room = ?", (room,)).fetchone())


def wait_for(stream: SseClient, tipo: str) -> dict[str, Any]:
    while (event := stream.next_event("evento_sistema").data)["tipo"] != tipo:
        pass
    return dict(event)


def test_a_node_without_an_engine_says_so_at_once_and_is_not_ready_where_others_are(cluster: Cluster) -> None:
    a, b, _ = cluster.nodes
    with SseClient(a, "manager") as stream:
        assert "sin_central_desde" not in stream.next_event("hola").data
        assert "sin_central_desde" not in heartbeat(stream)  # the first one, which is the client's alone
        poll = partial(poll_after, a, poll_after(a)[2]["cursor"])
        tag = poll()[1]["ETag"]
        assert poll(tag)[0] == 304
        a.cut()
        since = heartbeat(stream)["sin_central_desde"]
        status, headers, answer = poll(tag)
        assert (status, answer["sin_central_desde"]) == (200, since)
        assert poll(headers["ETag"])[0] == 304
        with SseClient(a, "cocinero") as late:
            assert late.next_event("hola").data["sin_central_desde"] == since
        health = a.request("GET", "/healthz", token=None)[2]
        assert (health["estado"], health["sin_central_desde"]) == ("vivo", since)
        status, _, refusal = a.request("POST", "/api/notificaciones/eventos", EVENT)
        assert (status, refusal["error"]["codigo"]) == (503, "registro_no_disponible")
        status, _, refusal = a.request("POST", "/api/notificaciones/eventos?ensayo=1", EVENT)
        assert (status, refusal["error"]["codigo"]) == (503, "registro_no_disponible")
        told = {"estado": "registro_no_disponible", "detalle": f"sin central desde {since}"}
        # By what another one says, which is asked for as long as a second.
        eventually(lambda: a.request("GET", "/readyz", token=None)[::2] == (503, told))
        assert a.request("GET", "/readyz?nodo", token=None)[::2] == (503, {**told, "nodo": "a"})
        assert b.request("GET", "/readyz?nodo", token=None)[::2] == (200, {"estado": "listo", "nodo": "b"})
        assert "\npos_notif_node_engine_away 1.0\n" in a.request("GET", "/metrics", token=None)[2]
        a.mend()
        assert "sin_central_desde" not in heartbeat(stream)
        assert a.request("POST", "/api/notificaciones/eventos?ensayo=1", EVENT)[0] == 200
        assert "sin_central_desde" not in poll(headers["ETag"])[2]
    eventually(lambda: a.request("GET", "/readyz", token=None)[::2] == (200, {"estado": "listo"}))


def poll_after(node: Node, cursor: str = "", tag: str | None = None) -> tuple[int, Any, Any]:
    headers = {"If-None-Match": tag} if tag else None
    return node.request("GET", f"/api/notificaciones/polling/cajero?cursor={cursor}", headers=headers)


def test_where_no_node_has_an_engine_none_leaves_the_balancer(cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.cut()
    for node in cluster.nodes:
        eventually(lambda node=node: "sin_central_desde" in node.request("GET", "/healthz", token=None)[2])
    for node in cluster.nodes:
        status, _, answer = node.request("GET", "/readyz", token=None)
        assert (status, answer["estado"]) == (200, "listo")
        assert answer["detalle"].startswith("sin central desde ")
        assert node.request("GET", "/readyz?nodo", token=None)[0] == 503
        status, _, who = node.request("GET", "/api/notificaciones/estado")
        assert (status, len(who["sin_respuesta"])) == (200, 2)
    for node in cluster.nodes:
        node.mend()
    cluster.wait_until_open()


def test_all_that_a_node_measures_of_itself_is_described(cluster: Cluster) -> None:
    text = cluster.nodes[0].request("GET", "/metrics", token=None)[2]
    names = set(re.findall(r"^# TYPE (pos_notif_node_\w+) ", text, re.MULTILINE))
    assert len(names) >= 5
    assert [name for name in sorted(names) if f"`{name}" not in OPERATIONS.read_text("utf-8")] == []
    asked = "".join((OPERATIONS.parent / name).read_text("utf-8") for name in ("grafana.json", "alerts.yml"))
    assert set(re.findall(r"\bpos_notif_node_\w+", asked)) - names == set()


def test_estado_has_everybody_whichever_node_is_asked(cluster: Cluster) -> None:
    with contextlib.ExitStack() as open_streams:
        for node in cluster.nodes:
            open_streams.enter_context(SseClient(node, "manager")).next_event("hola")

        def told(node: Node) -> tuple[list[int], list[int]]:
            answer = node.request("GET", "/api/notificaciones/estado")[2]
            here = [row for row in answer["conexiones"] if row["transporte"] == "sse" and row["conectado"]]
            return sorted(row["proceso"] for row in here), answer["sin_respuesta"]

        # Whoever does not answer within a second is unknown; and who has left is heard of.
        for node in cluster.nodes:
            eventually(lambda node=node: told(node) == ([1, 2, 3], []))
