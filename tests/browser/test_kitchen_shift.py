"""INICIAR TURNO: what one tap unlocks, what is told where a browser cannot, and that nobody has seen what it covers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import real_time, slow_time
from tests.browser.tickets import NOTE_FLASHES, change, has_flashed, item, order, ticket, until

pytestmark = pytest.mark.browser

# What the page asks of the browser, in this order; a test's browser has no screen to keep awake or to fill.
RECORD = """
    window.asked = [];
    Element.prototype.requestFullscreen = function () { asked.push('pantalla completa'); return Promise.resolve(); };
    Object.defineProperty(Navigator.prototype, 'wakeLock', { configurable: true, value: {
      request: function (kind) { asked.push('despierta: ' + kind); return Promise.resolve(new EventTarget()); }
    } });
"""
HTTP_IN_A_LAN = """
    Object.defineProperty(window, 'isSecureContext', { value: false });
    delete Navigator.prototype.wakeLock;
    delete Element.prototype.requestFullscreen;
    delete Element.prototype.webkitRequestFullscreen;
    delete Element.prototype.webkitRequestFullScreen;
"""
# Each tone as the pitches of its notes.
TONES = """
    window.tones = [];
    (function () {
      var start = OscillatorNode.prototype.start, at = 0;
      OscillatorNode.prototype.start = function (when) {
        if (!tones.length || when - at > 0.4) { tones.push([]); }
        at = when;
        tones[tones.length - 1].push(Math.round(this.frequency.value));
        return start.call(this, when);
      };
    }());
"""
NEW, CHANGED, CANCELLED = [880, 1319], [988, 988], [659, 440]
ALARM = [1175, 784, 1175, 784, 1175]


def waiting(restaurant: Any, order_id: int) -> list[int]:
    return restaurant.server.request("GET", f"/api/pedidos/{order_id}")[2]["pedido"]["por_acusar"]


def test_one_tap_starts_the_shift(page: Any, restaurant: Any) -> None:
    page.add_init_script(RECORD)
    restaurant.sign_in(page, in_shift=False)
    restaurant.publish(order(1), order(2))
    page.goto(restaurant.url + "/cocina")
    expect(page.locator("#shift-title")).to_have_text("2 pedidos esperan en cocina")
    expect(page.locator("#shift-awake-text")).to_have_text("Se pide al iniciar el turno.")
    expect(page.locator("#awake")).to_be_hidden()
    page.evaluate(NOTE_FLASHES)
    restaurant.publish(order(3))
    until(page, lambda: has_flashed(page))  # what comes is told, although it cannot sound yet
    expect(page.locator("#shift-title")).to_have_text("3 pedidos esperan en cocina")
    page.keyboard.press("1")
    page.keyboard.press("1")  # means nothing under the cover
    page.wait_for_timeout(1600)  # longer than what is in sight counts as unseen
    assert [len(waiting(restaurant, number)) for number in (1, 2, 3)] == [1, 1, 1]
    assert restaurant.server.request("GET", "/api/pedidos/1")[2]["pedido"]["estado"] == "en_mesa"
    assert page.evaluate("asked") == []
    page.keyboard.press("Enter")  # the button has the focus
    page.wait_for_selector("#sonido[data-activo=true]")
    expect(page.locator("#shift")).to_be_hidden()
    assert page.evaluate("asked") == ["despierta: screen", "pantalla completa"]  # WebKit grants nothing after that
    until(page, lambda: [waiting(restaurant, number) for number in (1, 2, 3)] == [[], [], []])
    # A reload in mid-shift shows the board at once; the first tap, wherever it is, unlocks the sound.
    page.reload()
    ticket(page, 1).wait_for()
    expect(page.locator("#shift")).to_be_hidden()
    assert page.evaluate("asked") == ["despierta: screen"]
    expect(page.locator("#sonido")).to_contain_text("Toque para activar el sonido")
    ticket(page, 2).locator(".ticket__head").click()
    page.wait_for_selector("#sonido[data-activo=true]")
    page.keyboard.press("m")
    ticket(page, 3).locator(".ticket__head").click()
    expect(page.locator("#sonido")).to_contain_text("Silencio")  # a tap elsewhere does not end it
    # The next session is another shift.
    restaurant.revoke_sessions()
    page.wait_for_selector("#door .pad")
    restaurant.sign_in(page, in_shift=False)
    page.goto(restaurant.url + "/cocina")
    expect(page.locator("#shift")).to_be_visible()


def test_what_needs_https_is_told_and_the_shift_starts_without(page: Any, restaurant: Any) -> None:
    page.add_init_script(HTTP_IN_A_LAN)
    restaurant.sign_in(page, in_shift=False)
    page.goto(restaurant.url + "/cocina")
    expect(page.locator("#shift-title")).to_have_text("Ningún pedido espera")
    expect(page.locator("#shift-awake.is-warn")).to_contain_text(
        "Aquí no se puede: la dirección no es segura. Ponga la tableta en «nunca apagar»."
    )
    expect(page.locator("#shift-full.is-warn")).to_contain_text("Este navegador no la tiene.")
    page.click("#sonido")  # the bar is not covered, and a tap there starts the shift too
    page.wait_for_selector("#sonido[data-activo=true]")
    expect(page.locator("#shift")).to_be_hidden()
    restaurant.publish(order(1))
    until(page, lambda: waiting(restaurant, 1) == [])


REFUSES = """
    window.asked = 0;
    Object.defineProperty(Navigator.prototype, 'wakeLock', { configurable: true, value: {
      request: function () { asked++; return Promise.reject(new DOMException('no', 'NotAllowedError')); }
    } });
"""
KIOSK = "window.fully = {};"


@pytest.mark.parametrize("browser_is", [HTTP_IN_A_LAN, REFUSES])
def test_an_app_that_keeps_the_screen_on_itself_is_believed(page: Any, restaurant: Any, browser_is: str) -> None:
    page.add_init_script(KIOSK + browser_is)
    restaurant.sign_in(page, in_shift=False)
    page.goto(restaurant.url + "/cocina")
    expect(page.locator("#shift-awake-text")).to_have_text("La mantiene encendida la aplicación de la tableta.")
    expect(page.locator("#shift-awake")).not_to_have_class("is-warn")
    page.click("#shift-go")
    page.wait_for_selector("#sonido[data-activo=true]")
    if browser_is == REFUSES:
        until(page, lambda: page.evaluate("asked") > 0)
    expect(page.locator("#awake")).to_be_hidden()
    assert "La pantalla puede apagarse" not in page.inner_text("body")


HANGS = """
    window.asked = 0;
    Object.defineProperty(Navigator.prototype, 'wakeLock', { configurable: true, value: {
      request: function () { asked++; return new Promise(function () {}); }
    } });
"""


def test_a_lock_of_which_nothing_is_heard_is_asked_for_again(page: Any, restaurant: Any) -> None:
    """By the next tap, but not by each of two taps in a row; and nothing says meanwhile that the screen stays lit."""
    page.add_init_script(HANGS)
    restaurant.sign_in(page, in_shift=False)
    page.clock.install()
    page.goto(restaurant.url + "/cocina")
    page.locator("#shift-go").wait_for()
    page.evaluate("globalThis.__pwClock.controller.pauseAt(Date.now() + 1000)")  # or the second may be over in between
    page.click("#shift-go")
    page.keyboard.press("m")
    assert page.evaluate("asked") == 1
    expect(page.locator("#awake")).to_have_attribute("data-activo", "false")
    page.clock.fast_forward(1_100)
    page.keyboard.press("m")
    assert page.evaluate("asked") == 2


LOCKS = """
    window.locks = [];
    Object.defineProperty(Navigator.prototype, 'wakeLock', { configurable: true, value: {
      request: function () { locks.push(new EventTarget()); return Promise.resolve(locks[locks.length - 1]); }
    } });
"""


def test_a_page_that_is_shown_again_asks_for_the_lock_that_was_taken_by_itself(page: Any, restaurant: Any) -> None:
    page.add_init_script(LOCKS)
    restaurant.sign_in(page, in_shift=False)
    page.goto(restaurant.url + "/cocina")
    page.click("#shift-go")
    expect(page.locator("#awake")).to_have_attribute("data-activo", "true")
    page.evaluate("locks[0].dispatchEvent(new Event('release'))")  # as of a page that is hidden
    expect(page.locator("#awake")).to_have_attribute("data-activo", "false")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#awake")).to_have_attribute("data-activo", "true")
    assert page.evaluate("locks.length") == 2


RETURNED = """() => {
  var real = window.setTimeout, later = [], missed = new posNotif.Missed(function () {}, null), old, found;
  window.setTimeout = function (call) { later.push(call); };
  missed.onMode(true);
  missed.onMode(false);
  window.setTimeout = real;
  old = posNotif.clock.now() - 34 * 3600000;
  found = [missed.covers(old)];
  later.forEach(function (call) { call(); });
  return found.concat(missed.covers(old));
}"""


def test_what_comes_after_the_clock_was_set_back_is_no_missed_news_for_long(kitchen: Any) -> None:
    assert kitchen.evaluate(RETURNED) == [True, False]


STOP_WITH_THE_NEXT_TONE = """() => {
  const start = OscillatorNode.prototype.start, sound = posNotif.Sound.prototype;
  const ring = sound._ring, flash = sound._flash;
  let rung = 0;
  OscillatorNode.prototype.start = function (...all) { this.context.suspend(); start.apply(this, all); };
  sound._ring = function (name) { rung += 1; ring.call(this, name); };
  sound._flash = function () { window.rungBeforeFlash = window.rungBeforeFlash || rung; flash.call(this); };
}"""


def test_where_the_device_stops_what_was_not_heard_to_its_end_flashes_and_what_was_does_not(
    page: Any, restaurant: Any
) -> None:
    page.add_init_script(
        "window.contexts = []; window.AudioContext = class extends AudioContext {"
        "  constructor(...all) { super(...all); contexts.push(this); } };"
    )
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    page.click("#board", position={"x": 5, "y": 300})
    page.wait_for_selector("#sonido[data-activo=true]")
    slow_time(page)  # what nobody touches rings again after 20 s
    page.evaluate(NOTE_FLASHES)
    restaurant.publish(order(1))
    ticket(page, 1).wait_for()
    begun = page.evaluate("contexts[0].currentTime")
    until(page, lambda: page.evaluate("contexts[0].currentTime") > begun + 3)  # the tone takes half a second
    page.evaluate("contexts[0].suspend()")
    page.wait_for_selector("#sonido[data-activo=false]")
    assert not has_flashed(page)
    page.click("#board", position={"x": 5, "y": 300})
    page.wait_for_selector("#sonido[data-activo=true]")
    assert not has_flashed(page)
    page.evaluate(STOP_WITH_THE_NEXT_TONE)
    restaurant.publish(order(2))
    until(page, lambda: has_flashed(page))
    assert page.evaluate("rungBeforeFlash") == 1  # by itself, and not since it was to ring again


@pytest.mark.faults
def test_each_kind_of_news_has_its_tone_and_what_was_missed_has_one(page: Any, restaurant: Any) -> None:
    page.add_init_script(TONES)
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    page.click("#board", position={"x": 5, "y": 300})
    page.wait_for_selector("#sonido[data-activo=true]")

    def heard(*tones: list[int]) -> None:
        until(page, lambda: page.evaluate("tones.length") >= len(tones))
        assert page.evaluate("tones") == list(tones)

    restaurant.publish(order(1, item(10, "Pupusa", 2)), order(2))
    heard(NEW)
    quantity = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}
    restaurant.publish({"tipo": "item_modificado", "pedido_id": 1, "item_id": 10, "cambios": quantity})
    heard(NEW, CHANGED)
    restaurant.publish({"tipo": "pedido_cancelado", "pedido_id": 1})
    heard(NEW, CHANGED, CANCELLED)
    slow_time(page)
    ticket(page, 2).get_by_role("button", name="INICIAR").click()
    ticket(page, 2).get_by_role("button", name="LISTO").click()
    page.wait_for_selector('[data-pedido-id="2"][data-estado=listo]')
    real_time(page)
    heard(NEW, CHANGED, CANCELLED)  # nothing for what was tapped here
    restaurant.server.kill()
    heard(NEW, CHANGED, CANCELLED, ALARM)
    page.context.set_offline(True)  # or it may be back before they are published
    restaurant.server.start()
    restaurant.publish(order(3), change(3, "cancelado"), order(4), order(5))
    page.context.set_offline(False)
    page.get_by_text("Mientras no había conexión: 3 nuevos, 1 cancelado").wait_for()
    heard(NEW, CHANGED, CANCELLED, ALARM, NEW)
    page.wait_for_timeout(500)  # longer than what was missed is gathered
    heard(NEW, CHANGED, CANCELLED, ALARM, NEW)
