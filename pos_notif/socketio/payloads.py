"""Engine.IO v4 payloads (protocol document v4-current, "HTTP long-polling"): several packets in one body.

Packets stand one after the other with U+001E between them; one of binary is `b` and its bytes in base64. Here a packet
is what it is on a websocket too: a text that begins with its type, or bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from .packets import INVALID_DATA, NOOP, OPEN, BadPacket

SEPARATOR = "\x1e"
_BINARY = "b"


def encode_payload(packets: Iterable[str | bytes]) -> bytes:
    """Returns the body that carries these packets, in their order."""
    return SEPARATOR.join(map(_encode, packets)).encode()


def decode_payload(body: bytes) -> list[str | bytes]:
    """Returns the packets of a body, of which there is at least one. Raises BadPacket for what is no payload: it is
    not UTF-8, a packet has no type, or its base64 is not what an encoder writes."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadPacket("not UTF-8", INVALID_DATA) from error
    return [_decode(packet) for packet in text.split(SEPARATOR)]


def size_of(packet: str | bytes) -> int:
    """Returns how many bytes a packet takes in a payload."""
    if isinstance(packet, bytes):
        return 1 + (len(packet) + 2) // 3 * 4
    return len(packet) if packet.isascii() else len(packet.encode())


def _encode(packet: str | bytes) -> str:
    return packet if isinstance(packet, str) else _BINARY + base64.b64encode(packet).decode()


def _decode(packet: str) -> str | bytes:
    if packet[:1] == _BINARY:
        try:
            data = base64.b64decode(packet[1:], validate=True)
        except (ValueError, binascii.Error) as error:
            raise BadPacket("invalid base64", INVALID_DATA) from error
        if _encode(data) != packet:  # unused bits that are set, padding that is missing or too much
            raise BadPacket("invalid base64", INVALID_DATA)
        return data
    if not packet or not OPEN <= packet[0] <= NOOP:
        raise BadPacket("malformed packet")
    return packet
