"""Who is connected (docs/protocol.md, section 10): the directory alone, and `GET /api/notificaciones/estado`."""

from __future__ import annotations

import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pos_notif.clock import Clocks
from pos_notif.delivery.presence import MAX_GONE, Directory
from pos_notif.principal import Principal
from tests.support.in_process import HeldClock
from tests.support.live_server import LiveServer, with_accounts
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

ZONE = ZoneInfo("America/El_Salvador")
NOON = 1_795_716_000_000  # 2026-11-26T12:00-06:00
HOUR = 3_600_000


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(NOON)


@pytest.fixture
def directory(clock: HeldClock) -> Directory:
    return Directory(Clocks(clock, clock.ticks), ZONE, lag=lambda room, position: 10 - position)


def connect(directory: Directory, user: int = 1, **fields: Any) -> Any:
    given = {"role": "cocinero", "username": f"u{user}", "transport": "sse", "room": "cocina", "served": lambda: (7, 0)}
    return directory.connect(user_id=user, **{**given, **fields})


def rows(directory: Directory) -> list[tuple[Any, ...]]:
    state = directory.state(lambda position: f"k-{position}")
    return [(row["username"], row["cliente"], row["transporte"], row["conectado"]) for row in state["conexiones"]]


def poll(directory: Directory, user: int = 1, interval_ms: int = 3000, client: str | None = None) -> None:
    directory.polled(
        user_id=user, role="mesero", username=f"u{user}", room="meseros", client=client, position=3,
        interval_ms=interval_ms,
    )  # fmt: skip


def test_a_connection_is_told_with_all_its_fields(directory, clock):
    presence = connect(directory, client="tab", sid="s1")
    clock.ms += 5_000
    presence.seen = clock.ms
    assert directory.state(lambda position: f"k-{position}") == {
        "total_conexiones": 1,
        "por_rol": {"cocinero": 1},
        "conexiones": [
            {
                "sid": "s1", "usuario_id": 1, "rol": "cocinero", "username": "u1", "transporte": "sse",
                "salas": ["cocina"], "cliente": "tab", "cursor": "k-7", "atraso": 3,
                "conectado_desde": "2026-11-26T12:00:00.000-06:00", "ultima_senal": "2026-11-26T12:00:05.000-06:00",
                "conectado": True,
            }
        ],
    }  # fmt: skip


def test_who_is_gone_is_listed_and_not_counted(directory):
    presence = connect(directory)
    connect(directory, 2)
    directory.disconnect(presence)
    directory.disconnect(presence)
    state = directory.state(lambda position: f"k-{position}")
    assert (state["total_conexiones"], state["por_rol"]) == (1, {"cocinero": 1})
    assert rows(directory) == [("u2", None, "sse", True), ("u1", None, "sse", False)]


def test_who_is_back_is_listed_once(directory):
    for _ in range(3):
        directory.disconnect(connect(directory))
    assert rows(directory) == [("u1", None, "sse", False)]
    connect(directory)
    assert rows(directory) == [("u1", None, "sse", True)]


def test_a_reconnect_that_overtakes_the_old_connections_end_is_not_gone(directory):
    old = connect(directory)
    new = connect(directory)
    directory.disconnect(old)
    assert rows(directory) == [("u1", None, "sse", True)]
    directory.disconnect(new)
    assert rows(directory) == [("u1", None, "sse", False)]


def test_tabs_and_transports_of_a_user_are_told_apart(directory):
    directory.disconnect(connect(directory, client="a"))
    directory.disconnect(connect(directory, client="b"))
    directory.disconnect(connect(directory, client="b", transport="websocket"))
    assert {row[1:3] for row in rows(directory)} == {("a", "sse"), ("b", "sse"), ("b", "websocket")}


def test_a_sid_that_is_registered_again_replaces_its_former_connection(directory):
    connect(directory, 1, sid="s")
    connect(directory, 2, sid="s")
    assert rows(directory) == [("u2", None, "sse", True), ("u1", None, "sse", False)]


def test_a_polling_client_is_connected_for_3_of_its_intervals_and_then_gone(directory, clock):
    poll(directory)
    clock.ms += 9000
    assert rows(directory) == [("u1", None, "polling", True)]
    clock.ms += 1
    assert rows(directory) == [("u1", None, "polling", False)]
    assert directory.state(str)["total_conexiones"] == 0
    poll(directory)
    assert rows(directory) == [("u1", None, "polling", True)]


def test_each_poll_counts_anew_and_a_long_poll_longer(directory, clock):
    poll(directory, 1)
    poll(directory, 2, interval_ms=28_000)
    for _ in range(4):
        clock.ms += 8000
        poll(directory, 1)
    assert {row[0] for row in rows(directory) if row[3]} == {"u1", "u2"}
    row = next(row for row in directory.state(str)["conexiones"] if row["username"] == "u1")
    assert row["conectado_desde"] == "2026-11-26T12:00:00.000-06:00"
    assert row["ultima_senal"] == "2026-11-26T12:00:32.000-06:00"


def test_the_business_day_ends_at_4_in_the_morning(directory, clock):
    directory.disconnect(connect(directory))
    clock.ms = NOON + 16 * HOUR - 1
    assert len(rows(directory)) == 1
    clock.ms = NOON + 16 * HOUR
    assert rows(directory) == []


def test_of_those_gone_the_newest_200_are_kept(directory):
    for user in range(MAX_GONE + 50):
        directory.disconnect(connect(directory, user))
    found = rows(directory)
    assert len(found) == 200
    assert (found[0][0], found[-1][0]) == ("u249", "u50")


def test_thousands_that_go_at_once_do_not_cost_the_square_of_their_number(directory):
    present = [connect(directory, user) for user in range(20_000)]
    for presence in present:
        directory.disconnect(presence)
    assert directory._here == {}
    assert directory._present == {}


def test_who_signed_out_is_in_the_list_no_more(directory, clock):
    def person(session: int, expires: int = NOON + HOUR) -> Principal:
        return Principal("session", session, 1, "u1", "cocinero", expires)

    first, second = person(1), person(2)
    open_still = connect(directory, client="a", who=first)
    directory.disconnect(connect(directory, client="b", who=first))
    directory.polled(
        user_id=1, role="cocinero", username="u1", room="cocina", client="c", position=3, interval_ms=3000, who=first
    )
    directory.disconnect(connect(directory, client="d", who=second))
    others = connect(directory, client="e", who=second)
    assert directory.people() == {first, second}
    directory.end({first})
    assert rows(directory) == [("u1", "a", "sse", True), ("u1", "e", "sse", True), ("u1", "d", "sse", False)]
    directory.disconnect(open_still)
    directory.disconnect(others)  # whose session goes on: it is missed
    clock.ms += 10_000
    assert rows(directory) == [("u1", "e", "sse", False), ("u1", "d", "sse", False)]


# Over HTTP


def estado(server: LiveServer) -> dict[str, Any]:
    status, _, answer = server.request("GET", "/api/notificaciones/estado")
    assert status == 200
    return answer


def test_estado_is_the_managers(server):
    server.create_user("ana", "cocinero")
    assert server.request("GET", "/api/notificaciones/estado", token=None)[0] == 401
    assert server.request("GET", "/api/notificaciones/estado", cookie=server.login("ana"))[0] == 403


def test_streams_and_polls_are_listed_with_cursor_and_lag_and_those_gone_after_them(make_server):
    server = make_server(poll_seconds="0.2")
    server.create_user("ana", "cocinero")
    cookie, client = server.login("ana"), str(uuid.uuid4())
    first = server.publish(stock_alert(1, "agotado"))["cursor"]
    with SseClient(server, "cocinero", cookie=cookie, query=f"?cliente={client}&cursor={first}") as stream:
        stream.next_event("hola")
        server.request("GET", f"/api/notificaciones/polling/mesero?cursor={first}&cliente={client}")
        last = server.publish(stock_alert(2, "agotado"))["cursor"]
        stream.next_event()
        answer = eventually(lambda: [e for e in [estado(server)] if e["conexiones"][0]["cursor"] == last])[0]
        sse = answer["conexiones"][0]
        assert sse["usuario_id"] > 0
        assert {name: sse[name] for name in ("rol", "username", "transporte", "salas", "cliente", "atraso")} == {
            "rol": "cocinero", "username": "ana", "transporte": "sse", "salas": ["cocina"], "cliente": client,
            "atraso": 0,
        }  # fmt: skip
        polling = next(row for row in answer["conexiones"] if row["transporte"] == "polling")
        assert (polling["username"], polling["cursor"], polling["atraso"]) == ("pos", first, 1)
        assert (polling["salas"], polling["usuario_id"]) == (["meseros"], None)
        gone = eventually(lambda: [e for e in [estado(server)] if e["total_conexiones"] == 1])[0]
        assert gone["por_rol"] == {"cocinero": 1}
        assert [(row["transporte"], row["conectado"]) for row in gone["conexiones"]] == [
            ("sse", True),
            ("polling", False),
        ]
    answer = eventually(lambda: [e for e in [estado(server)] if e["total_conexiones"] == 0])[0]
    assert [(row["transporte"], row["conectado"], row["cursor"]) for row in answer["conexiones"]] == [
        ("sse", False, last),
        ("polling", False, first),
    ]


def test_a_malformed_cliente_is_ignored(server):
    with SseClient(server, "cocinero", query="?cliente=%00%0Ahola") as stream:
        stream.next_event("hola")
        assert estado(server)["conexiones"][0]["cliente"] is None


def test_signing_out_and_a_revocation_take_the_rows_out_and_a_broken_connection_does_not(server):
    def listed() -> list[tuple[str, bool]]:
        return sorted((row["username"], row["conectado"]) for row in estado(server)["conexiones"])

    cookies = {}
    for name in ("ana", "beto", "carla"):
        server.create_user(name, "cocinero")
        cookies[name] = server.login(name)
    streams = {name: SseClient(server, "cocinero", cookie=cookie) for name, cookie in cookies.items()}
    for stream in streams.values():
        stream.next_event("hola")
    streams["carla"].close()
    eventually(lambda: ("carla", False) in listed())
    assert server.request("POST", "/api/auth/logout", cookie=cookies["ana"], token=None)[0] == 204
    eventually(lambda: listed() == [("beto", True), ("carla", False)])
    sessions = with_accounts(server.database, lambda accounts: accounts.list_sessions())
    beto = next(session["id"] for session in sessions if session["username"] == "beto")
    with_accounts(
        server.database, lambda accounts: accounts.revoke_session(beto)
    )  # as the command does, beside the service
    eventually(lambda: listed() == [("carla", False)])
    for stream in streams.values():
        stream.close()
