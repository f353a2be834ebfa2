"""`Replica`: a node's file as one of several that hold the same rows. It runs in the database's writer thread.

A transaction is decided on this file, recorded, and kept only where the engine has made its record the next one after
this file's place; else what came first is applied, and it is decided again. So every node has the same transactions in
the same order, and none is decided on the past.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from ..database.connecting import is_passing, is_writing
from ..database.file import migrate, schema_version
from ..database.replication import Decision
from ..errors import DomainError, EngineAway, LogUnavailable
from .central import Central
from .places import note_identity, note_place, read_place
from .record import Kind, Record, Unreadable, new_nonce, pack, unpack
from .recorder import RecordingConnection, Unrecorded, run
from .sequence import Closed, Conflict, Full, Place, Sequence, Trimmed, Unknown, place_after
from .statements import check_statement

T = TypeVar("T")

logger = logging.getLogger("pos_notif")

# For so long it is looked for what has become of an append that nobody answered.
UNKNOWN_SECONDS = 5.0
# More time between the question and the COMMIT says nothing of what the engine has become meanwhile.
COMMIT_SECONDS = 2.0
_RETRY_SECONDS = 0.1
# What is read at once to catch up.
READ_RECORDS = 256


class Stopped(Exception):
    """This file does not follow from the records any more, or cannot be written. The text is one line in English."""


class Forked(Stopped):
    """The engine has another history than the file, which ends at `place`."""

    def __init__(self, why: str, place: Place) -> None:
        super().__init__(why)
        self.place = place


class _Unsettled(Exception, Generic[T]):
    """It is not known whether the engine has taken a record."""

    def __init__(self, place: Place, packed: bytes, record: Record, result: T) -> None:
        super().__init__("the engine did not answer")
        self.place = place
        self.packed = packed
        self.record = record
        self.result = result


class Replica:
    """The `Replication` of a node's database. `log_name` is the log's, `sequence` the writer thread's own. `position`
    is that of the newest record that is committed here; `deciding` is held while a transaction is being decided."""

    connection_class = RecordingConnection

    def __init__(self, log_name: str, sequence: Sequence, central: Central, migrations: Mapping[int, str]) -> None:
        self.log_name = log_name
        self.central = central
        self._sequence = sequence
        self._migrations = migrations
        self._identity = sequence.identity
        self.conflicts = 0
        # Says what is to be done with a file that is forked.
        self.verdict: Callable[[], str] = lambda: "pos-notif cluster status shows the others"
        self.position = 0
        self.deciding = threading.Lock()

    def close(self) -> None:
        self._sequence.close()

    # Deciding

    def write(self, connection: RecordingConnection, work: Callable[[sqlite3.Connection], T]) -> Decision[T]:
        """Runs `work` in a transaction that every node makes; it may run more than once, and only its last run counts.
        Raises EngineAway where nobody can order it, sqlite3.Error, or LogUnavailable."""
        return self._write(connection, work, Kind.TRANSACTION)

    def migrate(self, connection: RecordingConnection, up_to: int) -> None:
        """Brings a node's file to the schema `up_to`, by a record, so that nobody of an older version goes on."""
        while schema_version(connection) < up_to:
            step = schema_version(connection) + 1
            self._write(connection, partial(migrate, script=self._migrations[step], version=step), Kind.MIGRATION)

    def _write(
        self, connection: RecordingConnection, work: Callable[[sqlite3.Connection], T], kind: Kind
    ) -> Decision[T]:
        deadline = time.monotonic() + UNKNOWN_SECONDS
        while True:
            self._check()
            try:
                with self.deciding, self._transaction(connection):
                    return self._decide(connection, work, kind)
            except _Unsettled as unsettled:
                found = self._settle(connection, unsettled)
                if found is not None:
                    return found
            except Closed as error:
                self.central.lost(str(error))
                raise EngineAway from error
            except Unknown as error:
                # Only read was what was not answered: it is asked again, of another member.
                if time.monotonic() > deadline:
                    self.central.lost(str(error) or "it does not answer")
                    raise EngineAway from error
                time.sleep(_RETRY_SECONDS)
            except (Stopped, Trimmed, Unrecorded, Unreadable) as error:
                raise self._stop(error) from error

    def _check(self) -> None:
        if self.central.stopped is not None:
            raise EngineAway from Stopped(self.central.stopped)
        if self.central.away_since is not None:
            raise EngineAway from Unknown(self.central.reason)

    def _decide(
        self, connection: RecordingConnection, work: Callable[[sqlite3.Connection], T], kind: Kind
    ) -> Decision[T]:
        place, applied = read_place(connection), False
        while True:
            connection.execute("SAVEPOINT decision")
            result, error, packed, record = self._run(connection, work, kind, place)
            asked = time.monotonic()
            if packed is None or record is None:
                connection.execute("ROLLBACK TO decision")
                head = self._sequence.head()  # a refusal too is only true of the newest state
                self.central.heard()
                if head == place:
                    self._commit(connection)
                    return Decision(result, error, applied)
            else:
                try:
                    reached = self._sequence.append(place, packed)
                except Conflict:
                    self.conflicts += 1
                    connection.execute("ROLLBACK TO decision")
                except Unknown as unknown:
                    raise _Unsettled(place, packed, record, result) from unknown
                else:
                    self.central.heard()
                    if time.monotonic() - asked > COMMIT_SECONDS:
                        raise _Unsettled(place, packed, record, result)
                    self._keep(connection, reached)
                    return Decision(result, None, applied)
            connection.execute("RELEASE decision")
            newer = self._apply_new(connection, place)
            if newer == place:
                raise Forked("the engine has another head than this file, and no record that leads to it", place)
            place, applied = newer, True

    def _run(
        self, connection: RecordingConnection, work: Callable[[sqlite3.Connection], T], kind: Kind, place: Place
    ) -> tuple[T | None, Exception | None, bytes | None, Record | None]:
        """Returns what the work has come to, and its record where it has written something that may be kept."""
        connection.record()
        schema = schema_version(connection)
        result: T | None = None
        try:
            result = work(connection)
            statements, changes = connection.recorded()
            if kind is Kind.MIGRATION:
                if schema_version(connection) == schema:
                    return result, None, None, None  # another node's record has brought it there
                statements, changes = [], 0
            elif not statements:
                return result, None, None, None
            record = Record(self.log_name, schema, place.hash, new_nonce(), kind, statements, changes)
            return result, None, pack(record), record
        except DomainError as error:
            if isinstance(error, LogUnavailable):
                raise
            return result, error, None, None
        except Unrecorded as error:
            raise RuntimeError(f"nothing is kept of a transaction: {error}") from error  # the program's fault
        finally:
            with contextlib.suppress(Unrecorded):
                connection.recorded()  # where the work has failed, its rows are taken back

    # Opening

    def begin(self, connection: RecordingConnection, begin: Callable[[sqlite3.Connection], object]) -> bool:
        """Opens the engine after this file's place, by a record of what `begin` writes. Tells whether it did: somebody
        else may have come first. Raises Closed or Unknown: then its record may be found after this place."""
        with self.deciding, self._transaction(connection):
            place = read_place(connection)
            record = base_record(self.log_name, connection, place, begin)
            asked = time.monotonic()
            try:
                reached = self._sequence.begin(place, pack(record), record.nonce)
            except Conflict:
                return False
            if time.monotonic() - asked > COMMIT_SECONDS:
                raise Unknown
            self._keep(connection, reached)
            return True

    def adopt(self, identity: dict[str, Any] | None) -> None:
        """Takes the engine for the one that says this of itself."""
        self._sequence.identity = identity

    # What was not answered

    def _settle(self, connection: RecordingConnection, unsettled: _Unsettled[T]) -> Decision[T] | None:
        """Finds out what has become of a record: returns its decision, or None where another's came first, so that it
        must be decided again. The same bytes are sent again, since the engine may take them later all the same. Raises
        EngineAway where that cannot be found out."""
        deadline = time.monotonic() + UNKNOWN_SECONDS
        place, problem = unsettled.place, "it does not answer"
        while time.monotonic() < deadline:
            try:
                with self.deciding, self._transaction(connection):
                    before = here = read_place(connection)
                    if here.position < place.position:  # what was applied on the way there was not committed
                        here = self._apply_new(connection, here)
                    found = self._sequence.read(place.position, 1)
                    if not found:
                        asked = time.monotonic()
                        self._sequence.append(place, unsettled.packed)
                        if time.monotonic() - asked > COMMIT_SECONDS:
                            raise Unknown
                        found = [(place.position + 1, unsettled.packed)]
                    elif unpack(found[0][1]).nonce != unsettled.record.nonce:
                        return None
                    if here == place:
                        here = self._apply(connection, place, *found[0])
                    self._keep(connection, here)
                    return Decision(unsettled.result, None, applied=before != place)
            except Conflict:
                continue
            except Full as error:  # twice, and what it was asked first is not there: a person must make room
                problem = str(error)
                break
            except Unknown as error:
                problem = str(error) or problem
            except Closed as error:
                problem = str(error)
                break
            except (Stopped, Trimmed, Unrecorded, Unreadable) as error:
                raise self._stop(error) from error
            time.sleep(_RETRY_SECONDS)
        self.central.lost(problem)
        raise EngineAway from Unknown(problem)

    # Applying

    def catch_up(self, connection: RecordingConnection, records: list[tuple[int, bytes]]) -> bool:
        """Applies other nodes' records that the follower has read. Tells whether there was any that stood not in the
        file yet. Raises sqlite3.Error, or EngineAway where this node has stopped."""
        if self.central.stopped is not None:
            raise EngineAway from Stopped(self.central.stopped)
        try:
            with self._transaction(connection):
                before = place = read_place(connection)
                for position, packed in records:
                    if position > place.position:
                        place = self._apply(connection, place, position, packed)
                if place == before and place.position == self.position:
                    return False
                self._commit(connection)  # or another process of this node has applied them already
                return True
        except (Stopped, Unrecorded, Unreadable) as error:
            raise self._stop(error) from error

    def _apply_new(self, connection: RecordingConnection, place: Place) -> Place:
        """Applies what the engine has after this place, inside the transaction."""
        while True:
            found = self._sequence.read(place.position, READ_RECORDS)
            for position, packed in found:
                place = self._apply(connection, place, position, packed)
            if len(found) < READ_RECORDS:
                return place

    def _apply(self, connection: RecordingConnection, place: Place, position: int, packed: bytes) -> Place:
        """Makes a record's rows, and notes its place. Raises Stopped where that would not make the same file."""
        if position != place.position + 1:
            raise Stopped(f"record {place.position + 1} is missing, {position} was found")
        record = unpack(packed)
        if record.log_name != self.log_name:
            raise Stopped(f"record {position} is of another log")
        if record.before != place.hash:
            raise Forked(f"record {position} follows from another history than this file's", place)
        if record.schema != schema_version(connection):
            raise Stopped(f"record {position} is of another version (schema {record.schema}); upgrade this node")
        before = connection.total_changes
        try:
            if record.kind == Kind.MIGRATION:
                step = record.schema + 1
                if step not in self._migrations:
                    raise Stopped(f"record {position} brings the log to schema {step}; upgrade this node")
                migrate(connection, self._migrations[step], step)
            else:
                for statement in record.statements:
                    check_statement(statement.sql)
                    run(connection, statement)
                changes = connection.total_changes - before
                if changes != record.changes:
                    raise Stopped(f"record {position} changed {changes} rows here, and {record.changes} elsewhere")
        except (sqlite3.Error, OverflowError) as error:
            if isinstance(error, sqlite3.Error) and (is_passing(error) or is_writing(error)):
                raise  # the disk's affair, and not the record's
            raise Stopped(f"record {position} does not fit the rows of this file ({error})") from error
        place = place_after(place, packed, record.nonce if record.kind == Kind.BASE else None)
        note_place(connection, place)
        return place

    # Transactions

    @contextlib.contextmanager
    def _transaction(self, connection: sqlite3.Connection) -> Iterator[None]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            # SQLite has already rolled back after some errors (a full disk among them).
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

    def _keep(self, connection: sqlite3.Connection, place: Place) -> None:
        """Commits what the engine has taken."""
        if read_place(connection) != place:
            note_place(connection, place)
        try:
            self._commit(connection)
        except sqlite3.Error as error:
            raise Stopped(f"record {place.position} could not be committed ({error})") from error

    def _commit(self, connection: sqlite3.Connection) -> None:
        if self._sequence.identity != self._identity:
            note_identity(connection, self._sequence.identity)
        position = read_place(connection).position
        connection.execute("COMMIT")
        self.position, self._identity = position, self._sequence.identity

    def _stop(self, error: Exception) -> EngineAway:
        why, advice = str(error) or type(error).__name__, None
        if isinstance(error, Forked):
            with contextlib.suppress(Closed, Unknown):
                self._sequence.dispute(error.place)  # all must know that it has lost what this file has
            advice = self.verdict
        self.central.stop(why, advice)
        away = EngineAway()
        away.__cause__ = error
        return away


def base_record(log_name: str, connection: RecordingConnection, place: Place, work: Callable[[Any], object]) -> Record:
    """Returns the record that opens an engine after `place`, with what `work` writes into this file for it, inside a
    transaction of the caller's."""
    connection.record()
    work(connection)
    statements, changes = connection.recorded()
    schema = schema_version(connection)
    return Record(log_name, schema, place.hash, new_nonce(), Kind.BASE, statements, changes)
