"""Who belongs to a cluster, how far each has come, and which records nobody needs any more.

The rows of `members` are replicated, as all others: whoever joins is registered before a copy is made for it, so that
nothing is trimmed meanwhile that it will lack.
"""

from __future__ import annotations

import bisect
import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from .sequence import Sequence, Trimmed

# What is kept for a node that is away, in bytes of records.
LACKING_BYTES = 64 * 1024 * 1024
# What is kept in any case: so many of the newest, or so many bytes of them, whichever is less.
NEWEST_RECORDS = 10_000
NEWEST_BYTES = 16 * 1024 * 1024
# What is read at once to learn how large records are, and so about how fine what is trimmed is known.
READ_RECORDS = 256
# As long as a key of the engine and a line of text may well have it in them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class Member(NamedTuple):
    """A node: `position` is how far it had come when that was last told, `joined_ms` when it was registered."""

    number: int
    name: str
    position: int
    joined_ms: int


def name_problem(name: str) -> str | None:
    """Says in English why a node cannot have this name; None where it can."""
    if _NAME.fullmatch(name):
        return None
    return f"{name!r} is no name of a node: up to 40 letters, digits, dots, hyphens and underscores"


def read_members(connection: sqlite3.Connection) -> list[Member]:
    """Returns all members, the oldest first."""
    rows = connection.execute("SELECT number, name, position, joined_ms FROM members ORDER BY number")
    return [Member(*row) for row in rows]


def register(connection: sqlite3.Connection, name: str, position: int, now_ms: int) -> bool:
    """Makes `name` a member that has come as far as `position`, also where it is one already; tells whether it was
    none."""
    known = connection.execute("SELECT position FROM members WHERE name = ?", (name,)).fetchone()
    if known is None:
        connection.execute("INSERT INTO members (name, position, joined_ms) VALUES (?, ?, ?)", (name, position, now_ms))
    elif known[0] != position:
        connection.execute("UPDATE members SET position = ? WHERE name = ?", (position, name))
    return known is None


def leave(connection: sqlite3.Connection, name: str) -> bool:
    """Takes a member off the list, and tells whether it stood there."""
    return connection.execute("DELETE FROM members WHERE name = ?", (name,)).rowcount > 0


def rename(connection: sqlite3.Connection, name: str) -> bool:
    """Makes a copy of another node's file the file of the member `name`; tells whether it was a node's."""
    return connection.execute("UPDATE node SET name = ?", (name,)).rowcount > 0


def join_key(name: str) -> str:
    """Returns the key of the bulletin under which who joins leaves the digest of a secret."""
    return f"join/{name}"


def tell_positions(connection: sqlite3.Connection, positions: Mapping[int, int]) -> None:
    """Notes how far members have come, by their numbers; none goes back by it."""
    for number, position in sorted(positions.items()):
        connection.execute(
            "UPDATE members SET position = ? WHERE number = ? AND position < ?", (position, number, position)
        )


def trimmable(marks: list[tuple[int, int]], head: int, members: Collection[int]) -> int:
    """Returns up to which record nothing is needed any more, of those that `marks` name: each is a position, and how
    many bytes there are in the records up to it, ascending, up to the head's. Returns the first one where nothing is
    to go. `members` are the positions that the members have reached."""
    total = marks[-1][1]

    def within(limit: int) -> int:
        """Returns the highest position after which the records have at least `limit` bytes."""
        return marks[max(bisect.bisect_right(marks, total - limit, key=lambda mark: mark[1]) - 1, 0)][0]

    newest = max(head - NEWEST_RECORDS, within(NEWEST_BYTES))
    lacking = max(min(members, default=head), within(LACKING_BYTES))
    found = bisect.bisect_right(marks, min(newest, lacking), key=lambda mark: mark[0])
    return marks[max(found - 1, 0)][0]


class Trimmer:
    """Trims the engine. It has a sequence of its own, and is for one thread at a time."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        self._marks: list[tuple[int, int]] = []
        self._trimmed = 0

    def trim(self, members: Iterable[int]) -> int | None:
        """Removes the records that no member lacks any more, or that are too many to be kept for one that is away.
        `members` are the positions that they have reached. Returns up to which, or None where nothing goes. Raises
        Closed or Unknown."""
        positions = list(members)
        head = self._sequence.head().position
        try:
            self._learn(head, min([*positions, head - NEWEST_RECORDS]))
        except Trimmed:  # by somebody else, or the engine was begun anew
            self._marks = []
            self._learn(head, min([*positions, head - NEWEST_RECORDS]))
        up_to = trimmable(self._marks, head, positions)
        self._sequence.trim(up_to)  # where nothing goes too: etcd then forgets what its keys have been
        if up_to <= self._trimmed:
            return None
        self._trimmed = up_to
        self._marks = [mark for mark in self._marks if mark[0] >= up_to]
        return up_to

    def close(self) -> None:
        self._sequence.close()

    def _learn(self, head: int, wanted: int) -> None:
        """Learns how large the records are that were not looked at yet, from the oldest on that may matter."""
        if not self._marks or self._marks[-1][0] > head:
            self._marks = [(self._oldest(max(wanted, 0), head), 0)]
        while self._marks[-1][0] < head:
            position, size = self._marks[-1]
            found = self._sequence.read(position, READ_RECORDS)
            if not found:
                return
            self._marks.append((found[-1][0], size + sum(len(packed) for _, packed in found)))

    def _oldest(self, low: int, head: int) -> int:
        """Returns the lowest position from `low` on after which all records are there."""
        if self._is_there(low):
            return low
        while low + 1 < head:
            middle = (low + head) // 2
            if self._is_there(middle):
                head = middle
            else:
                low = middle
        return head

    def _is_there(self, position: int) -> bool:
        try:
            self._sequence.read(position, 1)
        except Trimmed:
            return False
        return True
