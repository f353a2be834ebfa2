"""Reads and writes the menu in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from ...orders.menu import Product
from .given import last_given

COLUMNS = "id, name, category, price, stock, minimum, available"


def find_product(connection: sqlite3.Connection, product_id: int) -> Product | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM products WHERE id = ?", (product_id,)).fetchone()
    return _product(row) if row else None


def all_products(connection: sqlite3.Connection) -> list[Product]:
    return [_product(row) for row in connection.execute(f"SELECT {COLUMNS} FROM products ORDER BY id")]


def last_product_id(connection: sqlite3.Connection) -> int:
    """Returns the greatest id that a dish has, or may have had before the log was restored."""
    kept = connection.execute("SELECT max(id) FROM products").fetchone()[0]
    return max(kept or 0, last_given(connection, "products"))


def save_products(connection: sqlite3.Connection, changed: Iterable[Product]) -> None:
    connection.executemany(
        f"INSERT OR REPLACE INTO products ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (product.id, product.name, product.category, product.price, product.stock, product.minimum,
             product.available)
            for product in changed
        ],
    )  # fmt: skip


def _product(row: tuple[Any, ...]) -> Product:
    return Product(*(*row[:-1], bool(row[-1])))
