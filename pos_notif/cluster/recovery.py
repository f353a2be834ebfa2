"""What a person decides where an engine has lost something: which node's log goes on (`cluster recover`), and what the
others had that it has not (`cluster rejoin`)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..database.connecting import connect
from ..database.file import opened_to_read
from ..errors import LogRefused
from .engine import Engine
from .node import other_logs
from .places import Membership, hash_at, read_membership, read_place
from .record import pack, unpack
from .recorder import RecordingConnection
from .replica import base_record
from .sequence import NO_PLACE, Closed, Conflict, Place, Sequence, Trimmed, Unfit
from .whereabouts import Whereabouts, told, whereabouts_of


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What `recover` at this node would do. `seen` is the engine's newest record now, position 0 where it has none, and
    `lost` how many of its records this file has not: they go; None where it is not known how many. `others` are the
    living nodes by their names, `other_logs` what the engine has where it has nothing of this one. `is_open` says that
    nothing is to be recovered: this node or another one may write."""

    membership: Membership
    own: Whereabouts
    seen: Place
    is_open: bool
    lost: int | None
    others: Mapping[str, Whereabouts]
    other_logs: list[str]

    @property
    def further(self) -> list[str]:
        """Returns the living nodes that are further than this one: by the number of their epochs, then by position."""
        return [name for name, other in sorted(self.others.items()) if other.depth > self.own.depth]


def foresee(engine: Engine, database: Path) -> Foreseen:
    """Looks at the engine and at the living nodes, and changes nothing. Raises LogRefused, Unfit or Unknown."""
    with (
        opened_to_read(database) as connection,
        contextlib.closing(engine.bulletin(_membership(connection, database).log_name)) as bulletin,
        contextlib.closing(engine.sequence(_membership(connection, database).log_name, None)) as sequence,
    ):
        membership = _membership(connection, database)
        own, seen = whereabouts_of(connection), sequence.last()
        lost = _lost(connection, sequence, seen)
        others = told(bulletin, membership.name)
        is_open = _is_open(engine, membership, _open_on(sequence), others)
        foreign = other_logs(engine, membership.log_name, sequence)
        return Foreseen(membership, own, seen, is_open, lost, others, foreign)


def recover(
    engine: Engine, database: Path, foreseen: Foreseen, begin_epoch: Callable[[sqlite3.Connection], object]
) -> Place:
    """Has the log go on at this node's place, at a new epoch: the engine's records go, and a first one is made, which
    the node applies as soon as it runs. Raises Conflict where the engine or this file has moved on since it was
    foreseen, LogRefused, Unfit, or Unknown, after which it may have been done."""
    connection = connect(database, connection_class=RecordingConnection)
    assert isinstance(connection, RecordingConnection)
    with (
        contextlib.closing(connection),
        contextlib.closing(engine.sequence(foreseen.membership.log_name, None)) as sequence,
    ):
        connection.execute("BEGIN IMMEDIATE")
        place = read_place(connection)
        if place != foreseen.own.place:
            raise Conflict
        record = base_record(foreseen.membership.log_name, connection, place, begin_epoch)
        connection.execute("ROLLBACK")  # it is applied as any other is
        return sequence.begin(place, pack(record), record.nonce, seen=foreseen.seen)


def _is_open(engine: Engine, membership: Membership, base: bytes | None, others: Mapping[str, Whereabouts]) -> bool:
    """Tells whether this node, or another one, may write into an engine that is open on this base record."""
    if base is not None and base == membership.place.base:
        # It may be another etcd with the same records: this node's file knows which one it was.
        with contextlib.closing(engine.sequence(membership.log_name, membership.identity)) as sequence:
            return _open_on(sequence) is not None
    return base is not None and any(other.base == base and not other.bifurcado for other in others.values())


def _open_on(sequence: Sequence) -> bytes | None:
    """Returns the base record that the engine is open on; None where it is closed."""
    try:
        return sequence.head().base
    except Unfit:
        raise
    except Closed:
        return None


def _membership(connection: sqlite3.Connection, database: Path) -> Membership:
    membership = read_membership(connection)
    if membership is None:
        raise LogRefused(f"{database}: is no node's")
    return membership


def _lost(connection: sqlite3.Connection, sequence: Sequence, seen: Place) -> int | None:
    """Counts the engine's records that do not stand in the file; None where nothing that both have is kept."""
    if not seen.position:
        return 0
    own = read_place(connection)
    at, step = min(own.position, seen.position), 1
    try:
        while not _is_common(connection, sequence, seen, at):
            if at <= 0:
                return None
            at, step = max(0, at - step), 2 * step
        while at < seen.position and _is_common(connection, sequence, seen, at + 1):
            at += 1
    except Trimmed:
        return None
    return seen.position - at


def _is_common(connection: sqlite3.Connection, sequence: Sequence, seen: Place, position: int) -> bool:
    """Tells whether the file and the engine have the same place there."""
    here = hash_at(connection, position) if position else NO_PLACE.hash
    if position == seen.position:
        return here == seen.hash
    [(_, packed)] = sequence.read(position, 1)
    return here == unpack(packed).before


class OnlyHere(NamedTuple):
    """What one file has and another has not: events as JSON, the oldest first, each with whether the other knows its
    idempotency key; and the names of users, tokens and dishes that it lacks, or has otherwise."""

    events: list[tuple[str, bool]]
    users: list[str]
    tokens: list[str]
    products: list[str]


# By its name, what makes a row another one: a dish's stock is told by its events.
_NAMED = {
    "users": "SELECT username, role, password_hash FROM users ORDER BY username",
    "tokens": "SELECT name, role, secret_hash FROM tokens ORDER BY name",
    "products": "SELECT name, category, price, available, hidden, pos_id FROM products ORDER BY name, id",
}


def only_here(old: Path, copy: Path) -> OnlyHere:
    """Compares a node's file with the one that takes its place. Raises LogRefused or sqlite3.Error."""
    with opened_to_read(old) as here, opened_to_read(copy) as there:
        events = _only_events(here, there)
        known = _known_ids(here, there, events[0][0]) if events else set()
        differing = {table: _only_named(here, there, sql) for table, sql in _NAMED.items()}
        return OnlyHere([(data, event_id in known) for event_id, data in events], **differing)


def _only_events(here: sqlite3.Connection, there: sqlite3.Connection) -> list[tuple[int, str]]:
    """Returns what follows the newest event that both have: their hashes tell that all before it is the same."""
    [oldest] = there.execute("SELECT oldest FROM log").fetchone()
    found = []
    rows = here.execute("SELECT id, hash, data FROM events WHERE id >= (SELECT oldest FROM log) ORDER BY id DESC")
    for event_id, own_hash, data in rows:
        same = there.execute("SELECT 1 FROM events WHERE id = ? AND hash = ?", (event_id, own_hash)).fetchone()
        if same or event_id < oldest:
            break
        found.append((event_id, data))
    return found[::-1]


def _known_ids(here: sqlite3.Connection, there: sqlite3.Connection, first: int) -> set[int]:
    """Returns those of this file's events from `first` on whose key the other file has too: who sent them has sent them
    again."""
    known: set[int] = set()
    sql = "SELECT publisher, route, key, event_ids FROM idempotency_keys WHERE last_event_id >= ?"
    for *key, event_ids in here.execute(sql, (first,)):
        again = "SELECT 1 FROM idempotency_keys WHERE publisher = ? AND route = ? AND key = ?"
        if there.execute(again, key).fetchone():
            known.update(json.loads(event_ids))
    return known


def _only_named(here: sqlite3.Connection, there: sqlite3.Connection, sql: str) -> list[str]:
    known = set(there.execute(sql).fetchall())
    return list(dict.fromkeys(str(row[0]) for row in here.execute(sql) if row not in known))
