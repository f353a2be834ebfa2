"""The chain that makes a log provable: each event's hash is over its predecessor's and its own stored bytes."""

from __future__ import annotations

import hashlib
import re

_STATED_ID = re.compile(rb'\{"id":([0-9]+)[,}]')


def chain(previous_hash: str, stored: bytes) -> str:
    """Returns the hash of an event from its predecessor's (docs/protocol.md, section 12)."""
    return hashlib.sha256(previous_hash.encode() + b"\n" + stored).hexdigest()


def stated_id(stored: bytes) -> int | None:
    """Returns the id that an event gives itself; None for what is no event."""
    found = _STATED_ID.match(stored)
    return int(found[1]) if found else None


class ChainWalk:
    """Walks a log from its anchor up, and says in words what is wrong with the first row that does not follow.

    `last_id` and `last_hash` are those of the last row that was taken: in the beginning, the anchor's.
    """

    def __init__(self, anchor_id: int, anchor_hash: str) -> None:
        self.last_id = anchor_id
        self.last_hash = anchor_hash
        self.rows = 0

    def row(self, event_id: int, stored: bytes, own_hash: str) -> str | None:
        """Takes a row of the database, whose rows come in the order of `event_id`. Returns what is wrong with it, or
        None where it follows."""
        problem = None
        if chain(self.last_hash, stored) != own_hash:
            stated = stated_id(stored)
            if stated is not None and stated != event_id:
                problem = f"the row of event {event_id} holds event {stated}: it was altered, or rows were reordered"
            elif event_id > self.last_id + 1:
                problem = self._missing(event_id)
            else:
                problem = f"event {event_id} does not match its hash"
        elif stated_id(stored) not in (event_id, None):
            problem = f"event {event_id} has another id in its row"
        if problem is None:
            self._take(event_id, own_hash)
        return problem

    def line(self, stored: bytes, previous_hash: str, own_hash: str) -> str | None:
        """Takes a line of an export, which names its predecessor's hash too. Returns what is wrong with it, or None
        where it follows."""
        event_id = stated_id(stored)
        if event_id is None:
            return "is no event"
        if chain(previous_hash, stored) != own_hash:
            return f"event {event_id} does not match its hash"
        if event_id == self.last_id:
            return f"event {event_id} stands there twice"
        if event_id < self.last_id:
            return f"event {event_id} stands after event {self.last_id}"
        if previous_hash != self.last_hash:
            if event_id > self.last_id + 1:
                return self._missing(event_id)
            return f"event {event_id} does not continue event {self.last_id}: one of them was replaced"
        self._take(event_id, own_hash)
        return None

    def _missing(self, event_id: int) -> str:
        first, last = self.last_id + 1, event_id - 1
        gone = f"event {first} is" if first == last else f"events {first} to {last} are"
        return f"{gone} missing before event {event_id}"

    def _take(self, event_id: int, own_hash: str) -> None:
        self.last_id, self.last_hash = event_id, own_hash
        self.rows += 1
