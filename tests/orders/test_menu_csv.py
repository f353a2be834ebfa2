"""The menu as CSV: whatever a spreadsheet makes of it is read, or refused by its row."""

from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pos_notif.orders.menu import MAX_STOCK, Product
from pos_notif.orders.menu_changes import MenuChanges, menu_changes
from pos_notif.orders.menu_csv import bare, read_menu, write_menu
from pos_notif.orders.menu_faults import COLUMNS, MAX_ROWS

HEAD = ";".join(COLUMNS)


def said(content: str | bytes) -> list[dict]:
    """What the rows of a sound file say."""
    file = read_menu(content.encode() if isinstance(content, str) else content)
    assert file.faults == []
    return [dict(row.said) for row in file.rows]


def faults(content: str | bytes) -> list[tuple[int | None, str | None, str]]:
    file = read_menu(content.encode() if isinstance(content, str) else content)
    return [(fault.row, fault.column, fault.problem) for fault in file.faults]


def price_of(text: str) -> float | str:
    """The price, or what is wrong with it."""
    file = read_menu(f'nombre;precio\nFlan;"{text}"'.encode())
    return file.faults[0].problem if file.faults else file.rows[0].said["precio"]


# The whole of it


def test_a_row_says_what_stands_in_its_cells():
    text = f"{HEAD}\r\nFlan;Postres;2,50;8;1,5;sí;no;7\r\nAgua;;1.00;;;se acabó;x;\r\n"
    assert said(text) == [
        {
            "nombre": "Flan", "categoria": "Postres", "precio": 2.5, "stock_actual": 8.0, "stock_minimo": 1.5,
            "disponible": True, "oculto": False, "id_pos": 7,
        },
        {
            "nombre": "Agua", "categoria": None, "precio": 1.0, "stock_actual": None, "stock_minimo": None,
            "disponible": False, "oculto": True, "id_pos": None,
        },
    ]  # fmt: skip


def test_an_empty_cell_is_none_where_there_may_be_none_and_else_says_nothing():
    assert said(f"{HEAD}\nFlan;;;;;;;\n") == [
        {"nombre": "Flan", "categoria": None, "stock_actual": None, "stock_minimo": None, "id_pos": None}
    ]
    assert said(f"{HEAD}\nFlan;Postres\n") == [{"nombre": "Flan", "categoria": "Postres"}]  # a short row


@pytest.mark.parametrize(
    "head",
    [
        "nombre;precio",
        "Precio;NOMBRE",
        '"Nombre "; precio ',
        "Nombre,Précio",
        "nombre\tprecio",
        "sep=;\r\nnombre;precio",
    ],
)
def test_the_head_is_known_however_it_is_written_and_says_the_separator(head):
    separator = next(mark for mark in "\t,;" if mark in head)
    names = head.split("\n")[-1].split(separator)
    cells = ["2.5", "Flan"] if names[0].startswith("P") else ["Flan", "2.5"]
    assert said(f"{head}\n{separator.join(cells)}\n") == [{"nombre": "Flan", "precio": 2.5}]


def test_columns_have_spaces_and_accents():
    text = "Nombre;Categoría;Stock actual;STOCK-MÍNIMO;Id. POS\nFlan;Postres;1;2;3"
    assert list(said(text)[0]) == ["nombre", "categoria", "stock_actual", "stock_minimo", "id_pos"]


def test_rows_are_numbered_as_a_spreadsheet_does():
    text = '\n\nnombre;precio;;\n"Flan\nde coco";2;;\n;;;\n\n"sin\r\nprecio";dos;;\n'
    file = read_menu(text.encode())
    assert [(row.number, row.said["nombre"]) for row in file.rows] == [(4, "Flan de coco")]
    assert [(fault.row, fault.column) for fault in file.faults] == [(7, "precio")]


@pytest.mark.parametrize("content", ["", " \r\n", "﻿", b"\xff\xfe"])
def test_an_empty_file_is_said_to_be_one(content):
    assert faults(content) == [(None, None, "empty")]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"PK\x03\x04\x14\x00xl/workbook.xml", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
        (b"SQLite format 3\x00nombre;precio", "binary"),
        ("nombre;precio".encode("utf-16-le"), "binary"),
        ("nombre;precio".encode("utf-32"), "binary"),
        (b"nombre;precio\nFlan\x81;2", "encoding"),
    ],
)
def test_what_is_no_csv_is_refused_in_as_many_words(content, fault):
    assert faults(content) == [(None, None, fault)]


def test_only_a_head_changes_nothing():
    assert said("nombre;precio\n") == []


# Letters

TEXT = "nombre;categoria\nPiña «Ñandú»;Café – 1ª\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_encoding_of_a_spreadsheet_is_read(encoding):
    assert said(TEXT.encode(encoding)) == [{"nombre": "Piña «Ñandú»", "categoria": "Café – 1ª"}]


@pytest.mark.parametrize("name", ["Café", "Té frío", "Jamón", "Piña"])
def test_letters_of_ms_dos_are_refused_and_not_shown_to_guests(name):
    assert faults(f"nombre\nFlan\n{name}\n".encode("cp850")) == [(3, None, "garbled")]


def test_one_byte_of_another_encoding_does_not_spoil_all_names():
    assert faults("nombre\nFlan\nPiña\n".encode() + "Té\n".encode("cp1252")) == [(3, None, "garbled")]


def test_what_is_usual_in_windows_is_no_damage():
    names = ["D’Onofrio", "Año 50’s", "½ pollo", "Menú £5", "A–B", "¿Qué?", "Crème brûlée", "“Especial”"]
    assert [row["nombre"] for row in said("\n".join(["nombre", *names]).encode("cp1252"))] == names


# Numbers


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("2", 2.0), ("2.5", 2.5), ("2,50", 2.5), ("2,", 2.0), ("0", 0.0), ("0,125", 0.125), ("1250", 1250.0),
        ("1250,75", 1250.75), ("1234,125", 1234.125), ("1,1250", 1.125), ("$2.50", 2.5), ("US$ 2,50", 2.5),
        (" 2 ", 2.0),
    ],
)  # fmt: skip
def test_a_decimal_comma_or_point(text, price):
    assert price_of(text) == price


@pytest.mark.parametrize("text", ["1.250", "1,250", "1.250,00", "1,250.00", "1 250", "1'250", "1.250.000", "$1,250"])
def test_a_separator_of_thousands_is_not_guessed_at(text):
    assert price_of(text) == "thousands"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dos", "number"), ("2,5O", "number"), ("=1+1", "number"), ("1e3", "number"), ("nan", "number"),
        ("inf", "number"), ("٢", "number"), (".5", "number"), ("2.5 0", "thousands"), ("-1", "negative"),
        ("−0,5", "negative"), ("1" * 400, "large"), ("1000000000001", "large"), (",", "number"),
    ],
)  # fmt: skip
def test_what_is_no_price_is_said(text, problem):
    assert price_of(text) == problem


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "9007199254740992", "1e3", "x", "²", "9" * 5000])
def test_an_id_is_a_whole_number(text):
    assert faults(f"nombre;id_pos\nFlan;{text}") == [(2, "id_pos", "id")]


def test_an_id_may_have_zeros_before_it():
    assert said("nombre;id_pos\nFlan;0012\nAgua;9007199254740991") == [
        {"nombre": "Flan", "id_pos": 12}, {"nombre": "Agua", "id_pos": 2**53 - 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, True) for word in ("sí", "SI", "s", "1", "x", "X", "true", "VERDADERO", "yes", "hay", " Hay ")),
        *((word, False) for word in ("no", "No", "0", "false", "FALSO", "se acabó", "Se  acabo", "agotado", "no hay")),
    ],
)
def test_there_is_some_or_not_in_many_words(word, value):
    assert said(f"nombre;disponible\nFlan;{word}")[0]["disponible"] is value


def test_a_word_that_is_neither_is_a_fault():
    assert faults("nombre;disponible;oculto\nFlan;quizás;hay") == [(2, "disponible", "truth"), (2, "oculto", "truth")]


# Faults


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Flan;2,50\nAgua;1", (1, None, "head")),
        ("precio;categoria\n1;x", (1, "nombre", "missing")),
        ("nombre;precio;color\nFlan;1;rojo", (1, "color", "unknown")),
        ("nombre;precio;Precio\nFlan;1;2", (1, "precio", "twice")),
        ("nombre;precio\n;2", (2, "nombre", "missing")),
        ("nombre;precio\n=;2\n\t;3", (3, "nombre", "missing")),
        ("nombre,categoria\nArroz, frijoles,Platos", (2, None, "more_cells")),
        ("nombre;;precio\nFlan;y;2", (2, None, "more_cells")),
        ('nombre;precio\nFlan;1\n"Agua;2\nTé;3\n', (3, None, "quotes")),
        ('nombre;precio\n"Flan" de coco;1\n', (2, None, "quotes")),
        (f"nombre;precio\n{'x' * 201};1", (2, "nombre", "long")),
        (f"nombre;precio\n{'x' * 200_000};1", (2, None, "long_cell")),
        ("nombre;id_pos\nFlan;7\nAgua;8\nTé;07", (4, "id_pos", "id_twice")),
    ],
)
def test_a_fault_is_named_by_its_row_and_column(content, expected):
    assert faults(content) == [expected]


def test_every_fault_of_a_row_is_told_at_once():
    assert faults(f"{HEAD}\n;;dos;-1;x;q;z;0;w") == [
        (2, None, "more_cells"), (2, "precio", "number"), (2, "stock_actual", "negative"),
        (2, "stock_minimo", "number"),
        (2, "disponible", "truth"), (2, "oculto", "truth"), (2, "id_pos", "id"), (2, "nombre", "missing"),
    ]  # fmt: skip


def test_as_many_dishes_as_there_may_be_and_one_more():
    rows = "".join(f"Plato {number}\n" for number in range(MAX_ROWS))
    assert len(said("nombre\n" + rows)) == MAX_ROWS
    assert faults("nombre\n" + rows + "\nuno más") == [(MAX_ROWS + 3, None, "rows")]


def test_every_fault_has_its_sentence_in_both_languages():
    file = read_menu(f"{HEAD}\n;;dos;1.250;x;q;z;0;w\nFlan;;-2;;;;;5\nAgua;;;;;;;5".encode())
    assert len(file.faults) == 10
    for fault in file.faults:
        assert "{" not in fault.spanish + fault.english
        assert fault.json() == {"fila": fault.row, "columna": fault.column, "mensaje": fault.spanish}
    assert (file.faults[1].spanish, file.faults[1].english) == ("no es un número: dos", "is no number: dos")


# There and back

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
names = texts.map(str.strip).filter(bool)
stocks = st.one_of(st.none(), st.floats(0, MAX_STOCK), st.integers(0, 20).map(float), st.just(2.125))
prices = st.one_of(st.floats(0, 1e12), st.sampled_from([0.75, 1.125, 1250.0, 1e-7, 12.3456, 999.999]))


@st.composite
def menus(draw, called=names) -> list[Product]:
    """Menus as people may have made them by hand: of these names, of which some may be there twice."""
    found = []
    kinds = st.tuples(called, st.one_of(st.none(), texts), prices, stocks, stocks, st.booleans(), st.booleans())
    for number, fields in enumerate(draw(st.lists(kinds, max_size=6)), 1):
        name, category, price, stock, minimum, available, hidden = fields
        pos_id = draw(st.one_of(st.none(), st.just(number * 7)))
        product = Product(number, name, category, price, None, minimum, True, pos_id, hidden).with_stock(stock)
        found.append(product.marked(available))
    return [product for product in found if product.name.split()]


def told_apart(menu: list[Product]) -> bool:
    keys = [bare(product.name) for product in menu]
    return len(set(keys)) == len(keys)


@given(menus(st.one_of(names, st.sampled_from(["Yuca", "yuca", "YUCA ", "Flan"]))))
@example([Product(number, "Yuca", None, 1.0, None, None, True) for number in (1, 2)])
def test_an_exported_menu_changes_nothing(menu):
    changes = menu_changes(menu, read_menu(write_menu(menu)), last_id=99)
    assert (changes.faults, changes.changes, changes.same) == ([], [], len(menu))


def test_of_two_dishes_of_one_name_the_other_is_found_where_one_is_as_it_was():
    menu = [Product(1, "Yuca", None, 2.0, None, None, True), Product(2, "Yuca", None, 3.0, None, None, True)]
    changes = menu_changes(menu, read_menu(b"nombre;precio\nYuca;3,50\nYuca;2"), last_id=2)
    assert [(change.row, change.before.id, change.after.price) for change in changes.changes] == [(2, 2, 3.5)]
    # Where neither is, nobody can say which is meant.
    for rows in ("Yuca;4", "Yuca;4\nYuca;5"):
        found = menu_changes(menu, read_menu(f"nombre;precio\n{rows}".encode()), last_id=2)
        assert {fault.problem for fault in found.faults} == {"ambiguous"}


@pytest.mark.parametrize(
    "text", ["=1+1", "'=1+1", "''-2", "+Flan", "@casa", "-", "'x", "'", " '=x", "\t=x", "a\n=b", '"']
)
def test_a_formula_stays_the_text_that_it_is(text):
    menu = [Product(1, text.strip(), text, 1.0, None, None, True)]
    written = write_menu(menu)
    cells = next(csv.reader(io.StringIO(written.decode().split("\r\n", 1)[1], newline=""), delimiter=";"))
    assert not set(cells[0][0] + cells[1][0]) & set("=+-@\t\r")
    changes = menu_changes(menu, read_menu(written), last_id=1)
    assert (changes.faults, changes.changes) == ([], [])


@given(menus().filter(told_apart), st.sampled_from([",", ";"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_menu_that_was_imported_is_the_file(menu, separator, encoding):
    """In an empty service, and again: the second time changes nothing."""
    rows = csv.reader(io.StringIO(write_menu(menu).decode("utf-8-sig"), newline=""), delimiter=";")
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    file = read_menu(out.getvalue().encode(encoding))
    first = menu_changes([], file, last_id=0)
    assert (first.faults, first.new) == ([], len(menu))
    made = [change.after for change in first.changes]
    assert [product.price for product in made] == [product.price for product in menu]
    assert all(math.isfinite(product.price) for product in made)
    assert menu_changes(made, file, last_id=len(made)).changes == []


@given(st.binary(max_size=300))
def test_no_bytes_are_beyond_it(content):
    for start in (b"", b"nombre;precio;id_pos\n"):
        file = read_menu(start + content)
        assert all(fault.spanish and fault.english for fault in file.faults)


# Which dish a row is


def dish(number: int, name: str, pos_id: int | None = None, **fields) -> Product:
    return Product(number, name, None, 1.0, None, None, True, pos_id, **fields)


def changed(menu: list[Product], text: str) -> MenuChanges:
    return menu_changes(menu, read_menu(text.encode()), last_id=len(menu))


def told(found: MenuChanges) -> list[tuple[int, int | None, str, int | None]]:
    """Row, id of the dish before, its name and POS id after."""
    assert found.faults == []
    return [(one.row, one.before and one.before.id, one.after.name, one.after.pos_id) for one in found.changes]


def test_a_row_is_found_by_its_id_of_the_pos_and_else_by_its_name():
    menu = [dish(1, "Flan", 10), dish(2, "Agua"), dish(3, "Té")]
    text = "nombre;precio;id_pos\nFlan de coco;1;10\nAgua;1;11\nTé;1;\nCafé;1;12"
    assert told(changed(menu, text)) == [(2, 1, "Flan de coco", 10), (3, 2, "Agua", 11), (5, None, "Café", 12)]


def test_names_are_compared_without_case_accents_and_spaces_and_take_the_file_s_spelling():
    menu = [dish(1, "PUPUSA  de  piña"), dish(2, "Te"), dish(3, "Té")]
    assert told(changed(menu, "nombre;precio\nPupusa de Pina;1\nTé;1\nTe;1")) == [(2, 1, "Pupusa de Pina", None)]


def test_two_dishes_swap_what_the_pos_calls_them():
    menu = [dish(1, "Flan", 10), dish(2, "Agua", 20)]
    found = changed(menu, "nombre;id_pos\nFlan;20\nAgua;10")
    assert told(found) == [(2, 2, "Flan", 20), (3, 1, "Agua", 10)]  # the id is which dish it is


def test_a_dish_of_the_same_name_is_another_one_where_the_pos_says_so():
    found = changed([dish(1, "Coca", 10)], "nombre;precio;id_pos\nCoca;1;10\nCoca;2;11")
    assert told(found) == [(3, None, "Coca", 11)]
    assert found.same == 1


@pytest.mark.parametrize(
    ("menu", "text", "fault"),
    [
        ([], "nombre;precio\nFlan;1\nflán;2", (3, "nombre", "name_twice")),
        ([dish(1, "Flan")], "nombre;precio\nFlan;1\nFLAN;2", (3, "nombre", "name_twice")),
        ([dish(1, "Flan")], "nombre\nFlan\nFlan", (3, "nombre", "name_twice")),
        ([dish(1, "Té")], "nombre;precio\nTe;1\nTé;1", (2, "nombre", "name_taken")),
        ([dish(1, "Flan"), dish(2, "Flan")], "nombre;precio\nFlan;7", (2, "nombre", "ambiguous")),
        ([dish(1, "Flan", 10), dish(2, "Agua")], "nombre;id_pos\nAgua;10", (2, "nombre", "name_taken")),
        ([], "nombre\nFlan", (2, "precio", "missing")),
        ([], "nombre;precio\nFlan;", (2, "precio", "missing")),
    ],
)  # fmt: skip
def test_dishes_that_nobody_could_tell_apart_are_a_fault(menu, text, fault):
    found = changed(menu, text)
    assert [(one.row, one.column, one.problem) for one in found.faults][:1] == [fault]


def test_a_column_that_is_not_there_leaves_what_there_is():
    menu = [dish(1, "Flan", 7, hidden=True).with_stock(3)]
    (change,) = changed(menu, "nombre;precio\nFlan;2").changes
    assert change.old_values == {"precio": 1.0}
    assert change.after == Product(1, "Flan", None, 2.0, 3, None, True, 7, True)


def test_stock_and_whether_there_is_some_go_by_the_rules_of_changes_by_hand():
    menu = [dish(1, "Flan").with_stock(0)]
    (change,) = changed(menu, "nombre;stock_actual\nFlan;4").changes
    assert (change.after.stock, change.after.available) == (4, True)
    (change,) = changed(menu, "nombre;disponible\nFlan;sí").changes
    assert (change.after.stock, change.after.available) == (None, True)


def test_the_fingerprint_is_of_the_changes_and_of_what_they_change():
    menu, text = [dish(1, "Flan"), dish(2, "Agua")], "nombre;precio\nFlan;2\nNuevo;3"
    seen = changed(menu, text).fingerprint
    assert changed([*menu, dish(3, "Otro")], text).fingerprint == seen
    assert changed([dish(1, "Flan", hidden=True), dish(2, "Agua")], text).fingerprint != seen
    assert changed([dish(1, "Flan").changed({"precio": 1.5}), menu[1]], text).fingerprint != seen
    assert changed([*menu, dish(3, "Nuevo")], text).fingerprint != seen
    assert changed(menu, text.replace("2", "2,5")).fingerprint != seen
