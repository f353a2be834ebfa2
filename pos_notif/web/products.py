"""`/api/productos`: the menu and its stock."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from ..errors import RoleNotAllowed
from ..events import COOK, MANAGER
from ..orders.menu import Product
from ..orders.requests import NewProductBody, ProductBody, parse_request
from ..publishing.placing import add_product, change_product
from ..wire.json_text import dump
from .access import principal, require_manager
from .body import path_id, read_object
from .documented import documented
from .schemas import Menu, ProductAnswer
from .services import services

blueprint = Blueprint("products", __name__, url_prefix="/productos")


@blueprint.get("")
@documented("pedidos", {200: Menu}, errors=(401, 503))
async def menu() -> Any:
    """Todo el menú, con lo que queda."""
    products = await services().notifier.log.products()
    return _answer({"productos": [_json(product) for product in products]})


@blueprint.post("")
@documented("pedidos", {201: ProductAnswer}, errors=(400, 401, 403, 413, 415, 422, 503), body=NewProductBody)
async def new_product() -> Any:
    """Un producto nuevo; necesita `nombre` y `precio`."""
    require_manager()
    body = parse_request(NewProductBody, await read_object())
    return _answer(_json(await add_product(services().notifier, principal(), body)), 201)


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
    return _answer(_json(await change_product(services().notifier, principal(), product_id, body)))


def _json(product: Product) -> Any:
    value = product.json()
    return services().notifier.kitchen_copy(value) if principal().role == COOK else value


def _answer(value: Any, status: int = 200) -> Response:
    return Response(
        dump(value), status, headers={"Cache-Control": "private, no-store"}, content_type="application/json"
    )
