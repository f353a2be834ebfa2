"""One Chromium for the package, one page with its own cookies for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.console import watch
from tests.browser.floor import Floor, begin_shift, end_sessions
from tests.support.chromium import PATIENCE_MS, WHOLE, launch
from tests.support.live_server import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NTFY = "http://127.0.0.1:9"  # nobody listens there


class Restaurant:
    """A running service with a cook, and the till that publishes."""

    cook = "juan.perez"
    pin = "2468"

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.url = server.url
        server.create_user(self.cook, "cocinero", self.pin)

    def publish(self, *events: dict[str, Any]) -> None:
        """In one batch, so that the page gets them together and in order."""
        self.server.publish({"eventos": list(events)})

    def sign_in(self, page: Page, *, in_shift: bool = True) -> None:
        answer = page.context.request.post(
            f"{self.url}/api/auth/login", data={"username": self.cook, "password": self.pin}
        )
        assert answer.status == 200, answer.text()
        if in_shift:
            begin_shift(page, answer.json()["usuario_id"])

    def revoke_sessions(self) -> None:
        end_sessions(self.server)


@pytest.fixture
def restaurant(server: LiveServer) -> Restaurant:
    return Restaurant(server)


@pytest.fixture
def floor(server: LiveServer) -> Floor:
    return Floor(server)


@pytest.fixture
def alarmed_floor(make_server: Any) -> Floor:
    """Its service gives alarm after a second."""
    return Floor(make_server(ack_seconds="1", screen_seconds="1"))


@pytest.fixture
def pushing(make_server: Any) -> Floor:
    """Its service rings devices both ways."""
    contact = "mailto:gerencia@comedor.com.sv"
    return Floor(make_server(push="webpush,ntfy", push_contact=contact, ntfy_url=NTFY, ack_seconds="0"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Closed with the package: Playwright's loop would refuse the asyncio tests of other modules.
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = launch(playwright.chromium)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    # What pulses has a headless browser paint sixty times a second, a tenth of its work, and nobody sees it.
    # The service worker, which loads four pages more, has tests of its own (test_installed.py).
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="es-SV", reduced_motion="reduce", service_workers="block"
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    yield context
    for opened in context.pages:
        opened.unroute_all(behavior="ignoreErrors")  # what is being answered as the page closes is no test's failure
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the console said that it should not; a test may clear what it provoked."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    page = watch(context.new_page(), complaints)
    yield page
    assert complaints == []


@pytest.fixture
def kitchen(page: Any, restaurant: Any) -> Any:
    """The page of a signed-in cook, live."""
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    return page


@pytest.fixture
def device(browser: Any, tmp_path: Any) -> Iterator[Any]:
    """The shell of Chromium never answers what notifications there are."""
    context = browser.browser_type.launch_persistent_context(
        tmp_path / "profile", executable_path=WHOLE, args=["--no-sandbox", "--disable-gpu"],
        viewport={"width": 360, "height": 640}, locale="es-SV", reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()
