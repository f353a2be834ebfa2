"""The node's own rows: which log it is a node of, and how far its file has come in the order of the records. They are
written beside each record, in its transaction, and in no other node's file."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from .sequence import Place

# So far back a node can tell whether another's place is one of its own past.
KEPT_PLACES = 10_000


class Membership(NamedTuple):
    """What makes this file a node's: the log, the engine and its own name; how far it has come, and what the engine
    said of itself when it was last asked."""

    log_name: str
    engine: str
    name: str
    place: Place
    identity: dict[str, Any] | None


def read_membership(connection: sqlite3.Connection) -> Membership | None:
    """Returns the file's membership; None for a log that belongs to no cluster."""
    row = connection.execute("SELECT log_name, engine, name, position, hash, base, identity FROM node").fetchone()
    if row is None:
        return None
    log_name, engine, name, position, hashed, base, identity = row
    return Membership(log_name, engine, name, Place(position, hashed, base), json.loads(identity) if identity else None)


def write_membership(connection: sqlite3.Connection, membership: Membership) -> None:
    """Makes the file a node's, or changes what stands there of it."""
    connection.execute("DELETE FROM node")
    connection.execute("DELETE FROM positions")
    place = membership.place
    connection.execute(
        "INSERT INTO node (only_row, log_name, engine, name, position, hash, base) VALUES (1, ?, ?, ?, ?, ?, ?)",
        (membership.log_name, membership.engine, membership.name, *place),
    )
    connection.execute("INSERT INTO positions (position, hash) VALUES (?, ?)", place[:2])
    note_identity(connection, membership.identity)


def end_membership(connection: sqlite3.Connection) -> None:
    """Makes the file a log of its own."""
    for table in ("node", "positions", "members"):
        connection.execute(f"DELETE FROM {table}")


def read_place(connection: sqlite3.Connection) -> Place:
    """Returns how far the file has come."""
    return Place(*connection.execute("SELECT position, hash, base FROM node").fetchone())


def note_place(connection: sqlite3.Connection, place: Place) -> None:
    """Notes that the file has come so far, with the record's rows in the same transaction."""
    connection.execute("UPDATE node SET position = ?, hash = ?, base = ?", place)
    connection.execute("INSERT INTO positions (position, hash) VALUES (?, ?)", place[:2])
    connection.execute("DELETE FROM positions WHERE position <= ?", (place.position - KEPT_PLACES,))


def note_identity(connection: sqlite3.Connection, identity: dict[str, Any] | None) -> None:
    """Notes what the engine says of itself."""
    connection.execute("UPDATE node SET identity = ?", (None if identity is None else json.dumps(identity),))


def hash_at(connection: sqlite3.Connection, position: int) -> bytes | None:
    """Returns the hash of an earlier place of this file; None where it is not known any more, or was never reached."""
    row = connection.execute("SELECT hash FROM positions WHERE position = ?", (position,)).fetchone()
    return None if row is None else bytes(row[0])
