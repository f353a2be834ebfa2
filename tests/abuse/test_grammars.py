"""Texts that nobody would think of, where one grammar is written within another: cursors in addresses and headers, JSON
in server-sent events, JSON and byte strings in Socket.IO packets. Each is read back by somebody else's rules."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from engineio.payload import Payload as TheirPayload
from hypothesis import given, settings
from hypothesis import strategies as st
from socketio.packet import Packet as TheirPacket

from pos_notif.errors import DomainError
from pos_notif.log.event_log import Cursor
from pos_notif.socketio.packets import ACK, EVENT, RESERVED_EVENTS, BadPacket, Packet, decode, encode, put_back
from pos_notif.socketio.payloads import decode_payload, encode_payload, size_of
from pos_notif.wire import json_text, sse
from pos_notif.wire.json_text import dump
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient

POLL = "/api/notificaciones/polling/cocinero"
# What could be taken for the end of a line, of a field, of a string, or for the mark at a stream's beginning.
AWKWARD = st.text(
    st.sampled_from("\r\n\0\t :{}[]\",\\'\x1a\x85\u2028\u2029\ufeff\U0001f32eé") | st.characters(codec="utf-8")
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | AWKWARD,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(AWKWARD, values, max_size=4),
    max_leaves=12,
)


# Cursors


@given(st.text() | st.from_regex(r"[0-9a-zA-Z]{0,40}[-_]?[0-9+ ]{0,40}", fullmatch=True))
def test_a_text_is_a_cursor_in_one_way_or_in_none(text: str):
    cursor = Cursor.parse(text)
    assert cursor is None or str(cursor) == text


def test_whatever_is_sent_as_a_cursor_there_is_an_answer_from_which_one_can_go_on(make_server):
    server = make_server(poll_rate="0")
    for number in range(1, 6):
        server.publish(stock_alert(number, "agotado"))
    newest = server.request("GET", POLL)[2]["cursor"]
    epoch, _, last = newest.partition("-")
    nearly = st.builds("{}-{}".format, st.sampled_from([epoch, epoch[:-1], "0"]), st.integers(-3, 12) | st.integers())

    @settings(max_examples=150, deadline=None)
    @given((nearly | AWKWARD).filter(bool))
    def check(text: str) -> None:
        status, _, page = server.request("GET", f"{POLL}?cliente={uuid4()}&cursor={quote(text, safe='')}")
        assert status == 200
        known = re.fullmatch(rf"{epoch}-(0|[1-9][0-9]*)", text, re.ASCII)
        known_id = int(known[1]) if known else -1
        if 0 <= known_id <= int(last):
            assert [event["id"] for event in page["eventos"]] == list(range(known_id + 1, int(last) + 1))
            assert "resincronizar" not in page
        else:
            assert page["eventos"] == []
            assert page["resincronizar"]["motivo"]
        assert page["cursor"] == newest

    check()
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


# JSON, which is read and written by more than one library


def read_json(text: bytes) -> Any:
    """By the standard library alone; None for what is refused."""
    with contextlib.suppress(ValueError):
        return [json.loads(text.decode("utf-8-sig"), parse_constant=int)]
    return None


EDITS = st.lists(st.tuples(st.integers(0), st.sampled_from(b'019-+.eE"\\u[]{},: \xff\xed\xa0\x80\n')), max_size=3)


@given(JSON, st.booleans(), EDITS)
def test_a_body_is_read_as_the_standard_library_reads_it(value: Any, ascii_only: bool, edits: list[tuple[int, int]]):
    body = bytearray(json.dumps(value, ensure_ascii=ascii_only).encode())
    for place, byte in edits:
        body[place % len(body)] = byte
    try:
        found = [json_text.parse(bytes(body))]
    except DomainError:
        found = None
    assert json.dumps(found) == json.dumps(read_json(bytes(body)))  # 1 is not 1.0, and not true


@given(JSON.filter(lambda value: "e+" not in json.dumps(value)))
def test_what_is_stored_is_written_as_everything_else(value: Any):
    assert json_text.encode(value).decode() == dump(value)


# Server-sent events


def read_event_stream(stream: bytes) -> list[tuple[str, str, str]]:
    """By the letter of the HTML standard, section 9.2.6: (last event id, type, data)."""
    events: list[tuple[str, str, str]] = []
    last_id, kind, data = "", "", ""
    for line in re.split("\r\n|\n|\r", stream.decode("utf-8-sig")):
        if line == "":
            if data:
                events.append((last_id, kind or "message", data.removesuffix("\n")))
            kind, data = "", ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
    return events


@given(st.lists(JSON, max_size=4))
def test_whatever_an_event_holds_it_is_one_frame_with_that_json(values: list[Any]):
    stream = sse.frames("abc123", [(number, "evento_x", dump(value).encode()) for number, value in enumerate(values)])
    read = read_event_stream(sse.PADDING + sse.retry(2000) + stream)
    assert [(last_id, kind, json.loads(data)) for last_id, kind, data in read] == [
        (f"abc123-{number}", "evento_x", value) for number, value in enumerate(values)
    ]


@given(AWKWARD, AWKWARD)
def test_no_name_or_id_begins_another_field(name: str, event_id: str):
    if any(mark in name + event_id for mark in "\r\n\0"):
        with pytest.raises(ValueError, match="line break or NUL"):
            sse.frame(name, b"{}", event_id)
    else:
        ((read_id, kind, data),) = read_event_stream(b":\n\n" + sse.frame(name, b"{}", event_id))
        assert (read_id, kind, data) == (event_id, name or "message", "{}")


def test_what_is_published_is_what_the_stream_and_the_poll_say(make_server):
    server = make_server(poll_rate="0")
    with SseClient(server, "cocinero") as stream:
        stream.next_event("hola")

        @settings(max_examples=60, deadline=None)
        @given(AWKWARD.filter(lambda text: text.strip() and len(text) < 200), AWKWARD)
        def check(name: str, note: str) -> None:
            draft = {**stock_alert(1, "agotado"), "nombre": name, "nota_de_la_caja": note}
            status, _, answer = server.request("POST", "/api/notificaciones/eventos", draft)
            if status == 422:  # NUL and other characters that no name has
                assert answer["error"]["campos"]
                return
            assert status == 201, answer
            heard = stream.take(1)[0].data
            assert (heard["id"], heard["nombre"], heard["nota_de_la_caja"]) == (answer["id"], name, note)
            before = f"{answer['cursor'].partition('-')[0]}-{answer['id'] - 1}"
            polled = server.request("GET", f"{POLL}?cliente={uuid4()}&cursor={before}")[2]
            assert polled["eventos"] == [heard]

        check()
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


# Socket.IO

NAMESPACES = st.sampled_from(["/", "/cocina", "/a-b", '/"', "/1"])
ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | AWKWARD | st.binary(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.from_regex("[a-z]{1,3}", fullmatch=True), values),
    max_leaves=8,
)
EVENTS = st.builds(
    lambda name, arguments, namespace, ack_id: Packet(EVENT, namespace, [name, *arguments], ack_id),
    AWKWARD.filter(lambda name: name not in RESERVED_EVENTS), st.lists(ARGUMENTS, max_size=3), NAMESPACES,
    st.none() | st.integers(0, 2**53 - 1),
)  # fmt: skip


def byte_strings(value: Any) -> int:
    if isinstance(value, bytes):
        return 1
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(byte_strings, members))


@given(EVENTS.filter(lambda packet: byte_strings(packet.data) <= 10))
def test_a_packet_is_read_as_it_was_written_by_us_and_by_another_implementation(packet: Packet):
    text, *attachments = encode(packet)
    assert isinstance(text, str)
    ours = decode(text)
    put_back(ours, [part for part in attachments if isinstance(part, bytes)])
    assert ours == packet
    theirs = TheirPacket(encoded_packet=text)
    for part in attachments:
        theirs.add_attachment(part)
    assert (theirs.namespace or "/", theirs.id, theirs.data) == (packet.namespace, packet.ack_id, packet.data)


@settings(max_examples=500)
@given(
    AWKWARD
    | st.from_regex(r'[0-9]{1,2}(\d*-)?(/[a-z",]*,)?\d{0,20}(\[.*|\{.*|".*)?', fullmatch=True)
    | EVENTS.map(lambda packet: str(encode(packet)[0])).flatmap(
        lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut] + text[cut + 1 :])
    )
)
def test_a_text_is_a_packet_or_is_refused(text: str):
    refused, packet = None, None
    try:
        packet = decode(text)
    except BadPacket as error:
        refused = error
    if refused is not None:
        assert 1000 <= refused.code < 1015
        assert refused.reason.isascii()  # a close frame has 123 bytes for it
        assert len(refused.reason) < 123
    elif packet is not None:
        assert packet.type not in (EVENT, ACK) or packet.data is None or isinstance(packet.data, list)
        assert packet.attachments <= 10


# Payloads of several packets

PACKETS = st.binary() | st.builds(
    str.__add__, st.sampled_from("0123456"), AWKWARD.map(lambda text: text.replace("\x1e", ""))
)


@given(st.lists(PACKETS, min_size=1, max_size=16))
def test_a_payload_is_read_as_it_was_written_by_us_and_by_another_implementation(packets: list[str | bytes]):
    body = encode_payload(packets)
    assert decode_payload(body) == packets
    assert len(body) == sum(map(size_of, packets)) + len(packets) - 1
    # Without what theirs reads as a number or JSON in a message, which is Socket.IO's to read.
    binary = [packet for packet in packets if isinstance(packet, bytes)]
    if binary:
        theirs = TheirPayload(encoded_payload=encode_payload(binary).decode())
        assert [packet.data for packet in theirs.packets] == binary


@settings(max_examples=500)
@given(
    st.binary()
    | AWKWARD.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.from_regex(rb"([0-9]?[a-z]{0,4}\x1e?|b[A-Za-z0-9+/=]{0,9}\x1e?){0,5}", fullmatch=True)
)
def test_a_body_is_one_payload_in_one_way_or_is_refused(body: bytes):
    packets = None
    with contextlib.suppress(BadPacket):
        packets = decode_payload(body)
    assert packets is None or encode_payload(packets) == body
