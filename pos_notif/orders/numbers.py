"""The ids and numbers of orders that are placed here: their ids never meet a POS's, and people call them by a letter
for the business day and a number that begins with 1 in each (docs/protocol.md, section 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, tzinfo
from itertools import islice
from typing import Any

from ..clock import business_day, parse_iso
from ..events import TO_GO

# The service's own orders are numbered from here, so that a POS keeps its numbers.
FIRST_OWN_ORDER_ID = 1_000_000_000
LAST_OWN_ORDER_ID = 999_999_999_999
# Without I and O, which are taken for 1 and 0.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_FIRST_DAY = date(1970, 1, 1)
# So many orders of other days in a row are all that are looked at. A few are not: a clock may have been set.
_STRAYS = 100
# What is left out where numbers of this day may have been given that nobody knows any more.
RESTORED_GAP = 500


def is_own(order_id: int) -> bool:
    """Tells whether an order with this id was placed here."""
    return FIRST_OWN_ORDER_ID <= order_id <= LAST_OWN_ORDER_ID


def letter(day: date) -> str:
    """Returns the letter of a business day: the same one comes again after 24 days."""
    return _LETTERS[(day - _FIRST_DAY).days % len(_LETTERS)]


def last_of(day: date, numbered: Iterable[tuple[Any, str]], zone: tzinfo) -> int:
    """Returns the last number of a business day's series; 0 where there is none. `numbered` are the orders placed here,
    the newest first, each with its `numero` and `timestamp`."""
    series = re.compile(f"{letter(day)}([1-9][0-9]{{0,5}})")
    for number, timestamp in islice(numbered, _STRAYS):
        match = series.fullmatch(str(number))
        if match and business_day(parse_iso(timestamp), zone) == day:
            return int(match[1])
    return 0


def named(pedido: dict[str, Any]) -> str:
    """Returns the order's number with its table, or with whom it is for: "#C12 (Mesa 5)"."""
    number, table = f"#{pedido['numero']}", pedido.get("mesa") or pedido["mesa_numero"]
    whom = "" if table is None else f"Mesa {table}" if str(table).isdigit() else str(table)
    if pedido["tipo"] in TO_GO:
        whom = f"{pedido['tipo'].capitalize()} {pedido['cliente_nombre'] or ''}".strip()
    return f"{number} ({whom})" if whom else number
