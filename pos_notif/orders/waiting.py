"""Which orders wait for a dish. The menu's ids and the POS's are two kinds of numbers; what both know is the name."""

from __future__ import annotations

from typing import Any

from ..events import PENDING
from .menu import own_dish

Json = dict[str, Any]
# How a line names its dish, and that name or id.
Dish = tuple[str, int | str | None]

OURS, THE_POS_S, NAME = "own id", "id of the POS", "name"
OURS_BY_NAME, THE_POS_S_BY_NAME = "name beside an own id", "name beside an id of the POS"


def dishes_to_make(pedido: Json) -> set[Dish]:
    """Returns the dishes of an order's pending lines, each in the ways in which it may be asked for."""
    found: set[Dish] = set()
    for line in pedido["items"]:
        if line["estado_item"] == PENDING:
            name, dish = line["producto_nombre"], line["producto_id"]
            ours = own_dish(pedido, line) is not None
            by_id, by_name = (OURS, OURS_BY_NAME) if ours else (THE_POS_S, THE_POS_S_BY_NAME)
            found |= {(NAME, name)} if dish is None else {(by_id, dish), (by_name, name)}
    return found


def ways_to_ask(dish_id: int, name: str, other_id: int | None, *, from_pos: bool) -> set[Dish]:
    """Returns in which ways lines may name a dish: by its id where that is of the same kind, and across the two kinds
    by the id that it has there, as far as the menu knows, or by its name. `dish_id` is the POS's where the alert is
    `from_pos`, and then `other_id` is ours; else the other way round."""
    by_id, by_other, by_name = (THE_POS_S, OURS, OURS_BY_NAME) if from_pos else (OURS, THE_POS_S, THE_POS_S_BY_NAME)
    found: set[Dish] = {(by_id, dish_id), (NAME, name), (by_name, name)}
    return found if other_id is None else found | {(by_other, other_id)}
