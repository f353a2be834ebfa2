"""`/api/productos`: the menu and its stock."""

from __future__ import annotations

import asyncio
from typing import Any

from quart import Blueprint, Response, request

from ..clock import iso
from ..errors import Invalid, RoleNotAllowed
from ..events import COOK, MANAGER
from ..orders.menu import Product
from ..orders.menu_changes import MenuChanges
from ..orders.menu_csv import MAX_BYTES, read_menu, write_menu
from ..orders.requests import NewProductBody, ProductBody, parse_request
from ..publishing.menu import add_product, change_product, import_menu, rehearse_menu
from ..wire.json_limits import BODY
from ..wire.json_text import dump
from .access import principal, require_manager
from .answers import NOT_STORED, json_answer
from .body import is_rehearsal, path_id, read_file, read_object
from .documented import documented
from .schemas import Menu, MenuImport, MenuImportQuery, ProductAnswer
from .services import services

blueprint = Blueprint("products", __name__, url_prefix="/productos")

# A browser knows the one, generators of clients the other.
CSV_TYPES = ("text/csv", "application/octet-stream")


@blueprint.get("")
@documented("pedidos", {200: Menu}, errors=(401, 503))
async def menu() -> Any:
    """Todo el menú, con lo que queda; lo oculto, solo para un encargado."""
    products = await services().log.store.products()
    if principal().role != MANAGER:
        products = [product for product in products if not product.hidden]
    return json_answer({"productos": [_json(product) for product in products]}, headers=NOT_STORED)


@blueprint.post("")
@documented("pedidos", {201: ProductAnswer}, errors=(400, 401, 403, 413, 415, 422, 503), body=NewProductBody)
async def new_product() -> Any:
    """Un producto nuevo; necesita `nombre` y `precio`."""
    require_manager()
    body = parse_request(NewProductBody, await read_object())
    product = await add_product(services().publishing, principal(), body)
    return json_answer(_json(product), 201, NOT_STORED)


@blueprint.patch("/<producto_id>")
@documented("pedidos", {200: ProductAnswer}, errors=(400, 401, 403, 404, 413, 415, 422, 503), body=ProductBody)
async def changed_product(producto_id: str) -> Any:
    """Cambia lo que se envía; un cocinero solo `disponible`."""
    product_id = path_id(producto_id, "ese producto")
    if principal().role not in (MANAGER, COOK):
        raise RoleNotAllowed
    body = parse_request(ProductBody, await read_object())
    if principal().role == COOK and body.model_fields_set - {"disponible"}:
        raise RoleNotAllowed("La cocina solo puede cambiar `disponible`.")
    product = await change_product(services().publishing, principal(), product_id, body)
    return json_answer(_json(product), headers=NOT_STORED)


@blueprint.post("/importar")
@documented(
    "pedidos", {200: MenuImport}, errors=(400, 401, 403, 409, 413, 415, 422, 503), query=MenuImportQuery,
    body=CSV_TYPES[1],
)  # fmt: skip
async def menu_from_file() -> Any:
    """Cambia el menú según un archivo CSV, todo o nada; con `ensayo=1` solo dice qué cambiaría."""
    require_manager()
    content = await read_file(CSV_TYPES, MAX_BYTES)
    rehearsed, fingerprint = is_rehearsal(request.args.getlist("ensayo")), request.args.get("huella")
    file = await asyncio.to_thread(read_menu, content)
    publishing, who = services().publishing, principal()
    if rehearsed:
        found = await rehearse_menu(publishing, file, who)
    else:
        found = await import_menu(publishing, who.actor, file, fingerprint=fingerprint, who=who)
        _refuse_faults(found)
    return json_answer(await asyncio.to_thread(lambda: dump(found.json(rehearsed=rehearsed))), headers=NOT_STORED)


def _refuse_faults(found: MenuChanges) -> None:
    """Raises Invalid with each of the file's faults, where it has any."""
    count = len(found.faults)
    if count:
        raise Invalid(
            f"El archivo tiene {count} {'error' if count == 1 else 'errores'}; no se cambió nada.",
            fields={fault.path or BODY: fault.spanish for fault in found.faults},
            extra={"errores": [fault.json() for fault in found.faults]},
        )


@blueprint.get("/exportar")
@documented("pedidos", {200: "text/csv"}, errors=(401, 403, 503))
async def menu_as_file() -> Any:
    """El menú entero como archivo CSV, que se importa igual."""
    require_manager()
    log = services().log
    day = iso(log.clocks.wall(), log.zone)[:10]
    return Response(
        await asyncio.to_thread(write_menu, await log.store.products()),
        content_type="text/csv; charset=utf-8",
        headers={**NOT_STORED, "Content-Disposition": f'attachment; filename="menu-{day}.csv"'},
    )


def _json(product: Product) -> Any:
    value = product.json()
    return services().log.kitchen_copy(value) if principal().role == COOK else value
