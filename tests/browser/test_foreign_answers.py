"""What proxies, hotspots and other services answer in the service's place stops no page, and is taken for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Restaurant
from tests.browser.floor import MANAGER, WAITER, Floor
from tests.browser.proxies import Proxy
from tests.browser.tickets import change, order, ticket, until

pytestmark = pytest.mark.browser

# Status, type and body.
ANSWERS = [
    (200, "application/json", "{}"),
    (200, "application/json", "true"),
    (401, "application/json", '{"error": "login required"}'),
    (403, "text/html", "<h1>Forbidden</h1>"),
    (404, "text/html", "<h1>Not Found</h1>"),
]


class SomebodyElse:
    """Answers what a page asks of an address, each answer once, and then lets the service answer."""

    def __init__(self, page: Any, address: str, *answers: tuple[int, str, str]) -> None:
        self.left = list(answers or ANSWERS)
        self.goes_on = False  # the service has been asked
        self._page = page
        page.route(address, self._answer)

    def _answer(self, route: Any) -> None:
        if self.left:
            status, kind, body = self.left.pop(0)
            route.fulfill(status=status, content_type=kind, body=body)
        else:
            self.goes_on = True
            route.continue_()

    def speak(self, pause_ms: int) -> None:
        """Until all has been said; `pause_ms` is how long the page waits before it asks again."""

        def said() -> bool:
            self._page.clock.fast_forward(pause_ms)
            return self.goes_on

        until(self._page, said)


def test_the_menu_is_asked_for_again(page: Any, floor: Floor) -> None:
    page.clock.install()
    portal = SomebodyElse(page, "**/api/productos", *ANSWERS, (200, "application/json", '{"productos": null}'))
    floor.open(page, WAITER, "/pos")
    portal.speak(4_100)
    expect(page.locator("#menu")).to_contain_text("Pupusa de queso")


def test_figures_and_devices_are_asked_for_again(page: Any, floor: Floor) -> None:
    page.clock.install()
    figures = SomebodyElse(page, "**/api/cifras*", *ANSWERS, (200, "application/json", '{"por_hora": []}'))
    devices = SomebodyElse(page, "**/notificaciones/estado", *ANSWERS, (200, "application/json", '{"conexiones": [7]}'))
    floor.place(mesa_numero=6, dishes={"Pupusa de queso": 4})
    floor.open(page, MANAGER, "/manager")
    figures.speak(4_100)
    devices.speak(4_100)
    expect(page.locator("#per-hour")).to_contain_text("pedido")
    expect(page.locator("#devices")).to_contain_text(MANAGER)


def test_entendido_is_not_given_up(page: Any, restaurant: Restaurant) -> None:
    """The page asks for the cancellation's event, which the snapshot does not name."""
    restaurant.publish(order(1), change(1, "en_cocina"), change(1, "cancelado"))
    restaurant.sign_in(page)
    page.clock.install()
    portal = SomebodyElse(page, "**/api/pedidos/1", *ANSWERS, (200, "application/json", '{"eventos": null}'))
    page.goto(restaurant.url + "/cocina")
    ticket(page, 1).get_by_role("button", name="ENTENDIDO").click()
    portal.speak(3_100)
    until(page, lambda: "entendido_at" in restaurant.server.request("GET", "/api/pedidos/1")[2]["pedido"])
    assert ticket(page, 1).count() == 0


def test_a_download_is_followed_all_the_same(page: Any, floor: Floor) -> None:
    floor.place()
    page.clock.install()
    progress = SomebodyElse(page, "**/descargas", *ANSWERS * 2, (200, "application/json", '{"descargas": null}'))
    answer = page.context.request.post(f"{floor.url}/api/auth/login", data={"username": MANAGER, "password": "2468"})
    assert answer.status == 200
    page.goto(floor.url + "/manager/registro")
    page.click("#download-button")
    with page.expect_download():
        page.click("#csv")
    progress.speak(1_100)
    expect(page.locator("#progress-text")).to_contain_text("Descarga completa")


def test_signing_in_says_that_there_is_no_connection(page: Any, restaurant: Restaurant) -> None:
    portal = SomebodyElse(page, "**/api/auth/login")
    page.goto(restaurant.url + "/login")
    page.fill("#username", restaurant.cook)
    page.fill("#password", restaurant.pin)
    error = page.locator("#login-error")
    for left in reversed(range(len(ANSWERS))):
        page.evaluate("document.getElementById('login-error').textContent = '';")
        page.click("#login-submit")
        expect(error).to_contain_text("No hay conexión")
        assert len(portal.left) == left
    page.click("#login-submit")
    page.wait_for_url(restaurant.url + "/cocina")


@pytest.fixture
def proxy(restaurant: Restaurant, complaints: list[str]) -> Iterator[Proxy]:
    with Proxy(restaurant.server.port) as proxy:
        yield proxy
    complaints[:] = [text for text in complaints if not text.startswith(("WebSocket", "EventSource"))]


@pytest.mark.long
def test_behind_a_captive_portal_the_kitchen_waits_and_comes_back(
    page: Any, restaurant: Restaurant, proxy: Proxy
) -> None:
    """All that is asked is answered by the portal, until somebody has signed in at it; each time in another way."""

    def passes(condition: Callable[[], Any], seconds: float = 1) -> None:
        """The page waits longer and longer before it asks again: so long passes between two looks. Not while the portal
        is being asked: a page whose clock runs on gives up a question before a busy machine has answered it."""

        def holds() -> bool:
            if condition():
                return True
            if not (proxy.answers is portal and asking):
                page.clock.fast_forward(int(seconds * 1000))
            return False

        try:
            until(page, holds)
        except AssertionError as error:
            kept = "Object.keys(localStorage).filter(k => /operacion/.test(k)).map(k => k + ' ' + localStorage[k])"
            board = page.locator("body").inner_text()
            raise AssertionError(
                f"asked {asked[-20:]}, open {[request.url for request in asking]}, kept {page.evaluate(kept)}, {board}"
            ) from error

    def live() -> bool:
        return page.get_attribute("#conexion", "data-modo") == "sse"

    restaurant.publish(*(order(number) for number in range(1, len(ANSWERS) + 1)))
    restaurant.sign_in(page)
    page.clock.install()
    asking: set[Any] = set()
    asked: list[str] = []
    page.on("request", lambda request: asking.add(request) if request.resource_type in ("xhr", "fetch") else None)
    for ended in ("requestfinished", "requestfailed"):
        page.on(ended, lambda request: asking.discard(request))
    page.goto(proxy.url + "/cocina")
    until(page, live)
    for number, (status, kind, body) in enumerate(ANSWERS, 1):
        late = 100 + number
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        answer = f"{head}Connection: close\r\n\r\n{body}".encode()
        asked = []

        def portal(request: str, asked: list[str] = asked, answer: bytes = answer) -> bytes | None:
            if "/api/" not in request:
                return None
            asked.append(request)
            return answer

        proxy.answers = portal
        proxy.cut()
        passes(lambda: page.locator("#banner", has_text="Sin conexión").count())
        button = ticket(page, number).get_by_role("button", name="INICIAR")

        def begun(button: Any = button) -> bool:
            """A board that has just moved by itself, to show what lies below, takes no tap: another one is needed."""
            if not page.evaluate("Object.keys(localStorage).some(key => /operacion/.test(key))"):
                button.click()
            return bool(page.evaluate("Object.keys(localStorage).some(key => /operacion/.test(key))"))

        passes(begun)
        restaurant.publish(order(late))
        passes(lambda asked=asked: sum("/acciones" in request for request in asked) >= 2)
        passes(lambda asked=asked: sum("/polling/" in request for request in asked) >= 2)
        proxy.answers = lambda request: None
        passes(ticket(page, late).count)
        passes(
            lambda number=number: (
                restaurant.server.request("GET", f"/api/pedidos/{number}")[2]["pedido"]["estado"] == "en_cocina"
            )
        )
        tried = proxy.streams
        passes(lambda tried=tried: proxy.streams > tried, seconds=17)
        until(page, live)  # the first heartbeat comes in real time
        assert page.url == proxy.url + "/cocina"
