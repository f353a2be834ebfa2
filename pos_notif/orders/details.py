"""Whose order it is and where it goes: its table, its guest, its waiter, as those who publish say it (docs/protocol.md,
section 3).

Publishers repeat in each event what they once knew, and people move guests meanwhile. So what counts is what differs
from what the same publisher said last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

# What says that an event changes one of them, with what it was before: the service alone writes it.
TABLE_BEFORE = "mesa_anterior"
BEFORE = {"cliente_nombre": "cliente_anterior", "mesero": "mesero_anterior"}
# A table is its number and its name together: who says one of them alone means that there is no other.
TABLE = ("mesa_numero", "mesa")
NAMES = tuple(BEFORE)
_SAID = (*TABLE, *NAMES)


def said_in(sent: Mapping[str, Any]) -> Json:
    """Returns what a publisher says of these; null and a blank text say nothing."""
    said = {
        name: value
        for name in _SAID
        if (value := sent.get(name)) is not None and (isinstance(value, int) or str(value).strip())
    }
    if "mesa" in said:
        said["mesa"] = str(said["mesa"]).strip()  # a table that is called 7 is sent as a number too
    return said


def news_in(said: Json, last: Mapping[str, Any], *, moves: bool) -> Json:
    """Returns what of it is not what the publisher said `last`; a table always where the event `moves` the order."""
    if not last:
        return said
    news = {name: said[name] for name in NAMES if name in said and said[name] != last.get(name)}
    table = {name: said[name] for name in TABLE if name in said}
    return {**table, **news} if moves or any(last.get(name) != value for name, value in table.items()) else news


def remembered(news: Json, before: Mapping[str, Any]) -> Json:
    """Returns what the publisher has said last once it has said this too, after what it had said `before`."""
    if not before:
        return news
    moved = any(name in news for name in TABLE)
    return {**{name: value for name, value in before.items() if not (moved and name in TABLE)}, **news}


def after_news(known: Mapping[str, Any], news: Json) -> Json:
    """Returns the four of them as the order has them once it has heard the news; None for what is not known."""
    if not known:
        return {name: news.get(name) for name in _SAID}
    after = {name: news.get(name, known.get(name)) for name in NAMES}
    before = _table(known)
    moved = any([name in news and before[name] != news[name] for name in TABLE])
    return after | ({name: news.get(name) for name in TABLE} if moved else before)


def changes(known: Mapping[str, Any], after: Json, *, moves: bool) -> Json:
    """Returns the fields that say what the event changes, with what was before; `moves` says that it is an event of
    that. What the order did not know it learns without them, but for a table's name."""
    marks = {
        before: known[name]
        for name, before in BEFORE.items()
        if known.get(name) is not None and known[name] != after[name]
    }
    changed = any(value != after[name] for name, value in _table(known).items())
    if moves or (changed and (table_of(known) is not None or after["mesa"] is not None)):
        return {TABLE_BEFORE: table_of(known), **marks}
    return marks


def table_of(pedido: Mapping[str, Any]) -> str | int | None:
    """Returns what people call the order's table: its name, else its number."""
    number, name = _table(pedido).values()
    called: str | int | None = number if name is None else name
    return called


def _table(pedido: Mapping[str, Any]) -> Json:
    """Returns the order's table. A name that an earlier version has kept unchecked may be anything: what is no text is
    none."""
    name = pedido.get("mesa")
    return {"mesa_numero": pedido.get("mesa_numero"), "mesa": name if isinstance(name, str) and name else None}
