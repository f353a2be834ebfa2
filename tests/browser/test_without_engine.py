"""The pages of a node whose engine goes away and comes back: they say so in words, and what is tapped is not lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import begin_shift
from tests.browser.tickets import order, ticket
from tests.cluster.nodes import Cluster, Node, engine
from tests.cluster.workload import PIN
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

SAID = re.compile(r"^Sin central desde las \d\d?:\d\d\s[ap]\.\sm\.: se ve, no se puede enviar$")
PAGES = {"/cocina": "Marta", "/pos": "Elena", "/caja": "Rosa", "/manager": "Ana", "/manager/menu": "Ana"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("without-engine")
    with engine("redis", folder) as redis, Cluster(folder, redis, 1) as cluster:
        yield cluster.nodes[0]


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """The console says of each 503 that it is one."""
    found: list[str] = []
    yield found
    found[:] = [each for each in found if "503" not in each]


def sign_in(page: Any, node: Node, username: str) -> int:
    answer = page.context.request.post(f"{node.url}/api/auth/login", data={"username": username, "password": PIN})
    assert answer.ok
    found: int = answer.json()["usuario_id"]
    return found


def test_the_kitchen_says_so_and_sends_what_was_tapped_once_the_engine_is_back(page: Any, node: Node) -> None:
    node.publish(order(1))
    begin_shift(page, sign_in(page, node, "Marta"))
    page.goto(f"{node.url}/cocina")
    expect(ticket(page, 1)).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()
    node.cut()
    expect(page.locator("#banner")).to_have_text(SAID)
    with page.expect_response(lambda answer: answer.url.endswith("/acciones") and answer.status == 503):
        ticket(page, 1).locator(".ticket__do").click()
    expect(page.locator("#banner")).to_have_text(SAID)
    node.mend()
    expect(page.locator("#banner")).to_be_hidden()
    expect(ticket(page, 1)).to_have_attribute("data-estado", "en_cocina")
    assert node.request("GET", "/api/pedidos/1")[2]["pedido"]["estado"] == "en_cocina"


@pytest.mark.parametrize("path", PAGES)
def test_each_page_says_so(page: Any, node: Node, path: str) -> None:
    sign_in(page, node, PAGES[path])
    page.goto(node.url + path)
    page.wait_for_selector("#conexion[data-modo=sse]")
    expect(page.locator("#banner")).to_be_hidden()
    node.cut()
    try:
        expect(page.locator("#banner")).to_have_text(SAID)
    finally:
        node.mend()
    expect(page.locator("#banner")).to_be_hidden()


def test_the_log_asks_for_it_every_15_s(page: Any, node: Node) -> None:
    def is_away() -> bool:
        return "sin_central_desde" in node.request("GET", "/healthz", token=None)[2]

    sign_in(page, node, "Ana")
    page.clock.install()
    page.goto(f"{node.url}/manager/registro")
    expect(page.locator("#count")).to_have_text(re.compile("evento"))
    # From now on time passes where the test says so.
    page.evaluate("globalThis.__pwClock.controller.pauseAt(Date.now() + 1000)")
    node.cut()
    try:
        eventually(is_away)
        expect(page.locator("#banner")).to_be_hidden()
        page.clock.run_for(15_000)
        expect(page.locator("#banner")).to_have_text(SAID)
    finally:
        node.mend()
    eventually(lambda: not is_away())
    page.clock.run_for(15_000)
    expect(page.locator("#banner")).to_be_hidden()
