"""`ClusterService`: what a node that serves shares with the other nodes, beside the log: the board, the time, and which
of them leads."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from functools import partial
from pathlib import Path

from ..clock import Ticks, WallClock, system_clock, system_ticks
from ..config import Config
from ..database.file import opened_to_read
from ..database.threads import Database
from ..errors import LogRefused
from .asking import ADDRESS, any_is_ready, own_url
from .board import ClusterBoard
from .clocks import NodeClock
from .leadership import Leadership
from .members import Trimmer
from .node import Node
from .one_process import FILE, file_mark, refuse_second
from .packet import NODE_KEY, read_packet
from .positions import POSITION, Positions
from .sequence import Unknown


class ClusterService:
    """Use `ClusterService.of`, then `begin` once the log is open, in the loop, and `end` before it is closed."""

    def __init__(self, node: Node, number: int, clock: NodeClock, url: str) -> None:
        self.node = node
        self._url = url
        self.clock = clock
        self._bulletins = partial(node.engine.bulletin, node.membership.log_name)
        self.board = ClusterBoard(number, self._bulletins, clock.raw)
        self._lead: Leadership | None = None
        self._telling: asyncio.Task[None] | None = None

    @classmethod
    def of(
        cls, config: Config, port: int, wall: WallClock = system_clock, ticks: Ticks = system_ticks
    ) -> ClusterService:
        """Returns what the settings say, for a service that listens on this port. The time is that of the cluster from
        the start. Raises ConfigurationError or LogRefused."""
        clock = NodeClock(wall, ticks)
        node = Node.of(config, clock)
        with opened_to_read(Path(config.database)) as connection:
            number = _number_of(connection, node.name)
        if number is None:
            raise LogRefused(
                f"{config.database}: the cluster has no node {node.name} any more (pos-notif cluster join)"
            )
        service = cls(node, number, clock, config.node_url or own_url(config, port))
        service._look_around(file_mark(config.database))
        return service

    def _look_around(self, mark: bytes) -> None:
        """Sees to it that there is no other process of this node, and takes over the others' time. Raises
        ConfigurationError."""
        bulletin, number = self._bulletins(), self.board.process or 0
        self.board.post(FILE, mark)
        try:
            with contextlib.suppress(Unknown):
                refuse_second(bulletin, number, self.node.name, mark)
                found = {int(key.removeprefix(NODE_KEY)): value for key, value in bulletin.living(NODE_KEY).items()}
                found.pop(number, None)
                self.clock.hear((read_packet(value).wall_ms, 0.0) for value in found.values())
        finally:
            bulletin.close()

    def begin(self, database: Database) -> Leadership:
        """Begins to tell the others of this node, and returns what says whether it leads."""
        board = self.board
        board.on_read(lambda: self.clock.hear(board.clocks()))
        board.post(ADDRESS, self._url.encode())
        board.start()
        loop = asyncio.get_running_loop()

        def changed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._withdraw_if_stopped)

        self.node.central.on_change(changed)
        self._withdraw_if_stopped()
        self._lead = Leadership(database, board)
        self._lead.start()
        positions = Positions(database, board, Trimmer(self.node.trimming()), lambda: self.leads)
        self._telling = loop.create_task(positions.run(), name="positions")
        return self._lead

    def _withdraw_if_stopped(self) -> None:
        """Leaves the lead to another node where this one takes part no more: else nobody would do its work."""
        if self.node.central.stopped is not None:
            self.board.withdraw()

    @property
    def has_engine(self) -> bool:
        """Tells whether this node has an engine: it has confirmed what the node posts lately, and orders records."""
        return self.board.is_confirmed and self.node.central.may_write

    @property
    def leads(self) -> bool:
        """Tells whether this node raises the alarms, prunes and trims."""
        return self._lead is not None and self._lead.leads

    @property
    def position(self) -> int:
        """Returns the newest record that stands in this node's file."""
        return self.node.replica.position if self.node.replica is not None else 0

    @property
    def conflicts(self) -> int:
        """Returns how many transactions were decided again, since another node's came first."""
        return self.node.replica.conflicts if self.node.replica is not None else 0

    @property
    def behind(self) -> int:
        """Returns how many records this node lacks that another one has, as far as they have told."""
        own = self.position
        return max([own, *map(int, self.board.posted(POSITION).values())]) - own

    @property
    def away_since(self) -> int:
        """Returns since when it has none, in milliseconds since 1970."""
        return self.node.central.away_since or self.clock()

    async def is_better_elsewhere(self) -> bool:
        """Tells whether another node says that it has an engine. They are asked directly, at the addresses that they
        have posted; of who does not answer nothing is known."""
        return await any_is_ready([url.decode() for url in self.board.posted(ADDRESS).values()])

    async def end(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        if self._lead is not None:
            await self._lead.close()
        await self.board.close()


def _number_of(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT number FROM members WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]
