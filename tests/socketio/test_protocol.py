"""Engine.IO v4 and Socket.IO v5 by the letter, against `conformance_app.py`: what the official suites ask of a
websocket, and what a peer must not get away with."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.websocket_client import SOCKET_PATH, Closed, SioClient, WsClient

ECHO_PATH = "/engine.io/?EIO=4&transport=websocket"
TEXT, BINARY, PING = 1, 2, 9
PLACEHOLDERS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


@contextlib.contextmanager
def conformance_app(*flags: str) -> Iterator[int]:
    app = Path(__file__).parents[1] / "conformance_app.py"
    process = subprocess.Popen(
        [sys.executable, str(app), "--port", "0", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield int(line.rsplit(":", 1)[1])
    finally:
        process.kill()
        _, complaints = process.communicate()
    assert "Traceback" not in complaints, complaints


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with conformance_app() as port:
        yield port


@pytest.fixture(scope="module")
def patient_port() -> Iterator[int]:
    """Which pings as often, and lets a busy machine take its time for the answer."""
    with conformance_app("--ping-timeout", "20") as port:
        yield port


@pytest.fixture(scope="module")
def calm_port() -> Iterator[int]:
    """Where nothing times out while a test thinks."""
    with conformance_app("--ping-interval", "25", "--ping-timeout", "20", "--connect-timeout", "45") as port:
        yield port


@pytest.fixture
def client(calm_port: int) -> Iterator[SioClient]:
    with SioClient(calm_port) as client:
        assert client.receive() == '42["auth",{}]'
        yield client


# Engine.IO


def test_the_open_packet(port):
    with WsClient(port) as client:
        text = client.receive()
        assert text[0] == "0"
        opening = json.loads(text[1:])
        assert list(opening) == ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
        assert opening["upgrades"] == []
        assert (opening["pingInterval"], opening["pingTimeout"], opening["maxPayload"]) == (300, 200, 1_000_000)
        with WsClient(port) as other:
            assert json.loads(other.receive()[1:])["sid"] != opening["sid"]


def test_text_and_binary_come_back_as_they_were_sent(calm_port):
    with WsClient(calm_port, ECHO_PATH) as client:
        client.receive()
        client.send("4hello", "4á€😀", "4", bytes([1, 2, 3, 4]), b"")
        assert [client.receive() for _ in range(5)] == ["4hello", "4á€😀", "4", bytes([1, 2, 3, 4]), b""]


def test_the_server_pings_and_goes_on_for_as_long_as_it_is_answered(patient_port):
    began = time.monotonic()  # no later than the session
    with WsClient(patient_port, ECHO_PATH) as client:
        client.receive()
        while client.pings < 4:
            client.send("4x")
            assert client.receive() == "4x"
            time.sleep(0.02)
        assert time.monotonic() - began > 4 * 0.3 - 0.05


def test_who_does_not_answer_a_ping_is_closed(port):
    began = time.monotonic()  # no later than the session
    with WsClient(port, ECHO_PATH, pongs=False) as client:
        with Stopwatch() as watch:
            assert client.closed().code == 1002
        assert time.monotonic() - began > 0.45
        assert watch.seconds < 5


@pytest.mark.parametrize("message", ["", "2", "2probe", "5", "6", "0", "7", "abc", "3x", "11"])
def test_an_engine_io_packet_that_a_client_may_not_send_closes(calm_port, message):
    with WsClient(calm_port, ECHO_PATH) as client:
        client.receive()
        client.send(message)
        assert client.closed().code == 1002


def test_a_client_may_close(calm_port):
    with WsClient(calm_port, ECHO_PATH) as client:
        client.receive()
        client.send("1")
        assert client.closed().code == 1000


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", 0),
        ("?EIO=4", 0),
        ("?EIO=4&transport=abc", 0),
        ("?EIO=4&transport=polling", 3),
        ("?EIO=4&transport=websocket&sid=abc", 1),
        ("?transport=websocket", 5),
        ("?EIO=3&transport=websocket", 5),
        ("?EIO=abc&transport=websocket", 5),
    ],
)
def test_a_wrong_upgrade_is_refused_as_the_reference_refuses_it(port, query, code):
    for path in ("/socket.io/", "/engine.io/"):
        with WsClient(port, path + query) as client:
            assert client.status == 400
            assert json.loads(client.body)["code"] == code


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("", 0, "Transport unknown"),
        ("?EIO=4&transport=websocket&sid=abc", 1, "Session ID unknown"),
        ("?EIO=4&transport=websocket", None, None),
    ],
)
def test_plain_http_is_told_so(port, method, query, code, message):
    if code is None:
        code, message = (3, "Bad request") if method == "GET" else (2, "Bad handshake method")
    for path in ("/socket.io/", "/socket.io", "/engine.io/"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}{query}", method=method)
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request, timeout=10):
            pass
        with refused.value as answer:
            assert answer.status == 400
            assert answer.read() == json.dumps({"code": code, "message": message}, separators=(",", ":")).encode()


# Socket.IO


@pytest.mark.parametrize(
    ("sent", "head", "greeting"),
    [
        ("40", "40", '42["auth",{}]'),
        ("40{}", "40", '42["auth",{}]'),
        ('40{"token":"123","b":[1,2.5,null]}', "40", '42["auth",{"token":"123","b":[1,2.5,null]}]'),
        ("40/custom,", "40/custom,", '42/custom,["auth",{}]'),
        ("40/custom", "40/custom,", '42/custom,["auth",{}]'),
        ('40/custom,{"token":"abc"}', "40/custom,", '42/custom,["auth",{"token":"abc"}]'),
    ],
)
def test_joining_a_namespace(calm_port, sent, head, greeting):
    with WsClient(calm_port) as client:
        opening = json.loads(client.receive()[1:])
        client.send(sent)
        answer = client.receive()
        assert answer.startswith(head)
        joined = json.loads(answer[len(head) :])
        assert list(joined) == ["sid"]
        assert joined["sid"] != opening["sid"]
        assert client.receive() == greeting


def test_an_unknown_namespace_is_refused_and_the_connection_lives(calm_port):
    with WsClient(calm_port) as client:
        client.receive()
        client.send("40/random", "40")
        assert client.receive() == '44/random,{"message":"Invalid namespace"}'
        assert client.receive().startswith('40{"sid":"')


def test_a_client_that_joins_nothing_is_closed(patient_port):
    began = time.monotonic()  # no later than the session
    with WsClient(patient_port) as client:
        with Stopwatch() as watch:
            closed = client.closed()
        assert (closed.code, closed.reason) == (1008, "connect timeout")
        assert time.monotonic() - began > 0.9
        assert watch.seconds < 6

    def was_refused() -> bool:
        """Being refused is not joining; on a busy machine the time for that is over before it is answered."""
        with WsClient(patient_port) as client:
            try:
                client.receive()
                client.send("40/random")
                client.receive()
            except Closed:
                return False
            assert client.closed().reason == "connect timeout"
            return True

    eventually(was_refused)


def test_leaving_gets_no_answer_and_leaves_the_other_namespace(client):
    client.send("40/custom")
    client.receive(), client.receive()
    client.send("41/custom", '42["message","x"]')
    assert client.receive() == '42["message-back","x"]'
    client.send("40/custom")  # it may come back
    assert client.receive().startswith("40/custom,")


def test_nothing_comes_after_leaving_the_last(patient_port):
    def joined() -> SioClient | None:
        with contextlib.suppress(Closed):  # on a busy machine the time for it is over before it is answered
            return SioClient(patient_port)
        return None

    with eventually(joined) as client:
        client.receive()
        client.send("41")
        with pytest.raises(Closed) as closed:  # only pings until the time for joining is over
            client.receive()
        assert closed.value.reason == "connect timeout"
        assert client.pings


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ('42["message",1,"2",{"3":[true]}]', '42["message-back",1,"2",{"3":[true]}]'),
        ('42["message",{"z":1,"a":{"y":null,"b":-0.5}}]', '42["message-back",{"z":1,"a":{"y":null,"b":-0.5}}]'),
        ('42["message","á\\u20ac\\ud83d\\ude00"]', '42["message-back","á€😀"]'),
        ('42["message"]', '42["message-back"]'),
        ('42 [ "message" , 1 ] ', '42["message-back",1]'),
        ('42456["message-with-ack",1,"2",{"3":[false]}]', '43456[1,"2",{"3":[false]}]'),
        ('420["message-with-ack"]', "430[]"),
        ('429007199254740991["message-with-ack"]', "439007199254740991[]"),
        ('450-["message",1]', '42["message-back",1]'),
    ],
)
def test_an_event(client, sent, answer):
    client.send(sent)
    assert client.receive() == answer


def test_byte_strings(client):
    parts = [bytes([1, 2, 3]), bytes([4, 5, 6])]
    client.send(f'452-["message",{PLACEHOLDERS}]', *parts)
    assert [client.receive() for _ in range(3)] == [f'452-["message-back",{PLACEHOLDERS}]', *parts]
    client.send(f'452-789["message-with-ack",{PLACEHOLDERS}]', *parts)
    assert [client.receive() for _ in range(3)] == [f"462-789[{PLACEHOLDERS}]", *parts]
    client.send('451-["message",{"deep":[{"_placeholder":true,"num":0}]}]', b"")
    assert client.receive() == '451-["message-back",{"deep":[{"_placeholder":true,"num":0}]}]'
    assert client.receive() == b""


ATTACHMENT = '{"_placeholder":true,"num":0}'


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("4", 1002),
        ("4abc", 1002),
        ("47", 1002),
        ("40", 1002),  # it has joined already
        ("40[]", 1002),
        ('40"x"', 1002),
        ("40null", 1002),
        ('44{"message":"x"}', 1002),
        ("41{}", 1002),
        ("42", 1002),
        ("42{}", 1002),
        ("42[]", 1002),
        ("42[1]", 1002),
        ("42[null]", 1002),
        ("42[[]]", 1002),
        ('42["connect"]', 1002),
        ('42["disconnect"]', 1002),
        ('42["newListener"]', 1002),
        ('42/custom,["message"]', 1002),  # which it has not joined
        ('42/custom["message"]', 1002),
        ('42abc["message-with-ack"]', 1007),
        ('42-1["message-with-ack"]', 1007),
        ('421.5["message-with-ack"]', 1007),
        ('429007199254740992["message-with-ack"]', 1002),
        ("42" + "9" * 5000 + '["message-with-ack"]', 1002),
        ("431{}", 1002),
        ('431"x"', 1002),
        ("43/custom,1[]", 1002),  # which it has not joined
        ('42["message"', 1007),
        ('42["message"]]', 1007),
        ('42["message",NaN]', 1007),
        ('42["message",-Infinity]', 1007),
        ('42["message",9007199254740993]', 1007),
        ('42["message",1e999]', 1007),
        ('42["message",' + "1" * 5000 + "]", 1007),
        ('42["message",' + "[" * 17 + "]" * 17 + "]", 1007),
        ('42["message",' + "[" * 100_000 + "]" * 100_000 + "]", 1007),
        ('42["message","\\ud800"]', 1007),
        ('42["message",{"\\udc00":1}]', 1007),
        ('451["message"]', 1002),
        ('45-["message"]', 1007),
        ('45x-["message"]', 1007),
        ('421-["message"]', 1002),
        (f'4511-["message",{ATTACHMENT}]', 1009),
        (f'4599999999-["message",{ATTACHMENT}]', 1007),
        (f'451-/custom,["message",{ATTACHMENT}]', 1002),
        (b"\x01", 1003),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_packet_closes(client, message, code):
    client.send(message)
    closed = client.closed()
    assert closed.code == code
    assert code == 1000 or closed.reason


@pytest.mark.parametrize(
    "messages",
    [
        ("431[]",), ('4399["x",{"a":1}]',), ("43/,1[]",), ('43["x"]',), ("431",), ("43",), ("460-1[]",),
        (f"461-1[{ATTACHMENT}]", b"\x01"), ("431[]", "431[]", "431[]"),
    ],
    ids=str,
)  # fmt: skip
def test_an_ack_that_nobody_asked_for_is_let_go(client, messages):
    client.send(*messages, '42["message",1]')
    assert client.receive() == '42["message-back",1]'


@pytest.mark.parametrize(
    ("text", "parts", "code"),
    [
        ('452-["message",{"_placeholder":true,"num":0}]', [b"a", b"b"], 1002),  # one is used by nobody
        ('451-["message",{"_placeholder":true,"num":1}]', [b"a"], 1002),
        ('451-["message",{"_placeholder":true,"num":-1}]', [b"a"], 1002),
        ('451-["message",{"_placeholder":true,"num":"0"}]', [b"a"], 1002),
        ('451-["message",{"_placeholder":true,"num":false}]', [b"a"], 1002),
        ('451-["message",{"_placeholder":true}]', [b"a"], 1002),
        (f'451-["message",{ATTACHMENT},{ATTACHMENT}]', [b"a"], 1002),
        (f'451-["message",{ATTACHMENT}]', ["42[]"], 1002),  # text in its place
        (f'452-["message",{PLACEHOLDERS}]', [b"a" * 600_000, b"b" * 600_000], 1009),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_bad_attachment_closes(client, text, parts, code):
    client.send(text, *parts)
    assert client.closed().code == code


@pytest.mark.parametrize("first", ['42["message"]', "41", '43["x"]', "42/custom,[]", '451-["message"]', b"x", "4x"])
def test_nothing_goes_before_joining(calm_port, first):
    with WsClient(calm_port) as client:
        client.receive()
        client.send(first)
        assert client.closed().code in (1002, 1003)


# The websocket itself


@pytest.mark.parametrize(
    ("code", "frame"),
    [
        (1002, {"opcode": TEXT, "payload": b"4x", "masked": False}),
        (1002, {"opcode": TEXT, "payload": b"4x", "rsv": 4}),  # compressed, which was not agreed on
        (1002, {"opcode": 5, "payload": b"4x"}),
        (1002, {"opcode": 0, "payload": b"4x"}),
        (1002, {"opcode": PING, "payload": b"x" * 126}),
        (1002, {"opcode": PING, "payload": b"x", "final": False}),
        (1002, {"opcode": 8, "payload": b"x"}),
        (1002, {"opcode": 8, "payload": struct.pack("!H", 999)}),
        (1007, {"opcode": TEXT, "payload": b"4\xff"}),
        (1007, {"opcode": TEXT, "payload": b"4\xed\xa0\x80"}),  # half of a surrogate pair
        (1007, {"opcode": TEXT, "payload": b"4\xc3"}),
    ],
    ids=str,
)
def test_a_broken_frame_is_answered_by_its_code(client, code, frame):
    client.send_frame(**frame)
    assert client.closed().code == code


def test_a_message_may_be_as_large_as_the_open_packet_says_and_no_larger(calm_port):
    with WsClient(calm_port, ECHO_PATH) as client:
        client.receive()
        for fits in ("4" + "a" * 999_999, "4" + "á" * 499_999):
            client.send(fits)
            assert client.receive() == fits
        client.send("4" + "á" * 500_000)  # 500,001 characters, a million bytes and one
        assert client.closed().code == 1009


def test_parts_of_a_message_are_counted_together(calm_port):
    with WsClient(calm_port, ECHO_PATH) as client:
        client.receive()
        client.send_frame(TEXT, b"4" + b"a" * 600_000, final=False)
        client.send_frame(0, b"a" * 600_000)
        assert client.closed().code == 1009


def test_a_message_in_parts_with_a_ping_between(client):
    client.send_frame(TEXT, b'42["mess', final=False)
    client.send_frame(PING, b"are you there")
    client.send_frame(0, b'age","\xc3', final=False)
    client.send_frame(0, b"", final=False)
    client.send_frame(0, b'\xa1"]')
    assert client.receive() == '42["message-back","á"]'


def test_compression_is_not_agreed_on(calm_port):
    with WsClient(calm_port, headers={"Sec-WebSocket-Extensions": "permessage-deflate"}) as client:
        assert client.status == 101
        assert "sec-websocket-extensions" not in client.headers


def test_the_client_that_closes_gets_its_close_frame_back(client):
    client.send_frame(8, struct.pack("!H", 1000))
    assert client.closed().code == 1000


def test_a_flood_is_read_slowly_and_nobody_else_waits(calm_port):
    with SioClient(calm_port) as flood, SioClient(calm_port) as other:
        flood.receive(), other.receive()
        began = time.monotonic()  # no later than the first of them is read
        flood.send(*['42["message",1]'] * 300)
        with Stopwatch() as watch:
            other.send('42["message",2]')
            assert other.receive() == '42["message-back",2]'
        assert watch.seconds < 1
        for _ in range(300):
            flood.receive()
        # 200 at once, and then 50 a second
        assert time.monotonic() - began > 1.5


def test_the_path_is_the_sockets_with_and_without_its_slash(calm_port):
    with WsClient(calm_port, SOCKET_PATH.replace("/?", "?")) as client:
        assert client.receive().startswith("0{")
