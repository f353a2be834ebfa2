"""Reads and writes the menu in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

from ...orders.menu import Product
from .given import last_given

COLUMNS = "id, name, category, price, stock, minimum, available, pos_id, hidden"


def find_product(connection: sqlite3.Connection, product_id: int) -> Product | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM products WHERE id = ?", (product_id,)).fetchone()
    return _product(row) if row else None


def find_product_of_pos(connection: sqlite3.Connection, pos_id: int) -> Product | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM products WHERE pos_id = ?", (pos_id,)).fetchone()
    return _product(row) if row else None


def all_products(connection: sqlite3.Connection) -> list[Product]:
    return [_product(row) for row in connection.execute(f"SELECT {COLUMNS} FROM products ORDER BY id")]


def last_product_id(connection: sqlite3.Connection) -> int:
    """Returns the greatest id that a dish has, or may have had before the log was restored."""
    kept = connection.execute("SELECT max(id) FROM products").fetchone()[0]
    return max(kept or 0, last_given(connection, "products"))


def save_products(connection: sqlite3.Connection, changed: Collection[Product]) -> None:
    # All of them go first, since two may have changed their `pos_id` with each other; and not by OR REPLACE, which
    # would delete whichever dish has the same.
    connection.executemany("DELETE FROM products WHERE id = ?", [(product.id,) for product in changed])
    connection.executemany(
        f"INSERT INTO products ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (product.id, product.name, product.category, product.price, product.stock, product.minimum,
             product.available, product.pos_id, product.hidden)
            for product in changed
        ],
    )  # fmt: skip


def _product(row: tuple[Any, ...]) -> Product:
    *fields, available, pos_id, hidden = row
    return Product(*(*fields, bool(available), pos_id, bool(hidden)))
