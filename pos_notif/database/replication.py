"""What the database asks of whoever makes its transactions in other files too, where there is somebody."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Decision(NamedTuple, Generic[T]):
    """What a replicated transaction has come to: its result, or what it has raised; and whether others' transactions
    were applied on the way, which stay in either case."""

    result: T | None
    error: Exception | None
    applied: bool


class Replication(Protocol):
    """All is asked in the writer's thread, with a connection of its `connection_class`."""

    @property
    def connection_class(self) -> type[sqlite3.Connection]: ...

    def migrate(self, connection: Any, up_to: int) -> None:
        """Brings the file to this version of the schema, as all the others are."""

    def write(self, connection: Any, work: Callable[[sqlite3.Connection], T]) -> Decision[T]:
        """Runs `work`, perhaps more than once, until what it has done in its last run is ordered and committed, or is
        known to be nothing. Raises LogUnavailable where that cannot be had."""

    def catch_up(self, connection: Any, records: list[tuple[int, bytes]]) -> bool:
        """Applies what others have ordered. Tells whether there was anything new."""

    def begin(self, connection: Any, begin: Callable[[sqlite3.Connection], object]) -> bool:
        """Opens the engine with what `begin` writes, and tells whether it did."""

    def close(self) -> None: ...
