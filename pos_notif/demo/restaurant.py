"""The loop that lets simulated people act on the real service."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Protocol

from ..events import CANCELLED
from .board import Board, Hands
from .client import Client, Stopped
from .people import Deed

# How often people look at the board, in real seconds: often enough for the pace, and never a load.
SHORTEST_TICK_SECONDS, LONGEST_TICK_SECONDS = 0.2, 1.0
# How long an order is left to the person at a screen who has touched it, in simulated seconds.
PAUSE_SECONDS = 180.0


class Actor(Protocol):
    def act(self, board: Board, now: float) -> list[Deed]:
        """Returns what is done at `now`, in simulated seconds since the start."""


class Restaurant:
    """The restaurant with its `actors`, in the order in which they act; an order that one has touched is left alone by
    those after it."""

    def __init__(self, client: Client, actors: list[Actor], pace: float) -> None:
        self._client = client
        self._actors = actors
        self._pace = pace
        self._hands = Hands(PAUSE_SECONDS)

    def run(self, stop: threading.Event) -> None:
        """Runs until `stop` is set, and blocks its thread. Raises Refused where nobody can look or sign in."""
        started = time.monotonic()
        tick_seconds = min(max(1 / self._pace, SHORTEST_TICK_SECONDS), LONGEST_TICK_SECONDS)
        with contextlib.suppress(Stopped):
            while not stop.is_set():
                self._tick((time.monotonic() - started) * self._pace)
                stop.wait(tick_seconds)

    def _tick(self, now: float) -> None:
        board = self._look(now)
        for actor in self._actors:
            deeds = actor.act(board, now)
            for deed in deeds:
                order = self._client.do(deed)
                if order is not None:
                    self._hands.note(order, placed=deed.order_id is None)
            board = board.leaving_alone(deed.order_id for deed in deeds if deed.order_id is not None)

    def _look(self, now: float) -> Board:
        kitchen = self._client.orders("cocina")
        cancelled = sum(order["estado"] == CANCELLED for order in kitchen)
        unseen = tuple(event_id for order in kitchen for event_id in order["por_acusar"])
        orders = self._client.orders("todos")
        self._hands.look(orders, now)
        return Board(orders, self._client.menu(), cancelled, self._hands.placed, self._hands.theirs, unseen)
