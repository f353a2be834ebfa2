"""The menu: dishes, and their stock as orders take from it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..errors import Invalid, MenuChanged, NotFound
from ..events import STOCK_ALERT
from ..log.event_log import Transaction
from ..orders.menu import Product, alert
from ..orders.menu_changes import MenuChanges, menu_changes
from ..orders.menu_csv import MenuFile
from ..orders.requests import NewProductBody, ProductBody
from ..orders.state import Json
from ..principal import Principal
from .append import Moment, append
from .publish import Publishing


async def add_product(publishing: Publishing, who: Principal, body: NewProductBody) -> Product:
    """Adds a dish to the menu. Raises Invalid, NotAuthenticated or LogUnavailable."""
    moment = publishing.moment()

    def work(transaction: Transaction) -> Product:
        new = Product(transaction.last_product_id() + 1, body.nombre, None, 0.0, None, None, available=True)
        product = new.changed(body.model_dump(exclude_unset=True))
        _check_pos_id(transaction, product)
        # A new dish is no news for the kitchen, unless there is none of it.
        _keep(transaction, moment, who.actor, new, product)
        return product

    return await publishing.log.transact(work, who)


async def change_product(publishing: Publishing, who: Principal, product_id: int, body: ProductBody) -> Product:
    """Changes what was sent of a dish. Raises NotFound, Invalid, NotAuthenticated or LogUnavailable."""
    changes = body.model_dump(exclude_unset=True)
    for name in ("nombre", "precio", "disponible", "oculto"):
        if name in changes and changes[name] is None:
            raise Invalid(fields={name: "no puede ser null"})
    moment = publishing.moment()

    def work(transaction: Transaction) -> Product:
        before = transaction.product(product_id)
        if before is None:
            raise NotFound(f"No existe el producto {product_id}.")
        after = before.changed(changes)
        _check_pos_id(transaction, after)
        _keep(transaction, moment, who.actor, before, after)
        return after

    return await publishing.log.transact(work, who)


def _check_pos_id(transaction: Transaction, product: Product) -> None:
    """Raises Invalid where the POS calls another dish so."""
    other = transaction.product_of_pos(product.pos_id) if product.pos_id is not None else None
    if other is not None and other.id != product.id:
        raise Invalid(fields={"id_pos": f"ya lo tiene {other.name} ({other.id})"})


async def rehearse_menu(publishing: Publishing, file: MenuFile, who: Principal | None = None) -> MenuChanges:
    """Returns what the file would change, and changes nothing. `who` is whose session or token asks, if any. Raises
    NotAuthenticated or LogUnavailable."""

    def read(transaction: Transaction) -> tuple[Sequence[Product], int]:
        return transaction.products(), transaction.last_product_id()

    menu, last_id = await publishing.log.rehearse(read, who)
    return await asyncio.to_thread(menu_changes, menu, file, last_id)


async def import_menu(
    publishing: Publishing, actor: Json, file: MenuFile, *, fingerprint: str | None = None, who: Principal | None = None
) -> MenuChanges:
    """Changes the menu as the file says; where anything is wrong with that, which the result tells, not at all. With
    the `fingerprint` of a rehearsal only what that had found. `who` is whose session or token imports, if any. Raises
    MenuChanged, NotAuthenticated or LogUnavailable."""
    moment = publishing.moment()

    def work(transaction: Transaction) -> MenuChanges:
        found = menu_changes(transaction.products(), file, transaction.last_product_id())
        if found.faults:
            return found
        if fingerprint is not None and fingerprint != found.fingerprint:
            raise MenuChanged
        for change in found.changes:
            _keep(transaction, moment, actor, change.before, change.after)
        return found

    return await publishing.log.transact(work, who)


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
