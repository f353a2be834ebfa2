"""A record: one node's transaction, as it is ordered by the engine and made again in every other node's file.

It carries what was written, and not what was wanted: statements with their parameters, in the order in which they ran.
On the same state they make the same rows, whatever version of the rules the other node has.
"""

from __future__ import annotations

import secrets
import zlib
from enum import IntEnum
from typing import Any

import msgspec

from ..errors import TooLarge

# etcd takes 1.5 MB a request, as base64 within JSON three quarters of that.
MAX_RECORD_BYTES = 1024 * 1024
# What a record may become once it is unpacked: a node must not run out of memory by one.
_MAX_UNPACKED_BYTES = 256 * 1024 * 1024


class Kind(IntEnum):
    """What a record is besides its statements: a `BASE` opens the engine, a `MIGRATION` stands for the steps of the
    schema up to its `schema`, which each node makes by itself."""

    TRANSACTION = 0
    BASE = 1
    MIGRATION = 2


class Statement(msgspec.Struct, array_like=True, frozen=True):
    """A statement and the rows of parameters that it ran with. `last_rowid` is the id that an INSERT was given where
    SQLite counts them."""

    sql: str
    rows: list[Any]
    last_rowid: int | None = None


class Record(msgspec.Struct, array_like=True, frozen=True):
    """`before` is the hash of the place that it follows, `nonce` what its node knows it by, `changes` how many rows it
    changes by SQLite's `total_changes`, and `schema` the version of the file in which it was made."""

    log_name: str
    schema: int
    before: bytes
    nonce: bytes
    kind: int
    statements: list[Statement]
    changes: int


class Unreadable(Exception):
    """A record is none of ours."""


def new_nonce() -> bytes:
    return secrets.token_bytes(16)


def pack(record: Record) -> bytes:
    """Returns the record's bytes. Raises TooLarge where an engine would not take them."""
    packed = zlib.compress(_encode(record), 1)
    if len(packed) > MAX_RECORD_BYTES:
        raise TooLarge(f"Lo que se publica a la vez pasa de {MAX_RECORD_BYTES // 1024**2} MiB entre los nodos.")
    return packed


def unpack(packed: bytes) -> Record:
    """Reads a record. Raises Unreadable."""
    unzip = zlib.decompressobj()
    try:
        text = unzip.decompress(packed, _MAX_UNPACKED_BYTES)
        if not unzip.eof:
            raise Unreadable("it is cut, or too large")
        return _decode(text)
    except (zlib.error, msgspec.DecodeError) as error:
        raise Unreadable(str(error)) from error


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
