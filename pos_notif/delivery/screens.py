"""The rooms' screens, whichever process of the service they are connected to."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ..board import Board
from ..clock import SteadyMs
from ..events import FILTERED_ROOMS
from .presence import Directory

# What each process posts, and goes on posting.
SCREENS = "screens"


class _Room(NamedTuple):
    """A room's screens at one process: whether it has a stream or socket, and for how many milliseconds more its
    polling screens count as connected."""

    has_screen: bool
    polled_ms: int | None


class Screens:
    """The screens of all processes, as far as they have posted them: at once where a room's first one comes or its last
    one goes, else each second. Those of a process that ends are gone with it. `directory` has this one's."""

    def __init__(self, directory: Directory, board: Board) -> None:
        self.directory = directory
        self._board = board
        # By process: when it was heard of, and of what.
        self._elsewhere: dict[int, tuple[SteadyMs, dict[str, _Room]]] = {}
        self._listeners: set[Callable[[], None]] = set()
        if board.process is not None:
            directory.on_screen(self.post)
            board.on_post(SCREENS, self._heard)

    def post(self) -> None:
        """Tells the other processes of this one's screens."""
        now = self.directory.clocks.steady()
        rooms = {}
        for room in FILTERED_ROOMS:
            until = self.directory.polled_until(room)
            rooms[room] = _Room(self.directory.has_screen(room), None if until is None else until - now)
        self._board.post(SCREENS, _encode(rooms))

    def _heard(self, process: int, posted: bytes | None) -> None:
        if posted is None:
            self._elsewhere.pop(process, None)
        else:
            self._elsewhere[process] = (self.directory.clocks.steady(), _decode(posted))
        for call in list(self._listeners):
            call()

    @property
    def known(self) -> bool:
        """Tells whether there is no screen where none is told of; else that is unknown."""
        return self._board.known

    def _of(self, room: str) -> list[tuple[SteadyMs, _Room]]:
        return [(at, rooms[room]) for at, rooms in self._elsewhere.values() if room in rooms]

    def on_screen(self, call: Callable[[], None]) -> None:
        """Has `call()` made when a room's first screen may have come or its last one gone, until it is forgotten."""
        self._listeners.add(call)
        self.directory.on_screen(call)

    def forget(self, call: Callable[[], None]) -> None:
        self._listeners.discard(call)
        self.directory.forget(call)

    def has_screen(self, room: str) -> bool:
        """Tells whether the room has a stream or socket of a session."""
        return self.directory.has_screen(room) or any(there.has_screen for _, there in self._of(room))

    def polled_until(self, room: str) -> SteadyMs | None:
        """Returns until when the room's polling screens count as connected; None where there is none."""
        there = [SteadyMs(at + room.polled_ms) for at, room in self._of(room) if room.polled_ms is not None]
        here = self.directory.polled_until(room)
        return max([*there, *([] if here is None else [here])], default=None)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, _Room]).decode
