"""Cells of CSV as spreadsheets take them: the mark that says UTF-8, and texts that must not be taken for formulas."""

from __future__ import annotations

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What a cell begins with that a spreadsheet reckons with.
FORMULA = frozenset("=+-@\t\r")


def guarded(text: str) -> str:
    """Returns the text with a leading `'` where a spreadsheet would reckon with it. One that has such a mark already
    gets another, so that `unguarded` gives back every text as it was."""
    return f"'{text}" if text.lstrip("'")[:1] in FORMULA else text


def unguarded(text: str) -> str:
    """Returns the text without the mark that `guarded` has given it."""
    return text[1:] if text[:1] == "'" and text.lstrip("'")[:1] in FORMULA else text
