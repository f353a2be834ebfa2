"""Reads and writes the menu in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from ...orders.menu import Product

COLUMNS = "id, name, category, price, stock, minimum, available"


def find_product(connection: sqlite3.Connection, product_id: int) -> Product | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM products WHERE id = ?", (product_id,)).fetchone()
    return _product(row) if row else None


def all_products(connection: sqlite3.Connection) -> list[Product]:
    return [_product(row) for row in connection.execute(f"SELECT {COLUMNS} FROM products ORDER BY id")]


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
