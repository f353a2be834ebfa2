"""`Opening`: what a node does where its engine is closed, or has another history than its file.

Redis is opened by whichever node's file stands in it, at a new epoch, unless a living node has what it lost; etcd by a
person alone (`cluster recover`). `tests/models/opening.py` shows that so no cursor is accepted over a gap.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Any, Protocol

import msgspec

from .engine import Engine
from .record import Kind, unpack
from .replica import READ_RECORDS
from .sequence import Closed, Place, Sequence, Unfit, Unknown
from .whereabouts import TELL_SECONDS, Whereabouts, tell, told

logger = logging.getLogger("pos_notif")

# By then every answer that was under way is unknown to whoever waited for it, and whoever has what the engine lost has
# said so.
SETTLE_SECONDS = 5.0
LOOK_SECONDS = 0.5
VERDICT_SECONDS = TELL_SECONDS + 2
RECOVER = "a person decides which node's log goes on: pos-notif cluster recover, at that node"
REJOIN = "this node is forked and keeps its file: copy another node anew (pos-notif cluster rejoin)"


class NodeFile(Protocol):
    """This node's file, as the thread that follows the engine asks for it. All raise LogUnavailable."""

    def whereabouts(self) -> Whereabouts: ...

    def apply(self, records: list[tuple[int, bytes]]) -> None:
        """Commits what the engine has after the file's place."""

    def open_engine(self) -> bool:
        """Has the log go on at a new epoch, by a record that opens the engine after this file's place. Tells whether it
        did: somebody else may have come first. Raises Closed or Unknown."""

    def adopt(self, identity: dict[str, Any] | None) -> None:
        """Takes the engine for the one that says this of itself."""


class Opening:
    """It belongs to the thread that follows the engine; `verdict` may be asked in any."""

    def __init__(self, engine: Engine, log_name: str, name: str, file: NodeFile) -> None:
        self._engine = engine
        self._log_name = log_name
        self._name = name
        self._file = file
        self._bulletin = engine.bulletin(log_name)
        self._told_at = self._looked_at = float("-inf")
        self._said: str | None = None
        # What the engine is and has, and since when nobody was heard of who would have more.
        self._settling: tuple[object, Place] | None = None
        self._settling_at = 0.0

    def close(self) -> None:
        self._bulletin.close()

    def is_open(self) -> None:
        """Is called again and again while the engine is open. Raises LogUnavailable."""
        self._said = self._settling = None
        if time.monotonic() - self._told_at > TELL_SECONDS:
            with contextlib.suppress(Unknown):  # it is told again
                self._tell(self._file.whereabouts())

    def is_closed(self, error: Closed) -> None:
        """Is called again and again while the engine is closed: applies what is there for this file, and opens it where
        that may be. Raises Trimmed, Unknown or LogUnavailable."""
        now = time.monotonic()
        if isinstance(error, Unfit):
            self._say(str(error))
        elif now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            with contextlib.closing(self._engine.sequence(self._log_name, None)) as sequence:
                self._look(sequence, str(error), now)

    def _look(self, sequence: Sequence, why: str, now: float) -> None:
        found = self._file.whereabouts()
        try:
            stands = self._stands(sequence, found)
        except Closed as empty:  # of etcd, which was wiped
            self._tell(msgspec.structs.replace(found, bifurcado=True))
            self._say(f"{empty}: {RECOVER}")
            return
        if stands is None:
            return
        self._tell(msgspec.structs.replace(found, bifurcado=not stands))
        if not stands:
            sequence.dispute(found.place)  # all must know that it has lost what this file has
            self._say(f"{why}; this file's newest record ({found.position}) is not there: {RECOVER}")
        elif self._engine.name != "redis":
            self._say(f"{why}: {RECOVER}")
        elif self._is_settled((sequence.identity, sequence.last()), now):
            forked = {name: each for name, each in told(self._bulletin, self._name).items() if each.bifurcado}
            if forked:
                name, other = max(forked.items(), key=lambda each: each[1].depth)
                self._say(f"{why}; the node {name} has another record {other.position} than is there: {RECOVER}")
            elif self._file.open_engine():
                logger.warning("%s: it goes on after record %d, at a new epoch", why, found.position)

    def _stands(self, sequence: Sequence, found: Whereabouts) -> bool | None:
        """Tells whether the file's place is one of the engine's; None where it was not its newest, and now is nearer to
        it."""
        records = sequence.read(found.position, READ_RECORDS)
        if not records:
            return sequence.last()[:2] == found.place[:2]
        first = unpack(records[0][1])
        if first.before != found.hash:
            return False
        # What etcd has may be of another etcd's time, but for what a person has begun it with.
        if self._engine.name != "redis" and first.kind != Kind.BASE:
            return True
        self._file.adopt(sequence.identity)
        self._file.apply(records)
        return None

    def _is_settled(self, engine: tuple[object, Place], now: float) -> bool:
        if engine != self._settling:
            self._settling, self._settling_at = engine, now
        return now - self._settling_at >= SETTLE_SECONDS

    def verdict(self) -> str:
        """Says in English what is to be done with a file whose place is not among an open engine's. It waits for the
        others to tell that they stand there."""
        deadline = time.monotonic() + VERDICT_SECONDS
        with (
            contextlib.closing(self._engine.bulletin(self._log_name)) as bulletin,
            contextlib.closing(self._engine.sequence(self._log_name, None)) as sequence,
        ):
            while time.monotonic() < deadline:
                try:
                    base = sequence.head().base
                    others = list(told(bulletin, self._name).values())
                except Closed:
                    break
                except Unknown:  # one answer that came too late is no verdict
                    others = []
                if any(each.base == base and not each.bifurcado for each in others):
                    return REJOIN
                time.sleep(LOOK_SECONDS)
        return RECOVER

    def _tell(self, found: Whereabouts) -> None:
        self._told_at = time.monotonic()
        tell(self._bulletin, self._name, found)

    def _say(self, why: str) -> None:
        if why != self._said:
            logger.error("nothing is written: %s", why)
        self._said, self._settling = why, None


def lacks(head: Place, place: Place) -> bool:
    """Tells whether an engine whose head this is lacks a place that was committed before it was asked."""
    return head.position < place.position or (head.position == place.position and head.hash != place.hash)
