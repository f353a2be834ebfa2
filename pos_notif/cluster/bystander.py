"""`Bystander`: what reads a node's file beside the node, and writes nothing. It needs no engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..database.file import SCHEMA_VERSION, schema_version
from ..database.paths import is_file
from ..database.replication import Decision
from ..database.threads import Database
from ..errors import LogRefused, LogUnavailable
from .central import Central
from .node import membership_of

T = TypeVar("T")


class OnlyReading:
    """The replication of who only reads a node's file."""

    connection_class = sqlite3.Connection

    def __init__(self, database: str) -> None:
        self._database = database

    def migrate(self, connection: sqlite3.Connection, up_to: int) -> None:
        """Changes nothing. Raises LogRefused for a file of an older version."""
        if schema_version(connection) < SCHEMA_VERSION:
            raise LogRefused(f"{self._database}: is of an older version; the node brings it up when it is served")

    def write(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> Decision[T]:
        raise LogUnavailable

    def catch_up(self, connection: sqlite3.Connection, records: list[tuple[int, bytes]]) -> bool:
        return False

    def begin(self, connection: sqlite3.Connection, begin: Callable[[sqlite3.Connection], object]) -> bool:
        return False

    def close(self) -> None:
        pass


def only_reading(database: str) -> OnlyReading | None:
    """Returns the replication of who only reads this file, None where it is no node's. Raises LogRefused."""
    is_node = is_file(Path(database)) and membership_of(database) is not None
    return OnlyReading(database) if is_node else None


class Bystander:
    """A log's node for who only reads its file. What the node itself commits is seen there."""

    def __init__(self, database: str) -> None:
        self._database = database
        self.central = Central()

    @classmethod
    def of(cls, database: str) -> Bystander | None:
        """Returns one for a node's file, None for a log that belongs to no cluster. Raises LogRefused."""
        return cls(database) if only_reading(database) is not None else None

    def replication(self) -> OnlyReading:
        return OnlyReading(self._database)

    def follow(self, database: Database, begin_epoch: Callable[[sqlite3.Connection], object]) -> None:
        pass

    async def catch_up(self) -> bool:
        return False

    async def close(self) -> None:
        pass
