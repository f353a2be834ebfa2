"""The menu: what may be ordered, and how much of it there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import SoldOut
from .numbers import is_own

Json = dict[str, Any]

# Marks a line that people here have added to a POS's order: its `producto_id` is ours, and those beside it the POS's.
FROM_MENU = "del_menu"

LOW, NONE_LEFT, BACK = "bajo", "agotado", "disponible"
MAX_NAME = 200
MAX_STOCK = 1e9
# Of a price, and of any sum.
MAX_MONEY = 1e12


@dataclass(frozen=True, slots=True)
class Product:
    """A `stock` of None is not counted; `price` includes the tax. `pos_id` is what the POS calls the dish, and no two
    have the same; a `hidden` one is kept, and not on the menu."""

    id: int
    name: str
    category: str | None
    price: float
    stock: float | None
    minimum: float | None
    available: bool
    pos_id: int | None = None
    hidden: bool = False

    def json(self) -> Json:
        return {
            "id": self.id,
            "nombre": self.name,
            "categoria": self.category,
            "precio": self.price,
            "stock_actual": self.stock,
            "stock_minimo": self.minimum,
            "disponible": self.available,
            "id_pos": self.pos_id,
            "oculto": self.hidden,
        }

    def line(self, quantity: float, notes: str | None) -> Json:
        """Returns what is ordered of the product, as an order's line."""
        return {
            "producto_id": self.id,
            "producto_nombre": self.name,
            "cantidad": quantity,
            "notas": notes,
            "categoria": self.category,
            "precio_unitario": self.price,
        }

    def moved(self, amount: float) -> Product:
        """Returns the product with so much more in stock; a negative amount is taken. Raises SoldOut where there is not
        as much, or where it is not on the menu any more: pages that were open then take that as they take the other."""
        if amount < 0 and self.hidden:
            raise SoldOut(f"{self.name}: ya no está en el menú.")
        if amount < 0 and (not self.available or (self.stock is not None and self.stock + amount < 0)):
            left = f"; quedan {self.stock:g}" if self.available and self.stock else ""
            raise SoldOut(f"{self.name}: agotado{left}.")
        return self if self.stock is None else self.with_stock(round(self.stock + amount, 3))

    def with_stock(self, stock: float | None) -> Product:
        """Returns the product with this stock. Where nothing is left it cannot be ordered, and where it has come back
        it can."""
        if stock is not None and stock <= 0:
            return replace(self, stock=stock, available=False)
        had_none = self.stock is not None and self.stock <= 0
        return replace(self, stock=stock, available=self.available or had_none)

    def marked(self, available: bool) -> Product:
        """Returns the product as somebody marked it by hand. Who says that there is some although the count says none,
        is right: it is counted no more."""
        wrong = available and self.stock is not None and self.stock <= 0
        return replace(self, available=available, stock=None if wrong else self.stock)

    def changed(self, said: Mapping[str, Any]) -> Product:
        """Returns the product with what was said of it, under the names of `json`."""
        after = replace(self, **{_FIELDS[name]: value for name, value in said.items() if name in _FIELDS})
        if "stock_actual" in said:
            after = after.with_stock(said["stock_actual"])
        return after.marked(said["disponible"]) if said.get("disponible") is not None else after


_FIELDS = {
    "nombre": "name", "categoria": "category", "precio": "price", "stock_minimo": "minimum", "id_pos": "pos_id",
    "oculto": "hidden",
}  # fmt: skip


def alert(before: Product | None, after: Product) -> str | None:
    """Returns the `nivel` of the `alerta_stock` that the change makes, or None where it makes none. Of a dish that is
    not on the menu nobody is told; one that comes back to it is as a new one."""
    if after.hidden:
        return None
    if before is not None and before.hidden:
        before = None
    was_available = before is None or before.available
    if was_available != after.available:
        return BACK if after.available else NONE_LEFT
    return LOW if after.available and _is_low(after) and not (before is not None and _is_low(before)) else None


def _is_low(product: Product) -> bool:
    return product.stock is not None and product.minimum is not None and product.stock <= product.minimum


def own_dish(pedido: Json, line: Json) -> int | None:
    """Returns our id of the dish that an order's line is of; None where its number is the POS's own."""
    dish: int | None = line.get("producto_id")
    return dish if is_own(pedido["id"]) or line.get(FROM_MENU) is True else None
