"""Words of the wire in a statement's text: for lists of them, and where an index on some rows alone is to be used."""

from __future__ import annotations

from collections.abc import Iterable


def literals(words: Iterable[str]) -> str:
    """`'a', 'b'`: SQLite uses an index on `WHERE type = 'a'` for no parameter, whatever its value is."""
    return ", ".join(f"'{word}'" for word in words)
