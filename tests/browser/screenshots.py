"""The pictures of docs/screens.md and docs/phones.md: `python -m tests.browser.screenshots` takes them again.

An evening of the demo's restaurant is played on a log in simulated time, up to this minute; the pages then show it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from pos_notif.demo.people import PEOPLE
from tests.support.chromium import WHOLE, launch
from tests.support.in_process import HeldClock
from tests.support.live_server import LiveServer, with_accounts
from tests.support.simulated_day import run_restaurant

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SEED = 3
SLOWER = 4  # than the demo, which is in a hurry
COOK, WAITER, CASHIER, MANAGER = "Marta", "Carlos", "Rosa", "Julio"
NEXT_MENU = """nombre;categoria;precio;disponible
Pupusa de loroco;Pupusas;1,50;
Ponche;Bebidas;2,00;
Tamal de chipilín;Antojitos;1,75;
Quesadilla salvadoreña;Panadería;1,75;
Horchata;Bebidas;1,50;
"""
TABLET, SMALL, DESK, PHONE, TALL_PHONE = (1280, 800), (1024, 600), (1440, 900), (360, 640), (390, 844)


class Photographer:
    def __init__(self, browser: Browser, server: LiveServer, directory: Path) -> None:
        self._browser = browser
        self._server = server
        self._directory = directory
        self._pins = {person.username: person.pin for person in PEOPLE}

    def opened(self, who: str, path: str, size: tuple[int, int], ready: str = "#conexion[data-modo=sse]") -> Any:
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=2 if size in (PHONE, TALL_PHONE) else 1,
            locale="es-SV",
        )
        body = {"username": who, "password": self._pins[who]}
        assert context.request.post(f"{self._server.url}/api/auth/login", data=body).ok
        page = context.new_page()
        page.goto(self._server.url + path)
        page.wait_for_selector(ready)
        return page

    def signed_out(self, people: tuple[str, ...]) -> Any:
        """A phone on which these have signed in before."""
        context = self._browser.new_context(
            viewport={"width": PHONE[0], "height": PHONE[1]}, device_scale_factor=2, locale="es-SV"
        )
        for person in people:
            page = self.opened_in(context, person)
        context.clear_cookies()
        page.goto(self._server.url + "/login")
        page.wait_for_selector("#names .person")
        return page

    def opened_in(self, context: Any, person: str) -> Any:
        page = context.pages[0] if context.pages else context.new_page()
        context.clear_cookies()
        page.goto(self._server.url + "/login#usuario")
        if page.locator(".person--all").is_visible():
            page.click(".person--all")
        page.fill("#username", person)
        page.fill("#password", self._pins[person])
        page.click("#login-submit")
        page.wait_for_selector("#conexion")
        return page

    def whole(self) -> Photographer:
        """Takes them in the whole of Chromium: its shell knows no push."""
        browser = launch(self._browser.browser_type, WHOLE)
        return Photographer(browser, self._server, self._directory)

    def close(self) -> None:
        self._browser.close()

    def take(self, page: Any, name: str) -> None:
        page.wait_for_timeout(500)  # what comes in from the side has come
        page.locator(".flash.is-on").wait_for(state="detached")
        page.screenshot(path=self._directory / f"{name}.png")


def _make_ready(server: LiveServer) -> None:
    """One of the waiter's orders, so that he has something to carry."""
    orders = server.request("GET", "/api/pedidos?vista=todos")[2]["pedidos"]
    own = next(o for o in orders if o["mesero"] == WAITER and o["estado"] in ("en_mesa", "en_cocina"))
    body = {"accion": "listo", "operacion_id": "foto"}
    assert server.request("POST", f"/api/pedidos/{own['id']}/acciones", body)[0] == 200


def _order_again(server: LiveServer, table: int) -> None:
    """Guests of a table that is to be charged have one more, which the kitchen has begun."""
    dish = {"producto_nombre": "Churrasco", "cantidad": 1, "precio_unitario": 6.5}
    pedido = {"id": 9001, "mesa_numero": table, "mesero": WAITER, "items": [dish]}
    assert server.request("POST", "/api/notificaciones/eventos", {"tipo": "nuevo_pedido", "pedido": pedido})[0] == 201
    begun = {"accion": "iniciar", "operacion_id": "foto-otra"}
    assert server.request("POST", "/api/pedidos/9001/acciones", begun)[0] == 200


def _photograph(photographer: Photographer, server: LiveServer) -> None:
    door = photographer.signed_out((COOK, WAITER, CASHIER, MANAGER))
    photographer.take(door, "entrar")
    door.click(f"[data-username={WAITER}]")
    photographer.take(door, "entrar-pin")
    _make_ready(server)
    _photograph_home(photographer)  # no kitchen's page is open yet: of what came last an alarm is due
    kitchen = photographer.opened(COOK, "/cocina", TABLET)
    photographer.take(kitchen, "cocina-inicio")
    kitchen.click("#shift-go")
    photographer.take(kitchen, "cocina")
    kitchen.keyboard.press("a")
    photographer.take(kitchen, "cocina-todo-el-dia")
    kitchen.keyboard.press("Escape")
    small = photographer.opened(COOK, "/cocina", SMALL)
    small.click("#shift-go")
    while small.get_by_role("button", name="ENTENDIDO").count():
        small.get_by_role("button", name="ENTENDIDO").first.click()
        small.wait_for_timeout(500)  # what moves up takes no touch for a moment
    small.locator("#say").wait_for(state="hidden")
    small.evaluate("window.scrollTo(0, 0)")
    photographer.take(small, "cocina-tableta-menor")
    small.close()
    _photograph_waiter(photographer)
    _photograph_sheet(photographer, server)
    _photograph_till(photographer, server)
    _photograph_office(photographer)
    whole = photographer.whole()
    _photograph_phone(whole, server)
    whole.close()
    kitchen.wait_for_selector("#conexion[data-modo=sse]")
    server.stop()
    kitchen.wait_for_selector("#banner:not([hidden])")
    photographer.take(kitchen, "cocina-sin-conexion")
    kitchen.evaluate("posNotif.kept.put(null, Date.now() - 12 * 60000)")
    kitchen.reload()
    kitchen.wait_for_selector(".is-offline .ticket")
    photographer.take(kitchen, "cocina-ultimo-tablero")


def _photograph_home(photographer: Photographer) -> None:
    waiter = photographer.opened(WAITER, "/pos", TALL_PHONE)
    others = waiter.locator("#ready [data-pedido-id]", has_text="de Elena")
    for order_id in others.evaluate_all("cards => cards.map(card => card.dataset.pedidoId)"):
        card = waiter.locator(f'#ready [data-pedido-id="{order_id}"]')  # so that there is room for the tables
        card.get_by_role("button").click()
        card.wait_for(state="detached")
        waiter.wait_for_timeout(500)  # a double click at one place is taken for a touch of what moved there
    waiter.wait_for_selector("#ready:not(:has(.ready--undo))", state="attached")
    waiter.locator("#unseen .strip--alarm").wait_for(timeout=60_000)
    photographer.take(waiter, "pos")
    waiter.close()


def _photograph_waiter(photographer: Photographer) -> None:
    waiter = photographer.opened(WAITER, "/pos", PHONE)
    waiter.click("#new")
    waiter.fill("#entry-table", "12")
    for button in waiter.locator(".step__btn--add").all()[:2]:
        button.click()
    photographer.take(waiter, "pos-pedido")
    waiter.locator(".menu__what").first.click()
    for chip in ("SIN", "cebolla", "ALERGIA", "maní"):
        waiter.get_by_role("button", name=chip, exact=True).click()
    photographer.take(waiter, "pos-nota")


def _photograph_sheet(photographer: Photographer, server: LiveServer) -> None:
    orders = server.request("GET", "/api/pedidos?vista=todos")[2]["pedidos"]
    begun = min(
        (o for o in orders if o["estado"] == "en_cocina" and o["mesero"]), key=lambda order: len(order["items"])
    )
    address = f"#pedido-{begun['id']}"
    photographer.take(photographer.opened(begun["mesero"], "/pos" + address, TALL_PHONE, ".osheet .tl"), "pedido")
    office = photographer.opened(MANAGER, "/manager" + address, DESK, ".osheet .tl")
    photographer.take(office, "pedido-escritorio")


def _photograph_till(photographer: Photographer, server: LiveServer) -> None:
    till = photographer.opened(CASHIER, "/caja", DESK)
    first = till.locator("#table .due").first
    label = first.locator(".due__label")
    label.wait_for()  # in sight: what is unveiled a moment later has no text before
    _order_again(server, int(label.inner_text().removeprefix("Mesa ")))
    till.get_by_text("1 pedido aún en cocina").first.wait_for()
    till.locator("#table .due").nth(1).click()
    till.click("#act")
    till.wait_for_selector("#undo button")
    first.click()
    till.fill("#given", "50")
    photographer.take(till, "caja")


def _photograph_office(photographer: Photographer) -> None:
    photographer.take(photographer.opened(MANAGER, "/manager", DESK, ".lane__row"), "manager")
    photographer.take(photographer.opened(MANAGER, "/manager", TALL_PHONE, ".lane__fold"), "manager-telefono")
    photographer.take(photographer.opened(MANAGER, "/manager/registro", DESK, "#events tr"), "registro")
    menu = photographer.opened(MANAGER, "/manager/menu", DESK, "#rows tr")
    file = {"name": "menu-diciembre.csv", "mimeType": "text/csv", "buffer": NEXT_MENU.encode()}
    menu.set_input_files("#import-file", file)
    menu.wait_for_selector(".imp")
    photographer.take(menu, "menu")
    photographer.take(photographer.opened(MANAGER, "/manager/menu", PHONE, "#rows tr"), "menu-telefono")


def _photograph_phone(photographer: Photographer, server: LiveServer) -> None:
    """Where one asks to be rung with the page closed."""
    server.settings.update(
        POS_NOTIF_PUSH="webpush,ntfy", POS_NOTIF_PUSH_CONTACT="mailto:encargado@pupuseria.com.sv",
        POS_NOTIF_NTFY_URL="http://192.168.1.10:8080",
    )  # fmt: skip
    server.restart()
    phone = photographer.opened(WAITER, "/pos", PHONE)
    phone.context.grant_permissions(["notifications"], origin=server.url)
    phone.reload()
    phone.wait_for_selector("#avisarme:not([hidden])")
    phone.evaluate("document.getElementById('push').scrollIntoView(true)")
    photographer.take(phone, "avisarme")
    phone.click("#ntfy-open")
    phone.wait_for_selector(".qr")
    phone.evaluate("document.getElementById('ntfy').scrollIntoView(true)")
    photographer.take(phone, "avisarme-ntfy")


async def _hire(accounts: Any) -> None:
    for person in PEOPLE:
        await accounts.create_user(person.username, person.role, person.pin)


def photograph(directory: Path, minutes: int) -> None:
    """`minutes`: how long the evening has been going on."""
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        server = LiveServer(Path(folder) / "log.db", {"POS_NOTIF_RESTAURANT_NAME": "Pupusería La Ceiba"})
        with_accounts(server.database, _hire)
        began = HeldClock(int(time.time() - minutes * 60) * 1000)
        run_restaurant(server.database, minutes * 60 // SLOWER, SEED, clock=began, slower=SLOWER)
        server.start()
        try:
            with sync_playwright() as playwright:
                browser = launch(playwright.chromium)
                _photograph(Photographer(browser, server, directory), server)
                browser.close()
        finally:
            server.close()


if __name__ == "__main__":
    photograph(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES, minutes=150)
