"""How the processes that serve one log wake each other: an empty datagram after each commit.

It carries nothing, and none is waited for: who is woken looks into the log. One that is lost, because a sibling has not
read those before, is not missed, since those wake it as well; the look that the log takes four times a second is the
net beneath.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

_WAKE = b"\0"


class Siblings:
    """The sockets of one process: `own`, on which it is woken, and one to each of the others. `first` tells whether it
    is the one that does what one process does for all."""

    def __init__(self, own: socket.socket, others: Sequence[socket.socket], *, first: bool) -> None:
        for each in (own, *others):
            each.setblocking(False)
        self.own = own
        self.first = first
        self._others = others

    def wake(self) -> None:
        """Wakes the others. It may be called in any thread."""
        for other in self._others:
            with contextlib.suppress(OSError):
                other.send(_WAKE)

    def woken(self) -> bool:
        """Tells whether another one has committed since this was asked before."""
        found = False
        with contextlib.suppress(OSError):
            while self.own.recv(1):
                found = True
        return found
