"""How a log becomes the first node of a cluster: its engine gets a first record, and the file its place."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from ..clock import system_clock
from ..database.connecting import connect
from ..database.file import opened
from ..errors import CommandFailed
from .engine import Engine
from .node import until_known
from .places import Membership, read_membership, write_membership
from .record import pack
from .recorder import RecordingConnection
from .replica import base_record
from .sequence import NO_PLACE, Closed, Conflict, Place, Sequence, Unknown, place_after


def found(database: Path, engine: Engine, name: str) -> Membership:
    """Makes an existing log the first node, without a change of its epoch: no client notices. Raises CommandFailed or
    LogRefused, and then the log is what it was."""
    with opened(database) as plain:
        known = read_membership(plain)
    if known is not None:
        raise CommandFailed(f"{database}: is the node {known.name} already")
    log_name = secrets.token_hex(8)
    sequence = engine.sequence(log_name, None)
    connection = connect(database, connection_class=RecordingConnection)
    assert isinstance(connection, RecordingConnection)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM members")
        record = base_record(log_name, connection, NO_PLACE, lambda writer: _add_member(writer, name))
        packed = pack(record)
        place = place_after(NO_PLACE, packed, record.nonce)
        _begin(sequence, packed, place)
        membership = Membership(log_name, engine.name, name, place, sequence.identity)
        write_membership(connection, membership)
        connection.execute("COMMIT")
    finally:
        connection.close()
        sequence.close()
    return membership


def _begin(sequence: Sequence, packed: bytes, place: Place) -> None:
    def begin() -> Place:
        with contextlib.suppress(Conflict):  # with what it was asked for before, perhaps
            sequence.begin(NO_PLACE, packed, place.base, seen=NO_PLACE)
        return sequence.head()

    try:
        head = until_known(begin)
    except (Closed, Unknown) as error:
        raise CommandFailed(f"the engine cannot be used: {error or 'it does not answer'}") from error
    if head != place:
        raise CommandFailed("the engine has a log of this name already")


def _add_member(connection: RecordingConnection, name: str) -> None:
    connection.execute(
        "INSERT INTO members (name, position, joined_ms) VALUES (?, 0, ?)", (name, system_clock())
    )  # fmt: skip
