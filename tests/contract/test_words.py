"""One list of types and one of states: every table that has one row for each has all its rows, and nobody spells them
anew. A type or a state that is added fails here for each table that lacks it, by the table's name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from pos_notif import events
from pos_notif.database.literals import literals
from pos_notif.history import filters
from pos_notif.orders import drafts

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pos_notif"
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text("utf-8")

# The wire's own words: the one place where they stand besides `events.py` and the contract.
STATES = ("pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado", "cancelado")
OF_ORDER = ("nuevo_pedido", "pedido_listo", "cambio_estado", "item_modificado", "pedido_cancelado", "cambio_mesa")
PUBLISHED = (*OF_ORDER, "alerta_stock")
TYPES = (*PUBLISHED, "acuse_recibo", "sin_acuse", "sin_pantalla", "pantalla_recuperada", "descarga", "poda")

# What each dictionary or `match` has a row for, by its file and its name or function. A new one says here which.
ROWS = {
    "events.STATE_WORD": STATES,
    "events.EVENT_NAME": TYPES,
    "events.TYPE_WORD": TYPES,
    "history.sentences._SAY": TYPES,
    "push.telling._TTL": {"pedido_listo", "sin_acuse", "sin_pantalla", "pantalla_recuperada", "alerta_stock"},
    "orders.drafts._SHAPES": PUBLISHED,
    "orders.completion._COMPLETE": OF_ORDER,
    "orders.state.apply": OF_ORDER,
    "orders.routing._table": OF_ORDER,
    "figures.counting.take": OF_ORDER,
    # A change of a line or of the table brings its order to no state.
    "history.csv_rows.new_state": set(OF_ORDER) - {"item_modificado", "cambio_mesa"},
    # Of a line: nothing else follows from its order's state.
    "orders.state._LINES_BEFORE": {"listo", "servido", "cancelado"},
    # A payment brings an order on from these two alone.
    "orders.actions._charge": {"pendiente_pago", "servido"},
    # An open order's next step; what is served is the last case.
    "demo.staff.next_step": set(STATES) - {"servido", "cerrado", "cancelado"},
    # What may be cancelled before it is ready.
    "demo.guests._cancel": {"pendiente_pago", "pagado", "en_mesa", "en_cocina"},
}
# A word that means something else where it stands: an action, a state of the service, a name, a sentence's word.
OTHERWISE = {
    ("orders.actions", "listo"),
    ("demo.staff", "listo"),
    ("web.health", "listo"),
    ("history.sentences", "listo"),
    ("delivery.downloads", "descarga"),
    ("web.log", "descarga"),
}
# A model says of its own field what it may hold, as the type checker wants it: in letters.
SPELLED = {("orders.drafts", kind) for kind in PUBLISHED}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@cache
def sources() -> dict[str, ast.Module]:
    return {module_name(path): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def word(node: ast.AST | None) -> str | None:
    """The type or state that an expression names, as `READY` or `events.READY`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "events":
        name = node.attr
    elif isinstance(node, ast.Name):
        name = node.id
    else:
        return None
    value = getattr(events, name, None)
    return value if isinstance(value, str) and value in (*TYPES, *STATES, *events.TYPES, *events.STATES) else None


def named(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every node below, with the name that is being bound or the function that it stands in."""
    waiting = [(node, "")]
    while waiting:
        above, name = waiting.pop()
        below = []
        for child in ast.iter_child_nodes(above):
            inner = name
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = child.name
            elif isinstance(child, ast.Assign | ast.AnnAssign) and not name:
                target = child.targets[0] if isinstance(child, ast.Assign) else child.target
                inner = ast.unparse(target)
            below.append((child, inner))
        yield from below
        waiting += reversed(below)


@cache
def tables() -> dict[str, list[str]]:
    """By file and name, the rows of every dictionary and `match` whose rows are types or states."""
    found: dict[str, list[str]] = {}
    for module, tree in sources().items():
        for node, name in named(tree):
            words: list[str | None] = []
            if isinstance(node, ast.Dict) and len(node.keys) > 1:
                words = [word(key) for key in node.keys]
            elif isinstance(node, ast.Match):
                patterns = [inner for case in node.cases for inner in ast.walk(case.pattern)]
                words = [word(inner.value) for inner in patterns if isinstance(inner, ast.MatchValue)]
            rows = [row for row in words if row is not None]
            if rows and len(rows) == len(words):
                found[f"{module}.{name}"] = rows
    return found


def test_the_lists_are_those_of_the_wire():
    assert events.STATES == STATES
    assert events.TYPES == TYPES
    assert events.PUBLISHABLE == PUBLISHED
    assert events.ORDER_TYPES == OF_ORDER


def test_every_table_of_types_or_states_is_known_here():
    assert sorted(tables()) == sorted(ROWS)


@pytest.mark.parametrize("table", sorted(ROWS))
def test_every_row_of(table: str):
    known = {STATES: events.STATES, TYPES: events.TYPES, PUBLISHED: events.PUBLISHABLE, OF_ORDER: events.ORDER_TYPES}
    wanted = ROWS[table]
    expected = set(known[wanted] if isinstance(wanted, tuple) else wanted)
    rows = set(tables().get(table, ()))
    assert rows == expected, f"{table}: no row for {sorted(expected - rows)}, none wanted for {sorted(rows - expected)}"


def test_every_type_and_state_has_a_word():
    assert all(events.STATE_WORD.values())
    assert all(events.TYPE_WORD.values())
    assert set(events.EVENT_NAME.values()) == {"evento_pedido", "evento_alerta", "evento_sistema"}


def test_every_open_state_is_a_step_before_the_order_is_over():
    assert events.OVER == ("cerrado", "cancelado")
    assert (*events.OPEN, *events.OVER) == events.STATES
    assert events.TO_COOK == ("pagado", "en_mesa", "en_cocina")


def test_every_publishable_type_has_a_shape_of_its_own():
    for kind, shape in drafts._SHAPES.items():
        assert get_args(get_type_hints(shape)["tipo"]) == (kind,)
    union = get_args(drafts.Draft)[0]
    assert set(get_args(union)) == set(drafts._SHAPES.values())


def test_a_state_that_may_be_sent_is_one_of_the_list():
    assert get_args(drafts.OrderState) == STATES
    assert get_args(drafts.FirstState) == ("pendiente_pago", "pagado", "en_mesa")
    assert get_args(drafts.LineState) == ("pendiente", "listo", "servido", "cancelado")


def test_the_filter_by_state_reads_it_from_every_type_that_brings_one():
    told = set(re.findall(r"WHEN '(\w+)'", filters._STATE))
    assert told == set(events.ORDER_TYPES) - {"item_modificado", "cambio_mesa"}


def test_the_indexes_on_some_types_alone_are_those_that_are_asked_for():
    schema = (ROOT / "schema.sql").read_text("utf-8")
    assert f"WHERE type IN ({literals(events.ALARMS)})" in schema
    assert f"WHERE type = {literals([events.PRUNING])}" in schema


def test_nobody_spells_a_type_or_a_state():
    """In SQL too, but in the migrations: those are what was."""
    spelled = re.compile("|".join(f"'{each}'" for each in (*events.TYPES, *events.STATES)))
    found = set()
    for module, tree in sources().items():
        if module in ("events", "database.migrations"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node.value in (*events.TYPES, *events.STATES):
                    found.add((module, node.value))
                found |= {(module, text) for text in spelled.findall(node.value)}
    assert found - OTHERWISE - SPELLED == set()


# The reference


def section(number: int) -> str:
    return PROTOCOL.split(f"\n## {number}. ", 1)[1].split("\n## ", 1)[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| (.*?) \|", text, re.MULTILINE)


def words_in(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", text)


def test_the_reference_routes_every_published_type():
    table = section(3).split("### Which event goes where", 1)[1]
    assert {words_in(cell)[0] for cell in first_cells(table) if words_in(cell)} == set(events.PUBLISHABLE)


def test_the_reference_lists_every_reserved_type():
    reserved = section(3).split("`evento_sistema` and its types", 1)[1].split("reserved", 1)[0]
    assert words_in(reserved) == [kind for kind in events.TYPES if events.EVENT_NAME[kind] == "evento_sistema"]


def test_the_reference_lists_every_state_in_its_order():
    row = re.search(r"^\| `estado` \| (.*) \|$", section(9), re.MULTILINE)
    assert row is not None
    assert words_in(row[1]) == list(events.STATES)


def test_the_glossary_has_every_type_and_state():
    glossary = [each for cell in first_cells(section(16)) for each in words_in(cell)]
    assert [each for each in (*events.TYPES, *events.STATES) if each not in glossary] == []
