"""Engine.IO's long-polling by the letter, against `conformance_app.py`: what the official suites ask of it, and what a
client must not get away with."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pos_notif.socketio import long_polling, sockets
from tests.socketio.test_protocol import conformance_app
from tests.support.polling_client import SEPARATOR, PollingClient
from tests.support.waiting import eventually
from tests.support.websocket_client import Closed, WsClient

UNKNOWN = (400, {"code": 1, "message": "Session ID unknown"})


@pytest.fixture(scope="module")
def calm_port() -> Iterator[int]:
    """Where nothing times out while a test thinks."""
    with conformance_app("--ping-interval", "25", "--ping-timeout", "20", "--connect-timeout", "45") as port:
        yield port


@pytest.fixture(scope="module")
def quick_port() -> Iterator[int]:
    """Which pings at once, and lets a busy machine take its time for the answer."""
    with conformance_app("--ping-interval", "0.05", "--ping-timeout", "20") as port:
        yield port


@pytest.fixture
def echo(calm_port: int) -> Iterator[PollingClient]:
    with PollingClient(calm_port, "/engine.io/") as client:
        client.open()
        yield client


@pytest.fixture
def talker(calm_port: int) -> Iterator[PollingClient]:
    with PollingClient(calm_port) as client:
        client.open()
        sid, auth = client.connect()
        assert sid.startswith('40{"sid":')
        assert auth == '42["auth",{}]'
        yield client


def refused(answer) -> tuple[int, dict]:
    return answer.status, json.loads(answer.body) if answer.status != 200 else answer.body


def is_over(client: PollingClient) -> bool:
    return refused(client.get()) == UNKNOWN and refused(client.post("4late")) == UNKNOWN


def next_message(client: PollingClient) -> str:
    """Lets a change of transport that has come to nothing end first: polls are answered by nothing meanwhile."""
    while (packets := client.packets()) == ["6"]:
        pass
    return next(packet for packet in packets if packet != "6")


def upgrade(client: PollingClient) -> WsClient:
    return WsClient(client.port, client.url(transport="websocket"))


# Opening


@pytest.mark.parametrize("path", ["/engine.io/", "/socket.io/", "/socket.io"])
def test_a_poll_opens_a_session(calm_port, path):
    with PollingClient(calm_port, path) as client:
        answer = client.get()
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
        assert answer.headers["cache-control"] == "no-store"
        opening = json.loads(answer.body[1:])
        assert list(opening) == ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
        assert opening["upgrades"] == ["websocket"]
        assert len(base64.urlsafe_b64decode(opening["sid"] + "==")) == 15


@pytest.mark.parametrize(
    ("method", "query", "code"),
    [
        ("GET", {"transport": ""}, 0),
        ("GET", {"transport": "abc"}, 0),
        ("GET", {"sid": "nobody"}, 1),
        ("POST", {"sid": "nobody"}, 1),
        ("POST", {}, 2),
        ("PUT", {}, 2),
        ("DELETE", {}, 2),
        ("GET", {"transport": "websocket"}, 3),
        ("GET", {"EIO": "3"}, 5),
        ("GET", {"EIO": ""}, 5),
    ],
)
def test_what_opens_nothing_is_refused_in_the_references_order(calm_port, method, query, code):
    with PollingClient(calm_port) as client:
        status, told = refused(client.answer(client.begin(method, **query)))
        assert (status, told["code"]) == (400, code)


def test_the_version_is_not_asked_of_an_open_session(echo):
    assert echo.post("4hello", EIO="").body == "ok"
    assert echo.get(EIO="").body == "4hello"


def test_a_session_takes_no_other_method_and_no_other_transport(echo):
    assert refused(echo.answer(echo.begin("PUT")))[1]["code"] == 2
    assert refused(echo.get(transport="websocket"))[1]["code"] == 3
    assert echo.post("4still here").body == "ok"
    assert echo.packets() == ["4still here"]


# Messages


def test_packets_come_back_as_they_were_sent(echo):
    assert (echo.post("4hello").status, echo.packets()) == (200, ["4hello"])
    assert echo.post("4test1", "4test2", "4test3").body == "ok"
    assert echo.get().body == SEPARATOR.join(["4test1", "4test2", "4test3"])
    assert echo.post("4hello", "bAQIDBA==").body == "ok"
    assert echo.get().body == f"4hello{SEPARATOR}bAQIDBA=="
    assert echo.post("4á€😀", "4", "b").body == "ok"
    assert echo.packets() == ["4á€😀", "4", "b"]


def test_a_poll_waits_for_the_next_packet(echo):
    waiting = echo.begin()
    assert echo.post("4hello").body == "ok"
    assert echo.answer(waiting).body == "4hello"


def test_a_payload_has_no_more_packets_than_stock_clients_take(echo):
    for start in range(0, 40, 10):
        assert echo.post(*(f"4{start + n}" for n in range(10))).body == "ok"
    polled = [echo.packets() for _ in range(3)]
    assert [len(packets) for packets in polled] == [16, 16, 8]
    assert [packet for packets in polled for packet in packets] == [f"4{n}" for n in range(40)]


def test_a_payload_is_no_larger_than_128_kib_unless_a_packet_is(echo):
    for size in (100_000, 30_000):
        assert echo.post("4" + "x" * size).body == "ok"
    assert len(echo.get().body) == 100_001 + 1 + 30_001
    assert echo.post("4" + "x" * 600_000).body == "ok"
    assert len(echo.get().body) == 600_001


@pytest.mark.parametrize("large", [100_000, 600_000])
def test_who_does_not_poll_is_handled_no_further(echo, large):
    """Its own post waits: 128 KiB, or one packet, are as much as the service keeps for it."""
    assert echo.post("4" + "x" * large).body == "ok"
    waiting = echo.begin("POST", "4" + "y" * 50_000 + SEPARATOR + "4last")
    # Requests are begun as they come: it is handled as far as it goes by now.
    assert echo.get(transport="abc").status == 400
    assert [len(packet) for packet in echo.packets()] == [large + 1]
    assert echo.answer(waiting).body == "ok"
    assert [len(packet) for packet in echo.packets()] == [50_001, len("4last")]


@pytest.mark.parametrize("name", ["message", "message-with-ack"])
def test_events_and_acks(talker, name):
    assert talker.post(f'427["{name}",1,"2",{{"3":[true]}}]').body == "ok"
    expected = {"message": '42["message-back",1,"2",{"3":[true]}]', "message-with-ack": '437[1,"2",{"3":[true]}]'}
    assert talker.packets() == [expected[name]]


def test_binary_events(talker):
    one, two = "bAQID", "bBAUG"
    event = '452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert talker.post(event, one, two).body == "ok"
    assert talker.packets() == [event.replace('"message"', '"message-back"'), one, two]


# What is no payload


@pytest.mark.parametrize(
    "body",
    [
        b"abc",
        b"",
        b"4a\x1e",
        b"\x1e4a",
        b"7a",
        b"4\xff",
        b"b====",
        b"bAQIDBA=",
        b"bAQIDBB==",
        b"bAQ ID",
        b"2",
        b"1\x1ea",
    ],
)
def test_what_is_no_payload_ends_the_session(echo, body):
    assert echo.post(body=body).status == 400
    assert is_over(echo)


def test_a_binary_body_ends_the_session(echo):
    echo.headers["Content-Type"] = "application/octet-stream"
    assert echo.post(body=b"4a").status == 400
    assert is_over(echo)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused_and_the_session_stays(echo, announced):
    body = b"4" + b"x" * 1_000_000
    if announced:
        assert echo.post(body=body).status == 413
    else:
        connection = echo.begin("POST", iter([body[:600_000], body[600_000:]]))  # in chunks, of no told length
        assert echo.answer(connection).status == 413
    assert echo.post("4" + "x" * 10).body == "ok"
    assert echo.packets() == ["4" + "x" * 10]


def test_of_two_polls_at_once_none_goes_on(echo):
    first = echo.begin()
    assert echo.get().status == 400
    assert echo.answer(first)[:2] == (200, "1")
    assert is_over(echo)


def test_of_two_posts_at_once_none_goes_on(echo):
    echo.begin_post(b"4beg", 8)
    # Until the first one's head has been read.
    answer = eventually(lambda: told if (told := echo.post("4hello")).body != "ok" else None)
    assert answer.status == 400
    assert is_over(echo)


# Heartbeat and end


def hasty_app():
    """Which pings at once, and soon gives up who does not answer; but not while a busy machine takes its next step."""
    return conformance_app("--ping-interval", "0.05", "--ping-timeout", "3")


def test_the_heartbeat(quick_port):
    with PollingClient(quick_port, "/engine.io/") as client:
        client.open()
        for _ in range(3):
            assert client.get().body == "2"
            assert client.post("3").body == "ok"


def test_who_does_not_answer_a_ping_is_gone():
    with hasty_app() as port:

        def is_gone() -> bool:
            with PollingClient(port, "/engine.io/") as client:
                client.open()
                if client.get()[:2] != (200, "2"):  # a busy machine was late for it
                    return False
                answer = client.get()  # it ends with the session, or comes after
                assert answer[:2] == (200, "1") or refused(answer) == UNKNOWN
                return is_over(client)

        eventually(is_gone)


def test_what_nobody_polled_is_no_last_word():
    """A session that ended unheard is unknown at once, whatever waited."""
    with hasty_app() as port:
        witness = PollingClient(port, "/engine.io/")

        def unread() -> PollingClient | None:
            client = PollingClient(port, "/engine.io/")
            client.open()
            return client if client.post("4unread").body == "ok" else None  # a busy machine was late for it

        client = eventually(unread)
        witness.open()
        eventually(lambda: witness.get().status != 200)  # until it is over as well, which began later
        assert is_over(client)


def test_a_client_that_closes_gets_its_poll_back(echo):
    waiting = echo.begin()
    assert echo.post("1").body == "ok"
    assert echo.answer(waiting)[:2] == (200, "6")
    assert is_over(echo)


def test_a_poll_that_is_cut_ends_the_session(echo):
    echo.hang_up(echo.begin())
    eventually(lambda: is_over(echo))


def test_last_words_wait_for_the_next_poll_and_then_for_no_other(calm_port):
    with PollingClient(calm_port) as client:
        client.open()
        client.connect()
        client.post('42["end"]')  # whose answer is the session's end already
        assert client.packets() == ['42["last-words"]', "1"]
        assert is_over(client)


def test_last_words_that_nobody_polls_are_forgotten():
    with hasty_upgrade_and_farewell() as port, PollingClient(port) as client:
        client.open()
        client.connect()
        client.post('42["end"]')  # whose answer is the session's end already
        eventually(lambda: refused(client.post("4late")) == UNKNOWN)  # which is no poll, and gets none of them
        assert is_over(client)


def hasty_upgrade_and_farewell():
    flags = ("--ping-interval", "25", "--ping-timeout", "20", "--connect-timeout", "45")
    return conformance_app(*flags, "--upgrade-timeout", "0.2", "--farewell", "0.2")


def test_the_times_are_those_that_the_protocol_names():
    text = " ".join((Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8").split())
    assert f"`sesion_terminada` waits {long_polling.FAREWELL_SECONDS:g} s for the next `GET`" in text
    assert f"No `5` within {long_polling.UPGRADE_SECONDS:g} s, or anything else: that websocket is closed" in text
    assert f"no namespace joined within {sockets.CONNECT_SECONDS:g} s;" in text


def test_a_poll_that_is_asked_again_ends_the_session_for_its_answer_was_lost(echo):
    assert echo.post("4lost").body == "ok"
    assert echo.get(t="a").body == "4lost"
    time.sleep(long_polling.REPEATED_SECONDS + 0.5)  # the network's own
    assert echo.get(t="a").status == 400
    assert is_over(echo)


def test_polls_are_no_repetition_of_each_other(echo):
    for stamp in ("", "", "b"):
        assert echo.post(f"4{stamp}").body == "ok"
        assert echo.get(t=stamp).body == f"4{stamp}"
        time.sleep(long_polling.REPEATED_SECONDS + 0.5)


# To a websocket


def test_a_client_changes_to_a_websocket(echo):
    with upgrade(echo) as websocket:
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
        assert echo.get().body == "6"
        websocket.send("5", "4hello")
        assert websocket.receive() == "4hello"
        assert refused(echo.get())[1]["code"] == 3
        assert refused(echo.post("4by the old way"))[1]["code"] == 3
        websocket.send("4 and on")
        assert websocket.receive() == "4 and on"


def test_a_poll_does_not_overtake_the_change_that_was_sent_before_it(calm_port):
    for _ in range(20):
        with (
            PollingClient(calm_port, "/engine.io/") as client,
            closing(HTTPConnection("127.0.0.1", calm_port)) as other,
        ):
            client.open()
            other.connect()  # before the websocket, so that nothing but the poll itself is on its way then
            with upgrade(client) as websocket:
                websocket.send("2probe", "5")
                other.request("GET", client.url())
                assert other.getresponse().status == 400
                assert websocket.receive() == "3probe"
                websocket.send("4hello")
                assert websocket.receive() == "4hello"


def test_a_poll_that_waits_ends_for_the_change(echo):
    waiting = echo.begin()
    with upgrade(echo) as websocket:
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
        assert echo.answer(waiting).body == "6"


def test_what_waited_goes_over_the_websocket_in_order(echo):
    assert echo.post("4one", "4two", "bAQID").body == "ok"
    with upgrade(echo) as websocket:
        websocket.send("2probe")
        websocket.receive()
        websocket.send("5", "4three")
        assert [websocket.receive() for _ in range(4)] == ["4one", "4two", b"\x01\x02\x03", "4three"]


@pytest.mark.parametrize("said", [["4hello"], ["5"], ["2"], ["2probe", "4hello"], [b"\x01"]])
def test_a_websocket_that_does_not_go_through_with_it_is_closed_and_the_polls_go_on(echo, said):
    with upgrade(echo) as websocket:
        websocket.send(*said)
        if said[0] == "2probe":
            assert websocket.receive() == "3probe"
        with pytest.raises(Closed):
            websocket.receive()
    assert echo.post("4hello").body == "ok"
    assert next_message(echo) == "4hello"


def test_a_websocket_that_is_lost_before_the_change_changes_nothing(echo):
    with upgrade(echo) as websocket:
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
    assert echo.post("4hello").body == "ok"
    assert next_message(echo) == "4hello"


def end_of(websocket: WsClient) -> int | None:
    """The code that it is closed with. A busy machine may be too late for the probe's answer."""
    try:
        while True:
            assert websocket.receive() == "3probe"
    except Closed as closed:
        return closed.code


@pytest.mark.parametrize("said", [[], ["2probe"]], ids=["nothing", "no more than that it would"])
def test_a_websocket_that_does_not_go_through_with_it_in_time_is_closed_and_the_polls_go_on(said):
    with hasty_upgrade_and_farewell() as port, PollingClient(port, "/engine.io/") as client:
        client.open()
        with upgrade(client) as websocket:
            websocket.send(*said)
            assert end_of(websocket) == 1002
        assert client.post("4hello").body == "ok"
        assert next_message(client) == "4hello"


def test_a_second_websocket_is_let_in_and_closed(echo):
    with upgrade(echo) as first:
        first.send("2probe")
        first.receive()
        first.send("5", "4hello")
        assert first.receive() == "4hello"
        with upgrade(echo) as second, pytest.raises(Closed):
            second.receive()
        first.send("4still here")
        assert first.receive() == "4still here"


def test_the_session_ends_with_its_websocket(echo):
    with upgrade(echo) as websocket:
        websocket.send("2probe")
        websocket.receive()
        websocket.send("5", "4hello")
        assert websocket.receive() == "4hello"
    eventually(lambda: refused(echo.get()) == UNKNOWN)
