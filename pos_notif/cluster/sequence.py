"""`Sequence`: whose transaction is next. An engine, etcd or Redis, keeps the records in one order for all nodes."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple, Protocol


class Place(NamedTuple):
    """How far a log is: the number of its newest record, and SHA-256(the hash before it + that record's bytes as
    stored). `base` is the nonce of the base record that it stands on: the newest one that opened the engine."""

    position: int
    hash: bytes
    base: bytes


# Of a log without a record.
NO_PLACE = Place(0, b"", b"")


def place_after(place: Place, packed: bytes, base: bytes | None = None) -> Place:
    """Returns the place of a record that follows `place`; `base` is its nonce where it is a base record."""
    hashed = hashlib.sha256(place.hash + packed).digest()
    return Place(place.position + 1, hashed, place.base if base is None else base)


class Conflict(Exception):
    """Another node's record came first; nothing was kept of ours."""


class Closed(Exception):
    """The engine is not the one that the log was opened with, or has lost what it had: nothing is appended until it is
    opened anew. The text says why, in English, in one line."""


class Unfit(Closed):
    """The engine's settings, or what it lets us do, are not what a cluster needs: a node does not start on it."""


class Unknown(Exception):
    """Nothing, or too late: what was asked for may have been done, or may be done later."""


class Full(Unknown):
    """The engine has no room for what it was asked to keep, and has said so. etcd may have kept it all the same."""


class Trimmed(Exception):
    """The records that were asked for are no longer kept: the file must be copied anew."""


class Sequence(Protocol):
    """All calls wait, in the thread that makes them, for at most a second; `wait` as long as it is told. None is
    repeated unseen. Each thread has a sequence of its own.

    `identity` is what the engine said of itself, as plain values for JSON. It begins as what the node's file knows,
    None for a file that knows nothing, and whoever commits writes it into the file where it has changed.
    """

    identity: dict[str, Any] | None

    def append(self, after: Place, record: bytes) -> Place:
        """Makes the record the next one after `after`, in one atomic step, and returns its place. Raises Conflict where
        the head is another, Closed or Unknown."""

    def head(self) -> Place:
        """Returns the place of the newest record, linearizable. Raises Closed or Unknown."""

    def last(self) -> Place:
        """Returns the place of the newest record that is there, whether or not the engine is open; position 0 where
        there is none. It is what an opening goes by, and what a person is shown. Raises Unfit or Unknown."""

    def read(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Returns the next records, at most `limit` and some megabytes of them, none beyond the head. A closed engine
        may be read: what it has is told apart by the hashes. Raises Trimmed, Unfit or Unknown."""

    def wait(self, after: int, seconds: float) -> bool:
        """Waits until there is more than `after`, for so long at most, and tells whether there is: a level, so what
        came before the call is not missed. Raises Closed or Unknown."""

    def begin(self, after: Place, base: bytes, nonce: bytes, *, seen: Place | None = None) -> Place:
        """Appends the base record, whose nonce is `nonce`, after `after`, and opens the engine on it. It does nothing,
        and raises Conflict, where the engine is open or its head is not `after`; an empty engine is founded so only
        with `seen`.

        With `seen`, the place that a person was shown as the head (position 0 for an empty engine), it removes all
        records, and makes the base record the only one: the engine's head need not be `after` then, but must be `seen`.
        """

    def dispute(self, place: Place) -> None:
        """Says that this node's file has this place. Where the engine has another history, and no person has opened it
        anew since, it is closed for everybody, if it does not find that by itself. Raises Unfit or Unknown."""

    def probe(self) -> None:
        """Writes what nobody reads. Raises Unfit or Unknown where the engine takes nothing: one that is full answers
        whoever reads, all the same."""

    def trim(self, up_to: int) -> None:
        """Removes the records up to this one, and what the engine keeps of its keys' past; nothing where it was opened
        anew meanwhile. Raises Closed or Unknown."""

    def close(self) -> None:
        """Closes its connection. It may be called in another thread, and ends a `wait`."""
