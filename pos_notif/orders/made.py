"""How much of a line has been made, and how much is to be made of it.

A line that is ready or served is made. A pending one has `cantidad_hecha` where part of it was made before: only the
difference is cooked. `cantidad_servida` is what of it the guest has, and `cantidad_recuperada` how many of a line were
made and sent back, to be made anew: these count for the bill, and not for the kitchen. Only the service writes these
fields; in a log from before there were any, a publisher's own may stand there, and may be anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..events import PENDING, READY, SERVED

Json = dict[str, Any]

# What only the service writes into a line, beside `ronda`.
LINE_MARKS = ("cantidad_hecha", "cantidad_servida", "cantidad_recuperada", "recuperado_razon")
_MARKS = frozenset({"ronda", *LINE_MARKS})
_AMOUNTS = LINE_MARKS[:3]
FIRST_ROUND = 1
# Each line that is sent back has the reason, so it is not repeated without end.
MOST_REASON = 200


def made(line: Json) -> float:
    """Returns how many of the line are made and need not be made again."""
    whole = _quantity(line)
    return whole if line["estado_item"] in (READY, SERVED) else min(_amount(line, "cantidad_hecha"), whole)


def to_make(line: Json) -> float:
    """Returns how many of the line the kitchen is to make."""
    if line["estado_item"] != PENDING:
        return 0
    return max(_quantity(line) - _amount(line, "cantidad_hecha"), 0)


def made_once(line: Json) -> float:
    """Returns how many of the line have been made, also where they were sent back to be made anew."""
    return max(made(line), min(_amount(line, "cantidad_recuperada"), _quantity(line)))


def left_to_make(lines: Iterable[Json]) -> dict[int, float]:
    """Returns by line what is to be made of an order's lines, where there is something."""
    return {line["id"]: amount for line in lines if (amount := to_make(line)) > 0}


def anything_to_make(lines: Iterable[Json]) -> bool:
    """Tells whether the kitchen is to make something of an order's lines."""
    return any(to_make(line) > 0 for line in lines)


def round_of(holder: Mapping[str, Any]) -> int:
    """Returns which round an order or a line is in: 1 where it says none."""
    value = holder.get("ronda")
    return value if isinstance(value, int) and not isinstance(value, bool) and value > FIRST_ROUND else FIRST_ROUND


def round_start(pedido: Mapping[str, Any]) -> str | None:
    """Returns when an order's later round began, as it is written; None in its first round."""
    at = pedido.get("ronda_at")
    return at if isinstance(at, str) and round_of(pedido) > FIRST_ROUND else None


def without_marks(line: Json) -> Json:
    """Returns what a publisher says of a line, without what only the service says."""
    if _MARKS.isdisjoint(line):
        return line
    return {name: value for name, value in line.items() if name not in _MARKS}


def marks_of(line: Json) -> Json:
    """Returns what only the service says of a line."""
    return {name: line[name] for name in ("ronda", *LINE_MARKS) if name in line}


def sent_back(line: Json, reason: Any) -> Json:
    """Returns the line as one that is to be made anew, all of it; `reason` may be none."""
    once = made_once(line)
    after = {name: value for name, value in line.items() if name not in LINE_MARKS}
    after["estado_item"] = PENDING
    if once:
        after["cantidad_recuperada"] = once
    if reason:
        after["recuperado_razon"] = str(reason)[:MOST_REASON]
    return after


def after_change(before: Json, after: Json, *, state_said: bool, not_made: bool, order_round: int) -> Json:
    """Returns a changed line with what has been made of it: more of a line that was made is pending for the difference
    alone, and a pending line of which no more is wanted than was made is made.

    `state_said` tells whether the publisher said the line's state, `not_made` whether that was that it is not made
    after all, `order_round` is the order's.
    """
    done, state = made(before), before["estado_item"]
    more = _quantity(after) > _quantity(before)
    if state in (READY, SERVED):
        if more and not state_said:
            after = {**after, "estado_item": PENDING}
        if after["estado_item"] == PENDING and more:
            served = done if state == SERVED else _amount(before, "cantidad_servida")
            after = {**after, "ronda": order_round, "cantidad_hecha": done}
            return {**after, "cantidad_servida": served} if served else after
        if after["estado_item"] == PENDING and not (not_made and state == READY):
            return sent_back({**after, "estado_item": state}, None)
    elif state == PENDING and done and done >= _quantity(after):
        # Said or not: there is nothing left to make.
        has = _amount(before, "cantidad_servida") >= _quantity(after)
        after = {**after, "estado_item": SERVED if has else READY}
    return _bounded(after)


def _bounded(line: Json) -> Json:
    """Returns the line with no more made, served or sent back than there is of it."""
    over = {name: _quantity(line) for name in _AMOUNTS if _amount(line, name) > _quantity(line)}
    return {**line, **over} if over else line


def _quantity(line: Json) -> float:
    quantity: float = line["cantidad"]
    return quantity


def _amount(line: Json, name: str) -> float:
    value = line.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0
