"""What must be true after `workload`, of every node's file and of every reader, whatever happened meanwhile."""

from __future__ import annotations

import contextlib
import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.cluster.workload import SCARCE, STOCK, Answered, History, Hopper, what
from tests.soak.check import assert_log_is_sound, read_log
from tests.support.logs import opened
from tests.support.waiting import eventually

# What is each node's own: its place, and as much of its past as it keeps.
OWN_TABLES = {"node", "positions"}
OWN_ORDERS = 1_000_000_000  # ids of what is placed here

Json = dict[str, Any]
Rows = dict[str, list[tuple[Any, ...]]]


def rows(connection: sqlite3.Connection) -> Rows:
    """All that nodes have in common, by table, each in one order."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        for name in sorted(set(names) - OWN_TABLES)
        if name == "sqlite_sequence" or not name.startswith("sqlite_")
    }


def place(connection: sqlite3.Connection) -> tuple[int, bytes]:
    found: tuple[int, bytes] | None = connection.execute("SELECT position, hash FROM node").fetchone()
    return found or (0, b"")


def snapshot(file: Path) -> tuple[tuple[int, bytes], Rows, dict[int, bytes]]:
    """A file's place, its rows, and the places of its past, as of one moment."""
    with opened(file) as connection:
        connection.execute("BEGIN")
        past = dict(connection.execute("SELECT position, hash FROM positions"))
        return place(connection), rows(connection), past


def snapshots_of_one_place(files: Sequence[Path], seconds: float = 60.0) -> list[tuple[Any, Rows, dict[int, bytes]]]:
    """Of all files at the same number of records: the leader may write still, and what it wrote is under way."""

    def look() -> list[tuple[Any, Rows, dict[int, bytes]]] | None:
        with contextlib.ExitStack() as ends:
            connections = [ends.enter_context(opened(file)) for file in files]
            if len({place(connection)[0] for connection in connections}) > 1:
                return None
        found = [snapshot(file) for file in files]
        return found if len({one[0][0] for one in found}) == 1 else None

    return eventually(look, seconds)  # type: ignore[no-any-return]


def difference_problems(files: Sequence[Path]) -> list[str]:
    """Whatever two nodes have differently."""
    try:
        first, *others = snapshots_of_one_place(files)
    except AssertionError:
        with contextlib.ExitStack() as ends:
            places = [place(ends.enter_context(opened(file)))[0] for file in files]
        return [f"the nodes do not come to one place: {places}"]
    return [problem for file, other in zip(files[1:], others, strict=True) for problem in _compare(first, other, file)]


def _compare(first: tuple[Any, Rows, Any], other: tuple[Any, Rows, Any], file: Path) -> Iterator[str]:
    if first[0] != other[0]:
        yield f"{file.name} has another hash at record {first[0][0]}"
    for position in first[2].keys() & other[2].keys():
        if first[2][position] != other[2][position]:
            yield f"{file.name} has another hash at record {position}"
            break
    if first[1].keys() != other[1].keys():
        yield f"{file.name} has other tables: {sorted(first[1].keys() ^ other[1].keys())}"
    for table in first[1].keys() & other[1].keys():
        ours, theirs = Counter(map(repr, first[1][table])), Counter(map(repr, other[1][table]))
        if ours != theirs:
            lacks, has = list((ours - theirs).elements()), list((theirs - ours).elements())
            yield f"{file.name}, table {table}: lacks {lacks[:2]} ({len(lacks)}), has {has[:2]} ({len(has)})"


def log_problems(file: Path, history: History) -> list[str]:
    """What a file has otherwise than it was answered."""
    try:
        assert_log_is_sound(file)
    except AssertionError as error:
        return [f"{file.name}: {error}"]
    events = read_log(file)
    problems = list(history.wrong)
    ids: dict[str, list[int]] = {}
    for event in events:
        if "operacion_id" in event and event["tipo"] != "acuse_recibo":
            ids.setdefault(event["operacion_id"], []).append(event["id"])
    keys = {event["id"]: event.get("operacion_id") for event in events}
    for answered in history.answered:
        # Of what a step is followed by, only its first event has the key.
        found = [keys.get(event_id, "nothing") for event_id in answered.ids]
        if found != [*answered.keys, *[None] * (len(found) - len(answered.keys))]:
            problems.append(f"{file.name}: {answered.key} was answered by {answered.ids}, where {found} stands")
    problems += [f"{file.name}: {problem}" for problem in _doubled(events, ids, history.answered)]
    problems += [f"{file.name}: {problem}" for problem in order_problems(history.answered)]
    problems += [f"{file.name}: {problem}" for problem in stock_problems(file, history)]
    return problems


def _doubled(events: Sequence[Json], ids: dict[str, list[int]], answered: Iterable[Answered]) -> Iterator[str]:
    known = {key: set(one.ids) for one in answered for key in one.keys}
    for key, found in ids.items():
        may = known.get(key)
        if may is not None and not set(found) <= may:
            yield f"{key} was answered by {sorted(may)}, and stands in {found}"
        if may is None and len(found) > 1:
            yield f"{key} stands in {found}"
    receipts = Counter((event["evento_id"], event["entendido"]) for event in events if event["tipo"] == "acuse_recibo")
    yield from (f"{number} receipts of event {which}" for which, number in receipts.items() if number > 1)
    placed = [event for event in events if event["tipo"] == "nuevo_pedido" and event["pedido_id"] >= OWN_ORDERS]
    numbers = Counter((event["pedido"]["numero"], event["timestamp"][:10]) for event in placed)
    yield from (f"{number} orders of the number {which}" for which, number in numbers.items() if number > 1)
    versions = Counter((event["pedido_id"], event["version"]) for event in events if "version" in event)
    yield from (f"{number} events of order and version {which}" for which, number in versions.items() if number > 1)


def order_problems(answered: Iterable[Answered]) -> Iterator[str]:
    """What was asked for after something else had been answered stands behind it."""
    highest: list[tuple[float, int, str]] = []  # of those that had ended until then: ended, its greatest id, its key
    top = (0, "")
    for one in sorted(answered, key=lambda one: one.ended):
        top = max(top, (max(one.ids), one.key))
        highest.append((one.ended, *top))
    ends = [entry[0] for entry in highest]
    for one in answered:
        before = bisect_left(ends, one.began)
        if before and highest[before - 1][1] > min(one.ids):
            yield f"{one.key} stands before {highest[before - 1][2]}, which was answered before it was asked for"


def stock_problems(file: Path, history: History) -> Iterator[str]:
    """As many dishes have gone as were sold, and nobody was refused one that was there."""
    with opened(file) as connection:
        left = dict(connection.execute("SELECT id, stock FROM products"))
        sold = dict(
            connection.execute(
                "SELECT json_extract(data, '$.items[0].producto_id'), count(*) FROM orders WHERE id >= ? GROUP BY 1",
                (OWN_ORDERS,),
            )
        )
    for dish, all_of_it in ((1, STOCK), (2, SCARCE)):
        if left[dish] != all_of_it - sold.get(dish, 0):
            yield f"{all_of_it} of dish {dish}: {sold.get(dish, 0)} sold and {left[dish]} left"
    if left[2] < 0 or sold.get(2, 0) < history.sold:
        yield f"{history.sold} orders of the scarce dish were answered, {sold.get(2, 0)} are there, {left[2]} left"
    if history.refused and left[2] > 0:
        yield f"{history.refused[:3]} were refused a dish of which {left[2]} are left"


def reader_problems(file: Path, tablets: Sequence[Hopper]) -> list[str]:
    """What a reader lacks, had twice, out of order or otherwise than it is in the log."""
    events = read_log(file)
    written = {event["id"]: what(event) for event in events}
    problems = []
    with opened(file) as connection:
        follows = connection.execute("SELECT client, order_id, after_id FROM subscriptions").fetchall()
    for tablet in tablets:
        tablet.follows_after = {order: after for client, order, after in follows if client == tablet.client}
        problems += [
            f"{tablet.name} follows {order} after {cursor}, in the log after {tablet.follows_after.get(order)}"
            for order, cursor in tablet.followed.items()
            if tablet.follows_after.get(order, cursor + 1) > cursor
        ]
        problems += tablet.reading_problems(events)
        others = [event_id for event_id, read in tablet.seen.copy().items() if written.get(event_id, read) != read]
        problems += [f"{tablet.name} has read events {others[:5]} otherwise than they are"] if others else []
        handled = tablet.handled
        problems += [f"{tablet.name} read {a} before {b}" for a, b in pairwise(handled) if a >= b]
    return problems
