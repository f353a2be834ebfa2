"""`Leadership`: which node raises alarms, prunes and trims. It stands in the log's row, with a number that grows each
time that another one is made the leader, so all nodes see the same one at the same record.

A leader that is missed for MISSED_SECONDS of a board that was read, or tells there that its disk is full, is replaced
by whoever appends the next term first. It may live, and not know: each of its transactions looks whether the row still
names it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ..database.leader import read_leader, write_leader
from ..database.threads import Database
from ..errors import LogUnavailable
from .board import ClusterBoard

logger = logging.getLogger("pos_notif")

MISSED_SECONDS = 15.0
LOOK_SECONDS = 0.5
# What a node posts while its disk is full (b"1", else nothing): it writes nothing, so it can raise no alarm.
FULL = "lleno"


class _Row(NamedTuple):
    leader: str | None
    term: int


class LeaderTold(Protocol):
    """A transaction, as far as it tells who leads."""

    def leader(self) -> tuple[str | None, int]: ...


class Leadership:
    """A `Lead` of `log.lead`. Use `start` once the log is open, and `close` before it is closed."""

    def __init__(self, database: Database, board: ClusterBoard, *, missed_seconds: float = MISSED_SECONDS) -> None:
        self._database = database
        self._board = board
        self._missed_seconds = missed_seconds
        self._row = _Row(None, -1)
        self._heard_at = 0.0  # of the leader, or when it was made one
        self._led = self._is_full = False  # when it was last looked at
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look who leads, and to lead where nobody does."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="leadership")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def leader(self) -> str | None:
        """Returns who leads, as `<number of the node>:<number of its process>`."""
        return self._row.leader

    @property
    def leads(self) -> bool:
        return self._is_named and not self._board.is_withdrawn and not self._is_full

    @property
    def _is_named(self) -> bool:
        return self._row.leader == self._board.identity

    async def taken(self) -> None:
        while not self.leads:
            self._changed.clear()
            await self._changed.wait()

    def stands(self, transaction: LeaderTold) -> bool:
        return self.leads and transaction.leader() == self._row

    def on_change(self, call: Callable[[], None]) -> None:
        self._listeners.append(call)

    def forget(self, call: Callable[[], None]) -> None:
        self._listeners.remove(call)

    def release(self) -> None:
        pass  # the row names this process until another one misses it

    async def _run(self) -> None:
        while True:
            try:
                full, row = self._database.full, _Row(*await self._database.read(read_leader))
                self._note_full(full)
                self._note(row)
                if self._may_begin():
                    self._note(_Row(*await self._database.write(self._begin)))
            except LogUnavailable:
                pass  # without an engine nobody is made the leader
            except Exception:  # or nobody would be any more
                logger.exception("who leads the cluster cannot be seen")
            await asyncio.sleep(LOOK_SECONDS)

    def _note_full(self, full: bool) -> None:
        if full != self._is_full:
            self._is_full = full
            self._board.post(FULL, b"1" if full else b"")

    def _note(self, row: _Row) -> None:
        if row != self._row:
            self._row, self._heard_at = row, time.monotonic()
        if self._led != self.leads:
            self._led = self.leads
            logger.info("this node %s (term %d)", "leads the cluster" if self.leads else "leads no more", row.term)
            self._changed.set()
            for call in list(self._listeners):
                call()

    def _may_begin(self) -> bool:
        """Tells whether nobody leads: nobody ever did, an earlier process of this node did (of which there is one at a
        time), or who does is missed or has a full disk. Who has withdrawn does not begin, nor who has a full disk."""
        leader = self._row.leader
        if self._board.is_withdrawn or self._is_full or self._is_named:
            return False
        if leader is None:
            return True
        number = leader.partition(":")[0]
        if number == str(self._board.process) or self._board.posted(FULL).get(int(number)):
            return True
        self._heard_at = max(self._heard_at, self._board.heard_at(leader) or self._heard_at)
        return self._board.read_for(self._heard_at) >= self._missed_seconds

    def _begin(self, connection: Any) -> tuple[str | None, int]:
        """Makes this process the leader, unless the row has changed since it was looked at."""
        if _Row(*read_leader(connection)) == self._row:
            write_leader(connection, self._board.identity, self._row.term + 1)
        return read_leader(connection)
