"""The menu: dishes, and their stock as orders take from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import Invalid, NotFound
from ..events import STOCK_ALERT
from ..log.event_log import Transaction
from ..orders.menu import Product, alert
from ..orders.requests import NewProductBody, ProductBody
from ..orders.state import Json
from ..principal import Principal
from .append import Moment, append
from .publish import Publishing


async def add_product(publishing: Publishing, who: Principal, body: NewProductBody) -> Product:
    """Adds a dish to the menu. Raises NotAuthenticated or LogUnavailable."""
    moment = publishing.moment()

    def work(transaction: Transaction) -> Product:
        new = Product(transaction.last_product_id() + 1, body.nombre, None, 0.0, None, None, available=True)
        product = _changed(new, body.model_dump(exclude_unset=True))
        # A new dish is no news for the kitchen, unless there is none of it.
        _keep(transaction, moment, who.actor, new, product)
        return product

    return await publishing.log.transact(work, who)


async def change_product(publishing: Publishing, who: Principal, product_id: int, body: ProductBody) -> Product:
    """Changes what was sent of a dish. Raises NotFound, Invalid, NotAuthenticated or LogUnavailable."""
    changes = body.model_dump(exclude_unset=True)
    for name in ("nombre", "precio", "disponible"):
        if name in changes and changes[name] is None:
            raise Invalid(fields={name: "no puede ser null"})
    moment = publishing.moment()

    def work(transaction: Transaction) -> Product:
        before = transaction.product(product_id)
        if before is None:
            raise NotFound(f"No existe el producto {product_id}.")
        after = _changed(before, changes)
        _keep(transaction, moment, who.actor, before, after)
        return after

    return await publishing.log.transact(work, who)


def _changed(product: Product, changes: Mapping[str, Any]) -> Product:
    fields = {"nombre": "name", "categoria": "category", "precio": "price", "stock_minimo": "minimum"}
    after = replace(product, **{fields[name]: value for name, value in changes.items() if name in fields})
    if "stock_actual" in changes:
        after = after.with_stock(changes["stock_actual"])
    if "disponible" in changes and changes["disponible"] is not None:
        after = after.marked(changes["disponible"])
    return after


def take(transaction: Transaction, moment: Moment, actor: Json, amounts: Sequence[tuple[int, float]]) -> None:
    """Moves the stock of each of these dishes by its amount, with an alert where that is due. Raises SoldOut."""
    for product_id, amount in amounts:
        product = transaction.product(product_id)
        if product is not None:
            _keep(transaction, moment, actor, product, product.moved(amount))


def _keep(transaction: Transaction, moment: Moment, actor: Json, before: Product | None, after: Product) -> None:
    transaction.save_product(after)
    level = alert(before, after)
    if level is not None:
        draft = {
            "tipo": STOCK_ALERT, "producto_id": after.id, "nombre": after.name, "stock_actual": after.stock,
            "stock_minimo": after.minimum, "nivel": level,
        }  # fmt: skip
        append(transaction, moment, draft, actor)
