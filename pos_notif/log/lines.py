"""A log as lines of text: an event's stored bytes with the hashes that chain it, and a last line that speaks of the
whole (docs/protocol.md, section 12)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..wire.json_text import dump

_HASHES = re.compile(rb',"hash_anterior":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}\n?\Z')


@dataclass(frozen=True, slots=True)
class LogState:
    """Where a log begins and ends: its newest event, and the one before its oldest, each with its hash."""

    head_id: int
    head_hash: str
    anchor_id: int
    anchor_hash: str


def event_line(stored: bytes, previous_hash: bytes, own_hash: bytes) -> bytes:
    """Returns the event's line. `stored` is its JSON as the log keeps it: what the hash was taken of."""
    return b'%b,"hash_anterior":"%b","hash":"%b"}\n' % (stored[:-1], previous_hash, own_hash)


def last_line(total: int, complete: bool, state: LogState) -> bytes:
    """Returns the line that ends a log. `complete` says that no filter left an event out, so that the lines before it
    are the whole chain."""
    told = {
        "fin": True,
        "total": total,
        "completo": complete,
        "cabeza_id": state.head_id,
        "cabeza_hash": state.head_hash,
        "ancla_id": state.anchor_id,
        "ancla_hash": state.anchor_hash,
    }
    return dump(told).encode() + b"\n"


def split_line(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Splits an event's line into its stored bytes, its predecessor's hash and its own. Returns None for another
    line."""
    hashes = _HASHES.search(line)
    if hashes is None:
        return None
    return line[: hashes.start()] + b"}", hashes[1], hashes[2]
