"""`/api/productos`: the menu and its stock."""

from __future__ import annotations

from typing import Any

from quart import Blueprint

from ..errors import RoleNotAllowed
from ..events import COOK, MANAGER
from ..orders.menu import Product
from ..orders.requests import NewProductBody, ProductBody, parse_request
from ..publishing.menu import add_product, change_product
from .access import principal, require_manager
from .answers import NOT_STORED, json_answer
from .body import path_id, read_object
from .documented import documented
from .schemas import Menu, ProductAnswer
from .services import services

blueprint = Blueprint("products", __name__, url_prefix="/productos")


@blueprint.get("")
@documented("pedidos", {200: Menu}, errors=(401, 503))
async def menu() -> Any:
    """Todo el menú, con lo que queda."""
    products = await services().log.store.products()
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


def _json(product: Product) -> Any:
    value = product.json()
    return services().log.kitchen_copy(value) if principal().role == COOK else value
