"""What the engines of browsers do each in its own way: connections that break, pages that are left and come back, many
tabs, what they grant to a tap. In Chromium, Firefox and WebKit."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import Restaurant
from tests.browser.network import Network
from tests.browser.tickets import item, order
from tests.support.engines import NEEDS, Engine, Tab, start
from tests.support.engines.firefox import Firefox
from tests.support.sound_server import COMMAND, SoundServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

MODE = "var node = document.getElementById('conexion'); return node && node.getAttribute('data-modo');"
TICKETS = """
  return Array.prototype.map.call(document.querySelectorAll('[data-pedido-id]'), function (node) {
    return Number(node.getAttribute('data-pedido-id'));
  }).sort();"""
# As the page at /login does, and the shift has begun.
SIGN_IN = """
  var request = new XMLHttpRequest();
  request.open('POST', '/api/auth/login', false);
  request.setRequestHeader('Content-Type', 'application/json');
  request.send(JSON.stringify({username: '%s', password: '%s'}));
  return request.status;"""
BEGIN_SHIFT = "sessionStorage.setItem('notif:turno:1', 'si');"
SOMEWHERE_ELSE = "/static/js/sw.js"
PLATE = "var node = document.getElementById('%s'); return node.hidden ? 'hidden' : node.getAttribute('data-activo');"
AWAKE, SOUND = PLATE % "awake", PLATE % "sonido"
SAID = "return document.getElementById('say').textContent;"
# The locks that the browser grants, so that one can be taken back as the system does.
KEEP_LOCKS = """
  var ask = WakeLock.prototype.request;   // WebKit may forget what was set at navigator.wakeLock itself
  window.locks = [];
  WakeLock.prototype.request = function (kind) {
    return ask.call(this, kind).then(function (lock) { locks.push(lock); return lock; });
  };"""
# Contexts as before 2015, which say of themselves no more than their clock; and how often the screen has flashed.
KEEP_CONTEXTS = """
  var resume = AudioContext.prototype.resume, flash = document.getElementById('flash');
  delete (window.BaseAudioContext || AudioContext).prototype.state;
  window.contexts = [];
  AudioContext.prototype.resume = function () { contexts.push(this); return resume.call(this); };
  window.flashes = 0;
  new MutationObserver(function () {
    if (flash.className !== 'flash') { flashes += 1; }
  }).observe(flash, {attributes: true});"""
# A device that hangs once it is to play.
HANG_WITH_THE_NEXT_TONE = """
  var start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (when) { start.call(this, when); this.context.suspend(); };"""


class EagerNetwork(Network):
    """Has a browser that lost its stream try again at once."""

    def _answered(self, data: bytes) -> tuple[bytes, bool]:
        return super()._answered(re.sub(rb"retry: \d{4}", b"retry: 0100", data))


@pytest.fixture(scope="module")
def device() -> Iterator[SoundServer | None]:
    """What the browsers play by, where it is installed; Firefox' audio clock stands still without."""
    if not shutil.which(COMMAND):
        yield None
        return
    server = SoundServer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "PULSE_SERVER", server.address)
        yield server
    server.close()


@pytest.fixture
def sound(device: SoundServer | None) -> SoundServer:
    if device is None:
        reason = "needs PulseAudio (Debian: apt-get install -y pulseaudio)"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    return device


@pytest.fixture(scope="module", params=NEEDS)
def running(request: Any, device: SoundServer | None) -> Iterator[Engine]:
    """One browser for all the tests of an engine."""
    engine = start(request.param, lambda: request.getfixturevalue("browser"))
    yield engine
    engine.close()


@pytest.fixture
def engine(running: Engine) -> Iterator[Engine]:
    yield running
    running.fresh()


@pytest.fixture
def restaurant(make_server: Any) -> Restaurant:
    return Restaurant(make_server(poll_seconds="0.3"))


@pytest.fixture
def network(restaurant: Restaurant) -> Iterator[Network]:
    with EagerNetwork(restaurant.server.port) as network:
        yield network


def kitchen(engine: Engine, url: str) -> Tab:
    """A tab on the kitchen's page, live."""
    tab = engine.tab()
    tab.goto(url + SOMEWHERE_ELSE)
    assert tab.run(SIGN_IN % (Restaurant.cook, Restaurant.pin)) == 200
    tab.run(BEGIN_SHIFT)
    tab.goto(url + "/cocina")
    eventually(lambda: mode(tab) == "sse")
    return tab


def mode(tab: Tab) -> str | None:
    return tab.run(MODE)


def shows(tab: Tab, *orders: int) -> Callable[[], bool]:
    """Each once: a ticket that is there twice is no match."""
    return lambda: tab.run(TICKETS) == list(orders)


def connections(restaurant: Restaurant) -> dict[str, int]:
    """By transport, of those that there are."""
    text = restaurant.server.request("GET", "/metrics")[2]
    found: Counter[str] = Counter()
    for transport, count in re.findall(r'^pos_notif_connections\{.*transport="(\w+)".*\} (\S+)$', text, re.MULTILINE):
        found[transport] += int(float(count))
    return {transport: count for transport, count in found.items() if count}


def test_signing_in_and_an_order(engine: Engine, restaurant: Restaurant) -> None:
    tab = engine.tab()
    tab.goto(restaurant.url + "/cocina")
    tab.write("#username", restaurant.cook)
    tab.write("#password", restaurant.pin)
    tab.tap("#login-submit")
    eventually(lambda: mode(tab) == "sse")
    tab.tap("#shift-go")
    restaurant.publish(order(1, item(10, "Pupusa revuelta", 3)))
    eventually(shows(tab, 1))
    text = tab.run("return document.querySelector('[data-pedido-id]').textContent;")
    assert "Mesa 5" in text
    assert "Pupusa revuelta" in text
    eventually(lambda: restaurant.server.request("GET", "/api/pedidos/1")[2]["pedido"]["por_acusar"] == [])


def test_a_service_that_is_killed_comes_back_without_a_doubled_ticket(engine: Engine, restaurant: Restaurant) -> None:
    tab = kitchen(engine, restaurant.url)
    restaurant.publish(order(1))
    eventually(shows(tab, 1))
    restaurant.server.kill()
    eventually(lambda: mode(tab) == "sin_conexion")
    restaurant.server.start()
    restaurant.publish(order(2))
    eventually(shows(tab, 1, 2))
    eventually(lambda: mode(tab) == "sse")
    restaurant.publish(order(3))
    eventually(shows(tab, 1, 2, 3))


def test_a_stream_that_is_torn_amid_an_order(engine: Engine, restaurant: Restaurant, network: Network) -> None:
    tab = kitchen(engine, network.url)
    restaurant.publish(order(1))
    eventually(shows(tab, 1))
    network.tear(after=4_000)
    restaurant.publish(
        order(2, *(item(number, "Pupusa de queso", notes="Sin curtido. " * 20) for number in range(1, 81)))
    )
    assert network.torn.wait(60)
    eventually(shows(tab, 1, 2))
    restaurant.publish(order(3))
    eventually(shows(tab, 1, 2, 3))
    lines = "[data-pedido-id='2'] [data-item-id], [data-parte-de='2'] [data-item-id]"
    assert tab.run(f'return document.querySelectorAll("{lines}").length;') == 80


def test_a_page_that_is_left_and_comes_back_has_one_stream(
    engine: Engine, restaurant: Restaurant, network: Network
) -> None:
    tab = kitchen(engine, network.url)
    for number in range(1, 8):
        tab.goto(network.url + SOMEWHERE_ELSE)
        restaurant.publish(order(number))
        tab.back()
        eventually(shows(tab, *range(1, number + 1)))
        eventually(lambda: mode(tab) == "sse")
    eventually(lambda: connections(restaurant) == {"sse": 1})


def test_ten_tabs_are_all_live_and_four_have_streams(engine: Engine, make_server: Any) -> None:
    restaurant = Restaurant(make_server())
    tabs = [kitchen(engine, restaurant.url)]
    for _ in range(9):
        tabs.append(engine.tab())
        tabs[-1].goto(restaurant.url + "/cocina")
    eventually(lambda: sorted(map(str, map(mode, tabs))) == ["polling"] * 6 + ["sse"] * 4)
    eventually(lambda: connections(restaurant) == {"sse": 4, "polling": 6})
    devices = restaurant.server.request("GET", "/api/notificaciones/estado")[2]["conexiones"]
    assert len({device["cliente"] for device in devices}) == 10
    restaurant.publish(order(1))
    for tab in tabs:
        eventually(shows(tab, 1))
    # What is asked of the service goes out. With ten streams it would wait for ever.
    assert tabs[-1].run(SIGN_IN % (Restaurant.cook, Restaurant.pin)) == 200
    assert mode(tabs[0]) == "sse"
    tabs.pop(0).close()
    eventually(lambda: list(map(mode, tabs)).count("sse") == 4)


def test_polling_where_no_stream_gets_through_and_back(
    engine: Engine, restaurant: Restaurant, network: Network
) -> None:
    tab = kitchen(engine, network.url)
    network.refused = b"/api/notificaciones/stream/"
    network.cut()
    eventually(lambda: mode(tab) == "polling")
    restaurant.publish(order(1))
    eventually(shows(tab, 1))
    network.refused = b""
    tab.run("window.dispatchEvent(new Event('online'));")
    eventually(lambda: mode(tab) == "sse")
    restaurant.publish(order(2))
    eventually(shows(tab, 1, 2))


def test_the_screen_is_kept_on_and_each_tap_asks_again_while_it_is_not(engine: Engine, restaurant: Restaurant) -> None:
    tab = engine.tab()
    tab.goto(restaurant.url + SOMEWHERE_ELSE)
    assert tab.run(SIGN_IN % (Restaurant.cook, Restaurant.pin)) == 200
    tab.goto(restaurant.url + "/cocina")
    assert tab.run(AWAKE) == "hidden"  # nothing is promised before it is granted
    tab.run(KEEP_LOCKS)
    tab.tap("#shift-go")
    eventually(lambda: tab.run(AWAKE) == "true")
    tab.run("return locks[0].release().then(function () { return true; });")
    eventually(lambda: tab.run(AWAKE) == "false")
    assert tab.run(SAID) == "La pantalla puede apagarse: toque el tablero."
    tab.tap("#board")
    eventually(lambda: tab.run(AWAKE) == "true")
    assert tab.run("return locks.length;") == 2
    # After a reload in mid-shift: at once where a browser grants it without a tap, else with the first.
    tab.goto(restaurant.url + "/cocina")
    tab.tap("#board")
    eventually(lambda: tab.run(AWAKE) == "true")


@pytest.mark.long
def test_a_device_that_plays_no_more_makes_the_screen_flash_until_a_tap(
    engine: Engine, restaurant: Restaurant, sound: SoundServer
) -> None:
    tab = kitchen(engine, restaurant.url)
    tab.run(KEEP_CONTEXTS)
    tab.tap("#board")
    eventually(lambda: tab.run(SOUND) == "true")
    tab.run("return contexts[0].suspend().then(function () { return true; });")
    eventually(lambda: tab.run(SOUND) == "false")
    restaurant.publish(order(1))
    eventually(lambda: tab.run("return flashes;") > 0)
    tab.tap("#board")
    eventually(lambda: tab.run(SOUND) == "true")
    assert tab.run("return contexts.length;") == 2
    # What it began to play is not heard either.
    before = tab.run("return flashes;")
    if not isinstance(engine, Firefox):
        # Its clock runs on while the server hangs, and a page that begins anew meanwhile hangs with it.
        tab.run(HANG_WITH_THE_NEXT_TONE)
    else:
        sound.hang()
    try:
        restaurant.publish(order(2))
        eventually(lambda: tab.run("return flashes;") > before)
        assert tab.run(SOUND) == "false"
    finally:
        sound.go_on()
    if isinstance(engine, Firefox):
        eventually(lambda: tab.run(SOUND) == "true")
