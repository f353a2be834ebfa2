"""`Follower`: the thread of a node that hears of other nodes' records, and hands them to the writer."""

from __future__ import annotations

import contextlib
import logging
import threading
import time

from ..errors import LogUnavailable
from .central import Central
from .opening import NodeFile, Opening, lacks
from .record import Unreadable
from .replica import READ_RECORDS, Forked, Replica
from .sequence import Closed, Sequence, Trimmed, Unknown

logger = logging.getLogger("pos_notif")

# How often an engine is asked whether it is there, while it is away and while nothing comes from it.
PROBE_SECONDS = 0.25
WAIT_SECONDS = 0.25


class Follower(threading.Thread):
    """The sequence is this thread's own, and so is the `opening`; both are closed with it."""

    def __init__(
        self, sequence: Sequence, replica: Replica, central: Central, file: NodeFile, opening: Opening
    ) -> None:
        super().__init__(name="cluster-follower", daemon=True)
        self._sequence = sequence
        self._replica = replica
        self._central = central
        self._file = file
        self._opening = opening
        self._ending = threading.Event()
        # Whether the engine may have become another since its head was last compared with the file.
        self._unsure = True

    def end(self) -> None:
        """Ends the thread soon, also where it waits for the engine."""
        self._ending.set()
        self._sequence.close()

    def run(self) -> None:
        failed, told = False, ""
        while not self._ending.is_set() and self._central.stopped is None:
            asked = time.monotonic()
            try:
                self._follow_open()
                failed, told = False, ""
            except Unknown as error:
                # One member of etcd may be gone, and another one answer; or the writer knows better by now.
                if failed and self._central.heard_at < asked:
                    self._lost(str(error) or "it does not answer")
                self._unsure = failed = True
            except Trimmed:
                self._central.stop("the records it lacks are no longer kept: copy it anew (pos-notif cluster rejoin)")
            except Unreadable as error:
                self._central.stop(f"a record is none of ours: {error}")
            except Forked as error:
                with contextlib.suppress(Closed, Unknown):
                    self._sequence.dispute(error.place)  # all must know that it has lost what this file has
                self._central.stop(str(error), self._opening.verdict)
            except LogUnavailable as error:  # of this file: its disk is full, or this node has stopped
                if error.reason != told:
                    logger.warning("the records of other nodes cannot be applied: %s", error.reason)
                told = error.reason
                self._ending.wait(PROBE_SECONDS)
            except Exception as error:
                if not self._ending.is_set():  # whoever does not hear of the others shows what is past
                    logger.exception("unexpected error in the thread that follows the engine")
                    self._central.stop(f"it cannot follow the others any more: {error!r}")
        self._opening.close()

    def _follow_open(self) -> None:
        try:
            self._follow()
        except Closed as error:
            self._lost(str(error))
            if not self._ending.is_set():
                with contextlib.suppress(Closed):  # of a moment ago: it is looked at again
                    self._opening.is_closed(error)

    def _lost(self, why: str) -> None:
        self._unsure = True
        if self._ending.is_set():
            return
        if self._central.away_since is None:
            logger.warning("nothing can be written, the engine is away: %s", why)
        self._central.lost(why)
        self._ending.wait(PROBE_SECONDS)

    def _follow(self) -> None:
        """Waits for what comes next, and applies it."""
        if self._unsure or self._central.away_since is not None:
            place = self._file.whereabouts().place
            if lacks(self._sequence.head(), place):
                raise Forked(f"this file's newest record ({place.position}) is not in the engine", place)
            self._unsure = False
        self._opening.is_open()
        position = self._replica.position
        if self._central.away_since is None and not self._sequence.wait(position, WAIT_SECONDS):
            return
        with self._replica.deciding:
            pass  # what has come may be this node's own, which is about to be committed
        if self._replica.position == position:
            records = self._sequence.read(position, READ_RECORDS)
            if records:
                self._file.apply(records)
        if self._central.away_since is not None:
            self._sequence.probe()
            self._central.found()
            logger.warning("the engine is back")
