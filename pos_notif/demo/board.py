"""What the simulated people see before they act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..events import AWAITING_PAYMENT, TO_COOK
from .people import Json


@dataclass(frozen=True, slots=True)
class Board:
    """The open orders and the menu as the service has them, and the ids of the orders that the simulated guests placed
    in this run (`placed`) and of those that are to be left alone now (`left_alone`). `unseen` are the events that no
    kitchen's screen has acknowledged."""

    orders: list[Json]
    menu: list[Json]
    cancelled_in_kitchen: int = 0
    placed: frozenset[int] = frozenset()
    left_alone: frozenset[int] = frozenset()
    unseen: tuple[int, ...] = ()

    @property
    def in_kitchen(self) -> int:
        return sum(order["estado"] in TO_COOK for order in self.orders)

    @property
    def unpaid(self) -> int:
        return sum(order["estado"] == AWAITING_PAYMENT for order in self.orders)

    @property
    def free(self) -> list[Json]:
        """Returns the orders that somebody may act on."""
        return [order for order in self.orders if order["id"] not in self.left_alone]

    def leaving_alone(self, order_ids: Iterable[int]) -> Board:
        return replace(self, left_alone=self.left_alone | frozenset(order_ids))


class Hands:
    """Whose hands the orders are in: a version of one that no simulated person made is the work of a person at a screen
    (signed in as whoever) or of another publisher, and the order is theirs for a while. What is there at the first
    look is nobody's, so that an earlier run's orders are served."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._versions: dict[int, int] | None = None
        self._theirs_until: dict[int, float] = {}
        self._placed: set[int] = set()

    def note(self, order: Json, *, placed: bool) -> None:
        """Notes that a simulated person's deed was answered with this order."""
        assert self._versions is not None, "look comes first"
        self._versions[order["id"]] = order["version"]
        if placed:
            self._placed.add(order["id"])

    def look(self, orders: list[Json], now: float) -> None:
        """Compares `orders`, all that are open, with what was seen before: every deed up to now must have been
        noted."""
        versions = {order["id"]: order["version"] for order in orders}
        if self._versions is not None:
            for order_id, version in versions.items():
                if self._versions.get(order_id) != version:
                    self._theirs_until[order_id] = now + self._pause_seconds
        self._versions = versions
        self._theirs_until = {
            order_id: until for order_id, until in self._theirs_until.items() if order_id in versions and until > now
        }
        self._placed &= versions.keys()

    @property
    def theirs(self) -> frozenset[int]:
        return frozenset(self._theirs_until)

    @property
    def placed(self) -> frozenset[int]:
        return frozenset(self._placed)
