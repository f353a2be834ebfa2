"""What the processes of one service know of each other's connections, counts and limits. A service of one process asks
nobody, and nothing of this costs it anything."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ..board import Board
from ..clock import parse_iso
from ..counts import COUNTS, Counts
from ..delivery.connections import Connections
from ..delivery.downloads import Downloads, merged
from ..delivery.presence import MAX_GONE, Directory
from ..delivery.screens import SCREENS, Screens
from ..errors import LogUnavailable
from ..events import FILTERED_ROOMS
from ..log.live import LiveLog
from ..wire.json_text import dump
from .rate_limit import Buckets

if TYPE_CHECKING:
    from ..push.push import Push

POST_SECONDS = 1.0
# What is posted each second.
_ROOM, _SPENT = "room", "spent"
# What is asked for.
_CONNECTED, _DOWNLOADS, _STATE, _WATCHING = "connected", "downloads", "state", "watching"


class Room(msgspec.Struct, array_like=True):
    """What a process has of what there is a limit for, and what it knows to be wrong with the log: of its chain of
    hashes, of its file, and why that is lost; with `supplanted` another one has its name. `full` says that its disk
    was."""

    open: int
    downloads: int
    damage: str | None
    file_damage: str | None
    lost: str | None
    supplanted: bool
    full: bool


class Connected(msgspec.Struct, array_like=True):
    """Who is connected to a process, as `[transport, role, count]`; the events that its slowest reader has yet to get;
    its streams and sockets as the limit counts them, the publications that wait for its writer, and the messages to
    phones that wait."""

    counts: list[tuple[str, str, int]]
    worst_lag: int
    open: int
    queued: int
    pushing: int


@dataclass(slots=True)
class Together:
    """This process's part, and the others'. `limits` are buckets by names under which their takings are told; `push` is
    None where phones are not rung."""

    board: Board
    log: LiveLog
    directory: Directory
    screens: Screens
    connections: Connections
    downloads: Downloads
    limits: dict[str, Buckets]
    push: Push | None
    _rooms: dict[int, Room] = field(default_factory=dict)
    _posting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to tell the others of this process, each second, and when they ask."""
        board = self.board
        if board.process is None:
            return
        for buckets in self.limits.values():
            buckets.share()
        board.answer(_WATCHING, self._watching)
        board.answer(_STATE, lambda: dump(self.directory.state(self.log.cursor)).encode())
        board.answer(_DOWNLOADS, lambda: dump(self.downloads.told()).encode())
        board.on_post(_SPENT, self._charge)
        if board.same_machine:
            board.answer(_CONNECTED, self._tell_connected)
            board.on_post(_ROOM, self._note_room)
            self.log.on_fault(self._post_room)  # at once: who was refused by one process is refused by each
        self._posting = asyncio.get_running_loop().create_task(self._post(), name="together")

    async def close(self) -> None:
        if self._posting is not None:
            self._posting.cancel()
            await asyncio.gather(self._posting, return_exceptions=True)

    async def _post(self) -> None:
        has_spent = False
        while True:
            self.screens.post()
            if self.board.same_machine:
                self._post_counts()
                self._post_room()
            spent = {name: buckets.spent() for name, buckets in self.limits.items()}
            if has_spent or any(spent.values()):  # nothing, once: who begins then is told of this second's alone
                self.board.post(_SPENT, _encode(spent))
            has_spent = any(spent.values())
            await asyncio.sleep(POST_SECONDS)

    def _post_room(self) -> None:
        database = self.log.database
        room = Room(
            len(self.connections.open), self.downloads.running, self.log.damage,
            database.damage, database.lost, database.supplanted,
            database.full,
        )  # fmt: skip
        self.board.post(_ROOM, _encode(room))

    # Limits

    def _charge(self, process: int, posted: bytes | None) -> None:
        """Takes from the buckets what was taken from another process's."""
        if posted is not None:
            for name, spent in _decode(posted).items():
                for key, tokens in spent:
                    self.limits[name].charge(tuple(key) if isinstance(key, list) else key, tokens)

    def _note_room(self, process: int, posted: bytes | None) -> None:
        if posted is None:
            self._rooms.pop(process, None)
        else:
            self._rooms[process] = room = _decode_room(posted)
            self._note_faults(room)
        self.connections.elsewhere = sum(room.open for room in self._rooms.values())
        self.downloads.elsewhere = sum(room.downloads for room in self._rooms.values())

    def _note_faults(self, room: Room) -> None:
        database = self.log.database
        self.log.damage = self.log.damage or room.damage
        if room.full:
            database.note_full()
        if room.file_damage is not None:
            database.note_damage(room.file_damage)
        if room.lost is not None:
            database.note_loss(room.lost, supplanted=room.supplanted)

    # What is told

    def _connected(self) -> Connected:
        counts, worst = self.directory.summary()
        told = [(transport, role, count) for (transport, role), count in counts.items()]
        pushing = self.push.queued if self.push is not None else 0
        return Connected(told, worst, len(self.connections.open), self.log.store.queued, pushing)

    def _tell_connected(self) -> bytes:
        self._post_counts()  # which are asked for next
        return _encode(self._connected())

    async def connected(self) -> Connected:
        """Returns who is connected to the whole service on this machine, but for processes that do not answer. Raises
        LogUnavailable."""
        answers = await self.board.ask(_CONNECTED) if self.board.same_machine else {}
        all_ = [self._connected(), *(_decode_connected(answer) for answer in answers.values() if answer)]
        counts: Counter[tuple[str, str]] = Counter()
        for each in all_:
            for transport, role, count in each.counts:
                counts[transport, role] += count
        return Connected(
            [(transport, role, count) for (transport, role), count in counts.items()],
            max(each.worst_lag for each in all_), sum(each.open for each in all_), sum(each.queued for each in all_),
            sum(each.pushing for each in all_),
        )  # fmt: skip

    def _post_counts(self) -> None:
        self.board.post(COUNTS, self.log.counts.dump())

    def counts(self) -> Counts:
        """Returns what was counted in the whole service on this machine."""
        if self.board.process is None or not self.board.same_machine:
            return self.log.counts
        self._post_counts()  # before anybody is told of the sum: it must not become less where this process dies
        return Counts.of_all(self.log.counts, self.board.posted(COUNTS).values())

    async def progress(self) -> list[dict[str, Any]]:
        """Returns what is told of the downloads of all processes. Raises LogUnavailable."""
        answers = await self.board.ask(_DOWNLOADS)
        told = [each for answer in answers.values() if answer for each in json.loads(answer)]
        return merged([*told, *self.downloads.told()])

    def _watching(self) -> bytes:
        return _encode({room: list(self.directory.watching(room)) for room in FILTERED_ROOMS})

    async def watching(self, room: str) -> set[int]:
        """Returns the ids of the users who have a screen of this room. Raises LogUnavailable."""
        answers = await self.board.ask(_WATCHING)
        return self.directory.watching(room).union(*(_decode(answer)[room] for answer in answers.values() if answer))

    async def state(self) -> dict[str, Any]:
        """Returns the answer of `GET /api/notificaciones/estado`. Raises LogUnavailable."""
        own = self.directory.state(self.log.cursor)
        if self.board.process is None:
            return own
        try:
            answers = await self.board.ask(_STATE)
        except LogUnavailable:
            if self.board.same_machine:
                raise
            # A node that is cut off tells of itself, and that it knows nothing of the others.
            answers = dict.fromkeys(self.board.posted(SCREENS), None)
        states = {self.board.process: own}
        states |= {number: json.loads(answer) for number, answer in answers.items() if answer}
        rows = [{**row, "proceso": number} for number, state in sorted(states.items()) for row in state["conexiones"]]
        here = [row for row in rows if row["conectado"]]
        return {
            "total_conexiones": len(here),
            "por_rol": dict(Counter(row["rol"] for row in here)),
            "conexiones": here + _gone(rows),
            "sin_respuesta": sorted(number for number, answer in answers.items() if not answer),
        }


def _gone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns who has gone and is connected nowhere, each as it went last, the last one first."""
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["conectado"], parse_iso(row["ultima_senal"]))):
        newest[tuple(row[name] for name in ("usuario_id", "username", "rol", "cliente", "transporte"))] = row
    gone = [row for row in newest.values() if not row["conectado"]]
    return sorted(gone, key=lambda row: parse_iso(row["ultima_senal"]), reverse=True)[:MAX_GONE]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_decode_room = msgspec.msgpack.Decoder(Room).decode
_decode_connected = msgspec.msgpack.Decoder(Connected).decode
