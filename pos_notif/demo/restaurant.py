"""The loop that lets simulated people act on the real service."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Protocol

from .board import Board, Json
from .client import Client, Stopped

# How often people look at the board, in real seconds: often enough for the pace, and never a load.
SHORTEST_TICK_SECONDS, LONGEST_TICK_SECONDS = 0.2, 1.0


class Actor(Protocol):
    def act(self, board: Board, now: float) -> list[Json]:
        """Drafts of events at `now`, in simulated seconds since the start."""


class Restaurant:
    """`actors` in the order in which they act; an order that one has touched is left alone by those after it."""

    def __init__(self, client: Client, actors: list[Actor], pace: float) -> None:
        self._client = client
        self._actors = actors
        self._pace = pace
        self._sold_out: set[int] = set()

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Blocks. Raises Refused where the service refuses what a publisher may send."""
        started = time.monotonic()
        tick_seconds = min(max(1 / self._pace, SHORTEST_TICK_SECONDS), LONGEST_TICK_SECONDS)
        with contextlib.suppress(Stopped):
            while not stop.is_set():
                self._tick((time.monotonic() - started) * self._pace)
                stop.wait(tick_seconds)

    def _tick(self, now: float) -> None:
        cancelled = sum(order["estado"] == "cancelado" for order in self._client.orders("cocina"))
        board = Board(self._client.orders("todos"), cancelled, frozenset(self._sold_out))
        for actor in self._actors:
            drafts = actor.act(board, now)
            for draft in drafts:
                self._client.publish(draft)
                self._note_stock(draft)
            board = board.without({draft["pedido_id"] for draft in drafts if "pedido_id" in draft})

    def _note_stock(self, draft: Json) -> None:
        if draft["tipo"] == "alerta_stock":
            self._sold_out.discard(draft["producto_id"])
            if draft["nivel"] == "agotado":
                self._sold_out.add(draft["producto_id"])
