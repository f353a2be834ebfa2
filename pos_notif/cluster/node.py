"""`Node`: what makes a service one of several on one log, put together from its settings."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ..clock import WallClock, system_clock
from ..config import Config
from ..database.file import opened_to_read
from ..database.migrations import MIGRATIONS
from ..database.threads import Database
from ..errors import ConfigurationError, EngineAway, LogRefused, LogUnavailable
from .central import Central
from .engine import Engine, parse
from .follower import PROBE_SECONDS, Follower
from .opening import Opening
from .places import Membership, read_membership
from .replica import READ_RECORDS, Replica
from .sequence import Closed, Sequence, Trimmed, Unfit, Unknown
from .whereabouts import Whereabouts, whereabouts_of

T = TypeVar("T")

# At a start: a member of etcd may be electing just then.
ENGINE_SECONDS = 5.0


def until_known(ask: Callable[[], T]) -> T:
    """Returns what `ask()` returns, which is asked again for ENGINE_SECONDS where nobody says what became of it: it may
    have been done before. Raises Unknown after that, and what else `ask()` raises."""
    deadline = time.monotonic() + ENGINE_SECONDS
    while True:
        try:
            return ask()
        except Unknown:
            if time.monotonic() > deadline:
                raise
            time.sleep(PROBE_SECONDS)


def other_logs(engine: Engine, log_name: str, sequence: Sequence) -> list[str]:
    """Returns the logs that the engine has where it has nothing of this one: it may be another restaurant's. `sequence`
    is this log's there."""
    try:
        return [] if sequence.last().position else [name for name in engine.logs() if name != log_name]
    except (Unknown, Unfit):
        return []  # it may be closed to who looks for others


def replication_of(config: Config) -> Replica | None:
    """Returns what orders the transactions of a command that writes into a node's file; None where the settings name
    no cluster. Raises ConfigurationError or LogRefused."""
    return Node.of(config).replication() if config.cluster else None


def membership_of(database: str | Path) -> Membership | None:
    """Returns the membership of a log's file; None where it has none. Raises LogRefused for what is no log."""
    path = Path(database)
    with opened_to_read(path) as connection:
        try:
            return read_membership(connection)
        except sqlite3.OperationalError:  # of an older version, which had no nodes
            return None


class Node:
    """A log's node: use `Node.of`; it begins with the log and ends with it."""

    def __init__(self, engine: Engine, membership: Membership, database: str, clock: WallClock = system_clock) -> None:
        self.engine = engine
        self.membership = membership
        self.central = Central(clock)
        self.database_path = database
        self.replica: Replica | None = None
        self._database: Database | None = None
        self._follower: Follower | None = None
        self._asked: Sequence | None = None
        self._adopting: list[Sequence] = []
        self._asking: asyncio.Task[bool] | None = None
        self._next: asyncio.Task[bool] | None = None

    @classmethod
    def of(cls, config: Config, clock: WallClock = system_clock) -> Node:
        """Returns the node that the settings name; `clock` says since when its engine is away. Raises
        ConfigurationError, or LogRefused where the log's file is no node's of that engine."""
        engine = parse(config.cluster)
        membership = membership_of(config.database)
        if membership is None:
            raise LogRefused(
                f"{config.database}: is no node's; make it the first one (pos-notif cluster init), or copy another"
                " (pos-notif cluster join)"
            )
        if membership.engine != engine.name:
            raise LogRefused(f"{config.database}: is a node's of {membership.engine}, and not of {engine.name}")
        if config.node and config.node != membership.name:
            raise LogRefused(f"{config.database}: is the node {membership.name}, and not {config.node}")
        node = cls(engine, membership, config.database, clock)
        node._find_engine()
        return node

    @property
    def name(self) -> str:
        return self.membership.name

    def _find_engine(self) -> None:
        """Raises ConfigurationError where the engine does not answer, or is another log's. One that is closed may be
        opened later."""
        with contextlib.closing(self._sequence()) as sequence:
            try:
                until_known(sequence.head)
            except (Unfit, Unknown) as error:
                raise ConfigurationError(f"POS_NOTIF_CLUSTER: {error or 'it does not answer'}") from error
            except Closed:
                others = other_logs(self.engine, self.membership.log_name, sequence)
                if others:
                    raise ConfigurationError(
                        f"POS_NOTIF_CLUSTER: it has nothing of this log, {self.membership.log_name}, but another one,"
                        f" {', '.join(others)}; where it is meant, `pos-notif cluster recover` brings this log there"
                    ) from None

    def trimming(self) -> Sequence:
        """Returns a sequence of its own for who trims, which knows the engine that this node goes on with."""
        sequence = self._sequence()
        self._adopting.append(sequence)
        return sequence

    def _sequence(self) -> Sequence:
        return self.engine.sequence(self.membership.log_name, self.membership.identity)

    def replication(self) -> Replica:
        """Returns what orders the database's transactions. It asks the engine only when there is one to order."""
        self.replica = Replica(self.membership.log_name, self._sequence(), self.central, MIGRATIONS)
        self.replica.position = self.membership.place.position
        return self.replica

    def follow(self, database: Database, begin_epoch: Callable[[sqlite3.Connection], object]) -> None:
        """Begins to apply what other nodes write, and opens the engine where it may."""
        assert self.replica is not None  # the database was opened with it
        self._database = database
        self._asked = sequence = self._sequence()
        following = self._sequence()
        self._adopting += [sequence, following]
        file = _File(database, self.replica, self._adopting, begin_epoch)
        opening = Opening(self.engine, self.membership.log_name, self.name, file)
        self.replica.verdict = opening.verdict
        self._follower = Follower(following, self.replica, self.central, file, opening)
        self._follower.start()

    async def catch_up(self) -> bool:
        """Applies what any node has written until now. Tells whether there was anything. Raises LogUnavailable where
        the engine does not answer. Those who ask meanwhile share the next question."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._catch_up(None))
            return await asyncio.shield(self._asking)
        if self._next is None or self._next.done() or self._next is self._asking:
            self._next = asyncio.ensure_future(self._catch_up(self._asking))
        return await asyncio.shield(self._next)

    async def _catch_up(self, before: asyncio.Task[bool] | None) -> bool:
        if before is not None:
            await asyncio.wait([before])
            self._asking = asyncio.current_task()
        database, replica, sequence = self._database, self.replica, self._asked
        if database is None or replica is None or sequence is None:
            raise LogUnavailable
        if not self.central.may_write:
            raise EngineAway
        newer = False
        try:
            head = await asyncio.to_thread(sequence.head)
            while replica.position < head.position:
                records = await asyncio.to_thread(sequence.read, replica.position, READ_RECORDS)
                await database.catch_up(records)
                newer = True
        except (Unknown, Closed, Trimmed) as error:
            raise EngineAway from error
        return newer

    async def close(self) -> None:
        """Ends that. The replica is closed with its database."""
        if self._follower is not None:
            self._follower.end()
            await asyncio.to_thread(self._follower.join, 5.0)
        for task in (self._asking, self._next):
            if task is not None:
                with contextlib.suppress(LogUnavailable, asyncio.CancelledError):
                    await task
        if self._asked is not None:
            self._asked.close()


class _File:
    """A node's file, for a thread that is not the loop's. It is made in the loop."""

    def __init__(
        self,
        database: Database,
        replica: Replica,
        sequences: list[Sequence],
        begin_epoch: Callable[[sqlite3.Connection], object],
    ) -> None:
        self._database = database
        self._replica = replica
        self._sequences = sequences
        self._begin_epoch = begin_epoch
        self._loop = asyncio.get_running_loop()

    def whereabouts(self) -> Whereabouts:
        return self._in_loop(self._database.read(whereabouts_of))

    def apply(self, records: list[tuple[int, bytes]]) -> None:
        self._in_loop(self._database.catch_up(records))

    def open_engine(self) -> bool:
        return self._in_loop(self._database.open_engine(self._begin_epoch))

    def adopt(self, identity: dict[str, Any] | None) -> None:
        for sequence in self._sequences:
            sequence.identity = identity
        self._replica.adopt(identity)

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
