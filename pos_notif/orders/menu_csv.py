"""The menu as CSV: read from whatever a spreadsheet makes of it, and written so that it reads back unchanged.

Nothing is guessed that could be wrong by a factor of a thousand or show a guest a damaged name: what can be read in two
ways is a fault, named by its row as the spreadsheet numbers it.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..wire.csv_cells import BYTE_ORDER_MARK, guarded, unguarded
from ..wire.json_limits import MAX_ID
from .menu import MAX_MONEY, MAX_NAME, MAX_STOCK, Product
from .menu_faults import (
    AVAILABLE,
    CATEGORY,
    COLUMNS,
    HIDDEN,
    MAX_ROWS,
    MINIMUM,
    NAME,
    POS_ID,
    PRICE,
    STOCK,
    Fault,
)

Json = dict[str, Any]

MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says of a dish, by column: what stands there, None for none; what it does not say is not there."""

    number: int
    said: Mapping[str, Any]


@dataclass(slots=True)
class MenuFile:
    """The sound rows of a file, and what is wrong with it."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class _Refused(Exception):
    """The file, or the rest of it, cannot be read."""

    def __init__(self, problem: str, row: int | None = None, found: str = "") -> None:
        self.fault = Fault(row, None, problem, found)
        super().__init__(problem)


def read_menu(content: bytes) -> MenuFile:
    """Reads a file of at most MAX_BYTES."""
    file = MenuFile()
    try:
        text, guessed = _decode(content)
        _read_rows(text, guessed, file)
    except _Refused as refused:
        file.faults.append(refused.fault)
    return file


def _decode(content: bytes) -> tuple[str, bool]:
    """Returns the text, and whether its encoding is a guess."""
    if not content.strip():
        raise _Refused("empty")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):  # .xlsx and .ods, .xls
        raise _Refused("spreadsheet")
    guessed = False
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # "Unicode text" of a spreadsheet
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text, guessed = content.decode("cp1252"), True
        except UnicodeDecodeError:
            raise _Refused("binary" if b"\0" in content else "encoding") from None
    if "\0" in text:  # UTF-16 without its mark, an image, a database
        raise _Refused("binary")
    if not text.strip():
        raise _Refused("empty")
    return text, guessed


def _read_rows(text: str, guessed: bool, file: MenuFile) -> None:
    marked = _SEPARATOR_LINE.match(text)  # which Excel takes for itself
    if marked is not None:
        text = text[marked.end() :]
    rows = _numbered(text, _separator(text))
    head_row, head = next(rows, (1, []))
    if guessed:
        _check_letters(head_row, head)
    columns = _columns(head_row, head, file.faults)
    if file.faults:
        return
    ids: dict[int, int] = {}
    for count, (number, cells) in enumerate(rows, 1):
        if count > MAX_ROWS:
            raise _Refused("rows", number)
        if guessed:
            _check_letters(number, cells)
        said, faults = _read_row(number, cells, columns)
        pos_id = said.get(POS_ID)
        if pos_id is not None:
            if pos_id in ids:
                faults.append(Fault(number, POS_ID, "id_twice", str(ids[pos_id])))
            ids.setdefault(pos_id, number)
        if not faults:
            file.rows.append(Row(number, said))
        file.faults += faults


_SEPARATOR_LINE = re.compile(r'"?sep=.?"?\r?\n', re.IGNORECASE)
_SEPARATORS = (";", ",", "\t")


def _separator(text: str) -> str:
    """Returns by which separator the head has the most names of columns."""

    def known(separator: str) -> int:
        try:
            _, head = next(_numbered(text, separator), (1, []))
        except _Refused:
            return 0
        return sum(_word(cell) in COLUMNS for cell in head)

    return max(_SEPARATORS, key=known)


def _numbered(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows that are not blank, each with the number that it has in a spreadsheet."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, cells in enumerate(rows, 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise _Refused("long_cell" if "field limit" in str(error) else "quotes", number + 1) from None


def _check_letters(row: int, cells: list[str]) -> None:
    """Refuses what was neither Windows-1252 nor UTF-8: it would be read, and the names would be wrong."""
    for cell in cells:
        if _GARBLED.search(cell):
            raise _Refused("garbled", row, cell.strip()[:40])


_CONTINUED = re.escape(bytes(range(0x80, 0xC0)).decode("cp1252", "ignore"))
# UTF-8 of which a byte is damaged; and the letters with accents of MS-DOS (code page 850), as in "Caf‚".
_GARBLED = re.compile(rf"[ÂÃ][{_CONTINUED}]|(?<=[^\W\d_])[‚¡¢£¤¥]")


def _columns(row: int, head: list[str], faults: list[Fault]) -> list[str | None]:
    """Returns the column of each cell; None for one without a name: a separator at the end makes it, or a gap."""
    words = [_word(cell) for cell in head]
    if not any(word in COLUMNS for word in words):
        raise _Refused("head", row)
    for index, word in enumerate(words):
        if word not in COLUMNS and head[index].strip():
            faults.append(Fault(row, head[index].strip()[:40], "unknown"))
        elif word and word in words[:index]:
            faults.append(Fault(row, word, "twice"))
    if NAME not in words:
        faults.append(Fault(row, NAME, "missing"))
    return [word if word in COLUMNS else None for word in words]


def _word(text: str) -> str:
    """Returns a column's name or a word of a cell by which it is known: without case, accents, spaces and signs."""
    return re.sub(r"[\W_]+", "_", bare(text)).strip("_")


def bare(text: str) -> str:
    """Returns the text as names are compared: case, accents and the number of spaces do not matter."""
    letters = unicodedata.normalize("NFKD", one_line(text)).casefold()
    return "".join(letter for letter in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(letter))


def one_line(text: str) -> str:
    """Returns the text with single spaces alone: a name stands in one line on every screen."""
    return " ".join(text.split())


def _read_row(number: int, cells: list[str], columns: list[str | None]) -> tuple[Json, list[Fault]]:
    said: Json = {}
    faults: list[Fault] = []
    named = [cell for cell, column in zip(cells, columns, strict=False) if column is not None]
    if sum(bool(cell.strip()) for cell in cells) > sum(bool(cell.strip()) for cell in named):
        faults.append(Fault(number, None, "more_cells"))
    for column, cell in zip(columns, cells, strict=False):  # what a short row lacks, it does not say
        text = unguarded(cell.strip(_SPACES)).strip()
        if column is None or (not text and column not in _EMPTY_IS_NONE):
            continue
        try:
            said[column] = _READ[column](text) if text else None
        except _Wrong as wrong:
            faults.append(Fault(number, column, wrong.problem, text[:40]))
    if NAME not in said and not any(fault.column == NAME for fault in faults):
        faults.append(Fault(number, NAME, "missing"))
    return said, faults


_SPACES = " \u00a0"


class _Wrong(Exception):
    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


def _read_text(text: str) -> str:
    name = one_line(text)
    if len(name) > MAX_NAME:
        raise _Wrong("long")
    return name


def _number_up_to(most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        found = _NUMBER.fullmatch(text)
        if found is None:
            raise _Wrong("thousands" if _GROUPED.fullmatch(text) else "number")
        whole, decimals = found["whole"], found["decimals"]
        # "1.250" is one and a quarter here, and more than a thousand in the spreadsheet of the next table.
        if decimals is not None and len(decimals) == 3 and len(whole) <= 3 and whole[0] != "0":
            raise _Wrong("thousands")
        value = float(f"{whole}.{decimals or 0}")
        if found["minus"] and value:
            raise _Wrong("negative")
        if value > most:
            raise _Wrong("large")
        return value

    return read


_MONEY_SIGN = r"(?:(?:US)?\$|USD)?\s*"
_NUMBER = re.compile(rf"{_MONEY_SIGN}(?P<minus>[-−]?)(?P<whole>[0-9]+)(?:[.,](?P<decimals>[0-9]*))?")
_GROUPED = re.compile(rf"{_MONEY_SIGN}[-−]?[0-9]+(?:[.,’' \u00a0\u202f][0-9]+)+")


def _read_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and 1 <= int(text) <= MAX_ID):
        raise _Wrong("id")
    return int(text)


_YES = frozenset({"si", "s", "1", "x", "v", "true", "verdadero", "yes", "y"})
_NO = frozenset({"no", "n", "0", "f", "false", "falso"})


def _truth(yes: Iterable[str], no: Iterable[str]) -> Callable[[str], bool]:
    truths = {**dict.fromkeys((*_YES, *yes), True), **dict.fromkeys((*_NO, *no), False)}

    def read(text: str) -> bool:
        found = truths.get(_word(text))
        if found is None:
            raise _Wrong("truth")
        return found

    return read


# What is there of a dish may be none; its price, and whether there is some, may not: an empty cell leaves those.
_EMPTY_IS_NONE = frozenset({CATEGORY, STOCK, MINIMUM, POS_ID})
_READ: Mapping[str, Callable[[str], Any]] = {
    NAME: _read_text,
    CATEGORY: _read_text,
    PRICE: _number_up_to(MAX_MONEY),
    STOCK: _number_up_to(MAX_STOCK),
    MINIMUM: _number_up_to(MAX_STOCK),
    AVAILABLE: _truth(("hay", "disponible"), ("no_hay", "se_acabo", "acabado", "agotado")),
    HIDDEN: _truth(("oculto",), ("visible",)),
    POS_ID: _read_id,
}


def write_menu(products: Iterable[Product]) -> bytes:
    """Returns the menu as spreadsheets of these regions take it: with semicolons and decimal commas, texts that would
    be formulas guarded."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(COLUMNS)
    for product in products:
        told = product.json()
        writer.writerow([_cell(told[column]) for column in COLUMNS])
    return BYTE_ORDER_MARK + out.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "sí" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _decimal(value)
    return guarded(one_line(value))


def _decimal(value: float) -> str:
    """Returns the number with a decimal comma and all of its digits. Three decimals get a fourth: they would be taken
    for thousands."""
    whole, _, decimals = f"{Decimal(repr(value)):f}".partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) == 3:
        decimals += "0"
    return f"{whole},{decimals}" if decimals else whole
