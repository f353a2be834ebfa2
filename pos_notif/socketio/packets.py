"""Socket.IO v5 packets (protocol document v5-current) inside Engine.IO v4 messages (v4-current, websocket framing).

An Engine.IO packet of text is one websocket text message: a digit and its data; one of binary is a binary message. A
Socket.IO packet is the data of an Engine.IO message; its byte strings follow it as binary messages, each in the place
that a placeholder holds in the JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import DomainError
from ..wire.json_limits import check_json
from ..wire.json_text import dump, parse

# Engine.IO packet types
OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"

# Socket.IO packet types
CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)
_PLAIN = {BINARY_EVENT: EVENT, BINARY_ACK: ACK}
_BINARY = {plain: binary for binary, plain in _PLAIN.items()}

ROOT = "/"
MAX_ATTACHMENTS = 10
# Names that the clients' libraries keep for what they emit themselves.
RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
# `<type>[<attachments>-][<namespace>,][<ack id>][JSON]`
_PACKET = re.compile(r"([0-6])(?:(\d{1,4})-)?(?:(/[^,]{0,63})(?:,|$))?(\d*)(.*)", re.DOTALL | re.ASCII)
# What every peer holds exactly as a number.
_MAX_ACK_ID = 2**53 - 1

# Close codes of RFC 6455 (section 7.4.1) and its registry
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
UNSUPPORTED_DATA = 1003
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013


class BadPacket(Exception):
    """`code` and `reason` close the socket: the peer does not speak the protocol, or cannot be answered now."""

    def __init__(self, reason: str, code: int = PROTOCOL_ERROR) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True)
class Packet:
    """`data` is a CONNECT's object, an event's or ack's list of arguments, None where there is none. `attachments` is
    the number of byte strings that are still to come for it; a binary event or ack is one like any other."""

    type: int
    namespace: str = ROOT
    data: Any = None
    ack_id: int | None = None
    attachments: int = 0


def decode(text: str) -> Packet:
    """Reads a packet that a client has sent; its placeholders are still in it. Raises BadPacket."""
    match = _PACKET.fullmatch(text)
    if match is None:
        raise BadPacket("malformed packet")
    digit, attachments, namespace, ack_id, body = match.groups()
    packet = Packet(int(digit), namespace or ROOT, _json(body), _ack_id(ack_id), int(attachments or 0))
    _check(packet, has_attachments=attachments is not None)
    packet.type = _PLAIN.get(packet.type, packet.type)
    return packet


def _json(text: str) -> Any:
    """Returns the JSON's value, or None where there is no text. Raises BadPacket."""
    if not text:
        return None
    try:
        value = parse(text.encode())
        check_json(value)
    except UnicodeEncodeError as error:
        raise BadPacket("incomplete character", INVALID_DATA) from error
    except DomainError as error:
        raise BadPacket("invalid JSON", INVALID_DATA) from error
    if value is None:
        raise BadPacket("null is no payload")
    return value


def _ack_id(digits: str) -> int | None:
    if not digits:
        return None
    if len(digits) > 16 or int(digits) > _MAX_ACK_ID:
        raise BadPacket("bad ack id")
    return int(digits)


def _check(packet: Packet, *, has_attachments: bool) -> None:
    kind, data = packet.type, packet.data
    if has_attachments != (kind in (BINARY_EVENT, BINARY_ACK)):
        raise BadPacket("bad number of attachments")
    if packet.attachments > MAX_ATTACHMENTS:
        raise BadPacket("too many attachments", TOO_BIG)
    if packet.ack_id is not None and kind in (CONNECT, DISCONNECT, CONNECT_ERROR):
        raise BadPacket("bad ack id")
    if kind == CONNECT:
        if data is not None and not isinstance(data, dict):
            raise BadPacket("a CONNECT's payload is an object")
    elif kind == DISCONNECT:
        if data is not None:
            raise BadPacket("a DISCONNECT has no payload")
    elif kind == CONNECT_ERROR:
        raise BadPacket("only a server refuses a connection")
    elif kind in (EVENT, BINARY_EVENT):
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise BadPacket("an event is a list that begins with its name")
        if data[0] in RESERVED_EVENTS:
            raise BadPacket("reserved event name")
    elif data is not None and not isinstance(data, list):
        raise BadPacket("an ack is a list")


def encode(packet: Packet) -> list[str | bytes]:
    """Returns the data of the Engine.IO messages, in their order: the text, then the attachments. Byte strings may
    stand anywhere in the packet's `data`, and make an event or ack a binary one."""
    attachments: list[bytes] = []
    data = _take_out(packet.data, attachments)
    head = f"{_BINARY[packet.type]}{len(attachments)}-" if attachments else str(packet.type)
    if packet.namespace != ROOT:
        head += packet.namespace + ","
    if packet.ack_id is not None:
        head += str(packet.ack_id)
    return [head if data is None else head + dump(data), *attachments]


def _take_out(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, bytes):
        attachments.append(value)
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, dict):
        return {name: _take_out(member, attachments) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_take_out(member, attachments) for member in value]
    return value


def put_back(packet: Packet, attachments: list[bytes]) -> None:
    """Replaces the placeholders of a decoded packet by what has come. Raises BadPacket unless each is used once: one
    that is named a thousand times would make a small message a large one."""
    used: set[int] = set()
    packet.data = _put_back(packet.data, attachments, used)
    packet.attachments = 0
    if len(used) != len(attachments):
        raise BadPacket("an attachment without its placeholder")


def _put_back(value: Any, attachments: list[bytes], used: set[int]) -> Any:
    if isinstance(value, list):
        return [_put_back(member, attachments, used) for member in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is not True:
        return {name: _put_back(member, attachments, used) for name, member in value.items()}
    number = value.get("num")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(attachments) or number in used:
        raise BadPacket("bad placeholder")
    used.add(number)
    return attachments[number]
