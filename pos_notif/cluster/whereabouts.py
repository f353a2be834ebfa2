"""How far each node's file is, as it tells the others by keys that pass away: what is known of them where the engine is
closed, or has another history than a file."""

from __future__ import annotations

import sqlite3

import msgspec

from .bulletin import Bulletin
from .places import read_place
from .sequence import Place

# How often a node tells it, and how long it is believed.
TELL_SECONDS = 3.0
LIFE_SECONDS = 10.0
_PREFIX = "lugar/"


class Whereabouts(msgspec.Struct, frozen=True):
    """A file's place, and how many epochs its log has had. `bifurcado` says that the place is none of the engine's."""

    position: int
    hash: bytes
    base: bytes
    epochs: int
    bifurcado: bool = False

    @property
    def place(self) -> Place:
        return Place(self.position, self.hash, self.base)

    @property
    def depth(self) -> tuple[int, int]:
        """Returns what the further one of two files has more of."""
        return self.epochs, self.position


def whereabouts_of(connection: sqlite3.Connection) -> Whereabouts:
    """Returns how far the file is."""
    epochs = connection.execute("SELECT count(*) FROM epochs").fetchone()[0]
    return Whereabouts(*read_place(connection), epochs)


def tell(bulletin: Bulletin, name: str, found: Whereabouts) -> None:
    """Tells the other nodes how far this one is. Raises Unknown."""
    bulletin.put(_PREFIX + name, _encode(found), LIFE_SECONDS)


def told(bulletin: Bulletin, name: str) -> dict[str, Whereabouts]:
    """Returns how far the other living nodes are, by their names. Raises Unknown."""
    found = {key.removeprefix(_PREFIX): _decode(value) for key, value in bulletin.living(_PREFIX).items()}
    found.pop(name, None)
    return found


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Whereabouts).decode
