"""How far each node has come, told once a minute in the log itself, and the trimming that follows from it: the leader's
work (docs/cluster.md, "The nodes, one by one")."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from functools import partial

from ..board import Board
from ..database.threads import Database
from ..errors import LogUnavailable
from .members import Trimmer, read_members, tell_positions
from .places import read_place
from .sequence import Closed, Trimmed, Unknown

logger = logging.getLogger("pos_notif")

# What a node posts of itself: its position, as decimal digits.
POSITION = "posicion"
POST_SECONDS = 2.0
TELL_SECONDS = 60.0


class Positions:
    """Posts this node's position, and, where it `leads()`, tells and trims. `run` it as a task; it ends by being
    cancelled, and closes the trimmer then."""

    def __init__(
        self,
        database: Database,
        board: Board,
        trimmer: Trimmer,
        leads: Callable[[], bool],
        *,
        tell_seconds: float = TELL_SECONDS,
    ) -> None:
        self._database = database
        self._board = board
        self._trimmer = trimmer
        self._leads = leads
        self._tell_seconds = tell_seconds
        # The record by which they were told last: where it is still the newest, there is nothing to tell.
        self._told_by = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._tell_seconds
        posted = -1
        try:
            while True:
                try:
                    position = await self._position()
                    if position != posted:
                        self._board.post(POSITION, str(position).encode())
                        posted = position
                    if loop.time() >= due:
                        due = loop.time() + self._tell_seconds
                        if self._leads():
                            await self.tell_and_trim()
                except LogUnavailable:
                    pass  # without an engine nothing is told, and nothing trimmed
                except Exception:  # or the engine would grow from here on
                    logger.exception("the cluster's records were not trimmed")
                await asyncio.sleep(min(POST_SECONDS, self._tell_seconds))
        finally:
            await asyncio.to_thread(self._trimmer.close)

    async def tell_and_trim(self) -> None:
        """Notes in the log how far each node has come, and has the engine trimmed. Raises LogUnavailable."""
        position = await self._position()
        if position != self._told_by:
            told = {number: int(value) for number, value in self._board.posted(POSITION).items() if number}
            if self._board.process is not None:
                told[self._board.process] = position
            await self._database.write(partial(tell_positions, positions=told))
            self._told_by = position + 1
        members = await self._database.read(read_members)
        try:
            up_to = await asyncio.to_thread(self._trimmer.trim, [member.position for member in members])
        except (Closed, Trimmed, Unknown) as error:
            raise LogUnavailable from error
        if up_to is not None:
            logger.info("records up to %d are kept no more", up_to)

    async def _position(self) -> int:
        def read(connection: sqlite3.Connection) -> int:
            return read_place(connection).position

        return await self._database.read(read)
