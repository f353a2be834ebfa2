"""A kitchen tablet that loaded its page from an older version, and is open still, works on with today's service."""

from __future__ import annotations

import mimetypes
import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.tickets import change, item, order, ticket, until

pytestmark = pytest.mark.browser

# Each has `cocina.html` as that version's service rendered it for the cook, and the files that the page names.
PAGES = sorted((Path(__file__).parents[1] / "data/pages").glob("*-cocina.zip"))


def serve_older(page: Any, archive: Path, user_id: int) -> None:
    """Has the browser load the page and its scripts from the archive; all else goes to the service."""
    with zipfile.ZipFile(archive) as stored:
        files = {name: stored.read(name) for name in stored.namelist()}
    html = re.sub('data-usuario-id="[0-9]*"', f'data-usuario-id="{user_id}"', files["cocina.html"].decode())

    def static(route: Any) -> None:
        name = urlsplit(route.request.url).path.lstrip("/")
        route.fulfill(body=files[name], content_type=mimetypes.guess_type(name)[0])

    page.route("**/static/**", static)
    page.route("**/cocina", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))


@pytest.mark.parametrize("archive", PAGES, ids=lambda archive: archive.stem)
def test_a_kitchen_of_an_older_version_cooks_on(page: Any, restaurant: Any, archive: Path) -> None:
    def of_order() -> dict[str, Any]:
        pedido: dict[str, Any] = restaurant.server.request("GET", "/api/pedidos/1")[2]["pedido"]
        return pedido

    user_id = page.context.request.post(
        f"{restaurant.url}/api/auth/login", data={"username": restaurant.cook, "password": restaurant.pin}
    ).json()["usuario_id"]
    serve_older(page, archive, user_id)
    page.goto(restaurant.url + "/cocina")
    page.locator("#shift-go").click()
    page.wait_for_selector("#conexion[data-modo=sse]")
    button = ticket(page, 1).locator(".ticket__do")

    restaurant.publish(order(1, item(10, "Pupusa", 2), item(11, "Atol"), mesa_numero=5))
    ticket(page, 1).wait_for()
    until(page, lambda: of_order()["por_acusar"] == [])
    button.click()
    page.wait_for_selector('[data-pedido-id="1"][data-estado="en_cocina"]')
    button.click()
    until(page, lambda: of_order()["estado"] == "listo")
    restaurant.publish(change(1, "servido"))
    ticket(page, 1).wait_for(state="detached")

    # What that version did not know: another round, guests who move, a table with a name.
    more = {"tipo": "item_modificado", "pedido_id": 1, "item_id": 12, "item": {"producto_nombre": "Flan"}}
    restaurant.publish({**more, "cambios": {"tipo_cambio": "item_agregado", "cantidad_nueva": 1}})
    expect(ticket(page, 1)).to_contain_text("Flan")
    until(page, lambda: of_order()["por_acusar"] == [])
    restaurant.publish({"tipo": "cambio_mesa", "pedido_id": 1, "mesa_numero": 12})
    expect(ticket(page, 1)).to_contain_text("12")
    restaurant.publish(order(2, item(20, "Flan"), mesa_numero=None, mesa="Terraza"))
    ticket(page, 2).wait_for()

    restaurant.publish({"tipo": "pedido_cancelado", "pedido_id": 1, "razon": "Se fueron"})
    ticket(page, 1).get_by_role("button", name="ENTENDIDO").click()
    until(page, lambda: "entendido_at" in of_order())
    ticket(page, 1).wait_for(state="detached")
