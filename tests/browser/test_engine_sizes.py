"""The pages in Firefox and in WebKit: whether they fit a tablet's and a phone's window with and without the banner, and
what Back shows of whoever has signed out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.fits import FAULTS
from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor
from tests.browser.test_sizes import busy
from tests.support.engines import NEEDS, Engine, Tab, start
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

SIZES = [(1180, 820), (820, 1180), (390, 844)]
SIGN_IN = """
  var request = new XMLHttpRequest();
  request.open('POST', '/api/auth/login', false);
  request.setRequestHeader('Content-Type', 'application/json');
  request.send(JSON.stringify({username: '%s', password: '%s'}));
  sessionStorage.setItem('notif:turno:' + JSON.parse(request.responseText).usuario_id, 'si');
  return request.status;"""
READY = """
  var modo = document.getElementById('conexion').getAttribute('data-modo'), page = document.querySelector('.unveiled');
  return modo === 'sse' && (!page || getComputedStyle(page).visibility === 'visible');"""
SHOWS_NAMES = """
  return [].some.call(document.querySelectorAll('#tables, .start__title'), function (node) {
    var names = node.id === 'tables' || /Hola/.test(node.textContent);   // and not what is shown without a connection
    return names && getComputedStyle(node).visibility !== 'hidden';
  });"""
PAGES = [
    (COOK, "/cocina", ".ticket"), (WAITER, "/pos", "#tables [data-pedido-id]"),
    (WAITER, "/pos#nuevo", "[data-producto-id]"), (CASHIER, "/caja", ".due"), (MANAGER, "/manager", ".lane__row"),
    (MANAGER, "/manager/menu", "#rows tr"),
]  # fmt: skip


@pytest.fixture(scope="module", params=[name for name in NEEDS if name != "chromium"])
def running(request: Any) -> Iterator[Engine]:
    engine = start(request.param, lambda: request.getfixturevalue("browser"))
    yield engine
    engine.close()


@pytest.fixture
def engine(running: Engine) -> Iterator[Engine]:
    yield running
    running.fresh()


def sign_in(tab: Tab, floor: Floor, who: str) -> None:
    tab.goto(floor.url + "/login")
    assert tab.run(SIGN_IN % (who, PIN)) == 200


@pytest.mark.long
def test_the_live_pages_fit_with_and_without_their_banner(engine: Engine, floor: Floor) -> None:
    busy(floor)
    found = {}
    for who, path, drawn in PAGES:
        engine.fresh()
        tab = engine.tab()
        sign_in(tab, floor, who)
        tab.goto(floor.url + path)
        eventually(lambda tab=tab, drawn=drawn: tab.run(f"return !!document.querySelector('{drawn}');"))
        eventually(lambda tab=tab: tab.run(READY))
        for banner in (False, True):
            if banner:
                floor.server.stop()
                eventually(lambda tab=tab: not tab.run("return document.getElementById('banner').hidden;"))
            for width, height in SIZES:
                if path == "/cocina" and width < 600:
                    continue
                tab.size(width, height)
                if wrong := tab.run(FAULTS):
                    found[f"{path} {width}x{height} {'banner' if banner else ''}"] = wrong
        floor.server.start()
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


@pytest.mark.long
def test_the_pages_without_a_stream_fit_too(engine: Engine, floor: Floor) -> None:
    """Signing in, the start page, the log with all its filters and dates, an order of the waiter's."""
    order = busy(floor)
    tab, found = engine.tab(), {}

    def measure(name: str) -> None:
        for width, height in SIZES:
            tab.size(width, height)
            if wrong := tab.run(FAULTS):
                found[f"{name} {width}x{height}"] = wrong

    tab.goto(floor.url + "/login")
    measure("login")
    sign_in(tab, floor, MANAGER)
    tab.goto(floor.url + "/")
    measure("inicio")
    tab.goto(floor.url + "/manager/registro")
    eventually(lambda: tab.run("return !!document.querySelector('#events tr');"))
    measure("registro")
    tab.run("document.getElementById('more-button').click();")
    measure("registro, todos los filtros")
    tab.goto(f"{floor.url}/pos#pedido-{order['id']}")
    eventually(lambda: tab.run("return !!document.querySelector('.osheet .act');"))
    measure("pedido")
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


def test_back_shows_nothing_of_who_has_signed_out_while_the_service_does_not_answer(
    engine: Engine, floor: Floor
) -> None:
    floor.place()
    tab = engine.tab()
    sign_in(tab, floor, WAITER)
    tab.goto(floor.url + "/pos")
    eventually(lambda: tab.run("return !!document.querySelector('#tables [data-pedido-id]');"))
    tab.goto(floor.url + "/")
    tab.tap("#logout")
    eventually(lambda: tab.run("return location.pathname;") == "/login")
    floor.server.stop()
    tab.back()  # the start page, or the browser's own that nothing answers
    eventually(lambda: tab.run("return location.pathname;") != "/login")
    assert tab.run(SHOWS_NAMES) in (False, None)
