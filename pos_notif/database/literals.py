"""Writes words of the wire into a statement's text, where it lists them or is to use an index on some rows alone."""

from __future__ import annotations

from collections.abc import Iterable


def literals(words: Iterable[str]) -> str:
    """Returns `'a', 'b'`: SQLite uses an index on `WHERE type = 'a'` for no parameter, whatever its value is."""
    return ", ".join(f"'{word}'" for word in words)
