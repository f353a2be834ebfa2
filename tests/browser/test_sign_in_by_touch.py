"""A name and a PIN by touch: on the sign-in page, and above a page whose session has ended."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor, end_sessions, hold_time
from tests.browser.tickets import end_session_of
from tests.support.live_server import run_cli
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

KNOWN = "notif:personas"


def know(page: Any, *people: tuple[str, str], age_days: float = 0) -> None:
    """As if they had signed in on this device before."""
    kept = json.dumps([{"username": name, "rol": role} for name, role in people])
    page.add_init_script(
        f"if (!localStorage.getItem('{KNOWN}')) localStorage.setItem('{KNOWN}', JSON.stringify({kept}.map((one, i) =>"
        f" Object.assign(one, {{at: Date.now() - {age_days} * 86400000 - i}}))));"
    )


def shown(page: Any) -> list[str]:
    return page.locator("#names .person:not(.person--all)").evaluate_all(
        "nodes => nodes.map(node => node.innerText.replace(/\\s+/g, ' '))"
    )


def type_pin(page: Any, pin: str = PIN, scope: str = "#pad") -> None:
    for digit in pin:
        page.click(f"{scope} [data-key='{digit}']")
    page.click(f"{scope} [data-key=enter]")


def end_all_sessions(floor: Floor) -> None:
    end_sessions(floor.server)
    floor.forget_sessions()


def test_who_has_signed_in_here_touches_the_name_and_the_pin(page: Any, floor: Floor) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(floor.url + "/caja")
    page.fill("#username", CASHIER.lower())
    page.fill("#password", PIN)
    page.click("#login-submit")
    page.wait_for_url(floor.url + "/caja")
    page.goto(floor.url + "/")
    page.click("#logout")
    page.wait_for_selector("#names .person")
    assert shown(page) == [f"{CASHIER[0]} {CASHIER} Caja"]
    assert page.locator("#username").is_hidden()
    page.click("#names .person >> nth=0")
    assert page.locator("#names").is_hidden()
    expect(page.locator("#pad .pins i")).to_have_count(4)
    type_pin(page, "0000")
    expect(page.locator("#pad .pinmsg")).to_have_text(f"Ese no es el PIN de {CASHIER}.Quedan 4 intentos.")
    expect(page.locator("#pad .pins--wrong i")).to_have_count(4)
    page.click("#pad [data-key='2']")
    page.click("#pad [data-key='9']")
    page.click("#pad [data-key=erase]")
    expect(page.locator("#pad .pins .is-on")).to_have_count(1)
    assert page.locator("#pad .pins--wrong").count() == 0
    for digit in PIN[1:]:
        page.keyboard.press(digit)  # a keyboard is as good
    page.keyboard.press("Enter")
    page.wait_for_selector("#conexion")
    assert page.url == floor.url + "/caja"
    assert len(page.evaluate(f"JSON.parse(localStorage.getItem('{KNOWN}'))")) == 1


def test_nothing_is_sent_before_entrar_and_the_way_back_leads_to_the_names(page: Any, floor: Floor) -> None:
    know(page, (WAITER, "mesero"), (COOK, "cocinero"))
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(floor.url + "/login")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert shown(page) == ["J juan.perez Cocina", "K Karla Mesas"]
    page.click("#names .person >> nth=1")
    for digit in PIN:
        page.click(f"#pad [data-key='{digit}']")
    assert asked == []
    page.go_back()
    expect(page.locator("#names")).to_be_visible()
    page.click("#names .person >> nth=0")
    expect(page.locator("#pad .pinmsg")).to_be_visible()
    assert page.locator("#pad .pins .is-on").count() == 0
    page.click("#pad .enter__link")
    page.click(".person--all")
    assert page.locator("#username").is_visible()
    page.click("#form-back")
    assert page.locator("#names").is_visible()
    page.click("#names .person >> nth=0")
    page.click("#letters")
    assert page.locator("#username").input_value() == COOK
    type_url = page.url
    page.reload()
    assert "#pin" in type_url or page.locator("#names").is_visible()


@pytest.mark.parametrize("size", [(360, 640), (390, 844), (820, 1180), (1024, 600), (1280, 800)])
def test_keys_are_large_and_apart_and_everything_fits(page: Any, floor: Floor, size: tuple[int, int]) -> None:
    know(page, *[(f"Persona con un nombre largo {number}", "mesero") for number in range(12)])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(floor.url + "/login")
    for step in ("names", "pin"):
        assert page.evaluate("document.documentElement.scrollWidth") == size[0], step
        page.click("#names .person >> nth=0") if step == "names" else None
    boxes = [key.bounding_box() for key in page.locator("#pad .pad__key").all()]
    assert len(boxes) == 12
    assert all(box["height"] >= 64 and box["width"] >= 64 for box in boxes)
    assert all(b["x"] - a["x"] - a["width"] >= 11.9 for a, b in itertools.pairwise(boxes) if a["y"] == b["y"])
    assert boxes[3]["y"] - boxes[0]["y"] - boxes[0]["height"] >= 12
    assert boxes[-1]["y"] + boxes[-1]["height"] <= size[1]


def test_a_device_keeps_twelve_names_and_none_that_has_not_come_for_long(page: Any, floor: Floor) -> None:
    know(page, *[(f"P{number:02}", "mesero") for number in range(12)])
    page.goto(floor.url + "/login")
    assert len(shown(page)) == 12
    page.click(".person--all")
    page.fill("#username", WAITER)
    page.fill("#password", PIN)
    page.click("#login-submit")
    page.wait_for_selector("#conexion")
    kept = [one["username"] for one in page.evaluate(f"JSON.parse(localStorage.getItem('{KNOWN}'))")]
    assert kept == [WAITER, *[f"P{number:02}" for number in range(11)]]
    old = [{"username": "Vieja", "rol": "mesero", "at": 1}, {"username": 7}, None, {"username": "X", "rol": "jefe"}]
    page.evaluate(f"kept => localStorage.setItem('{KNOWN}', JSON.stringify(kept))", old)
    page.context.clear_cookies()
    page.goto(floor.url + "/login")
    assert shown(page) == []
    assert page.locator("#username").is_visible()


def test_a_restaurant_may_show_everybody(page: Any, make_server: Any) -> None:
    floor = Floor(make_server(login_names="true"))
    page.goto(floor.url + "/login")
    page.wait_for_selector("#names .person")
    assert shown(page) == ["J juan.perez Cocina", "K Karla Mesas", "M Marta Caja", "A Ana Gerencia"]
    page.click(f"[data-username={MANAGER}]")
    type_pin(page)
    page.wait_for_url(floor.url + "/manager")


def test_after_five_wrong_pins_the_pad_is_grey_and_counts_down_and_others_go_on(page: Any, floor: Floor) -> None:
    know(page, (WAITER, "mesero"), (COOK, "cocinero"))
    page.set_viewport_size({"width": 1024, "height": 600})
    page.goto(floor.url + "/login")
    page.click(f"[data-username={WAITER}]")
    for left in (4, 3, 2, 1):
        type_pin(page, "0000")
        expect(page.locator("#pad .pinmsg")).to_contain_text(
            f"Quedan {left} intentos." if left > 1 else "Queda 1 intento."
        )
    type_pin(page, "0000")
    expect(page.locator("#pad .pinmsg")).to_have_text(re.compile(r"^Bloqueado: espere 1[45]:\d\d"))
    assert page.locator("#pad .is-locked").count() == page.locator("#pad .pad.is-locked").count() == 1
    assert all(key.is_disabled() for key in page.locator("#pad .pad__key").all())
    before = page.locator("#pad .pinmsg .num").inner_text()
    expect(page.locator("#pad .pinmsg .num")).not_to_have_text(before)
    page.click(f"[data-username='{COOK}']")
    type_pin(page)
    page.wait_for_url(floor.url + "/cocina")


def test_another_person_goes_to_the_own_page(page: Any, floor: Floor) -> None:
    know(page, (WAITER, "mesero"))
    floor.open(page, CASHIER, "/caja")
    page.click("#leave")
    page.wait_for_url(floor.url + "/login*")
    page.click(f"[data-username={WAITER}]")
    type_pin(page)
    page.wait_for_url(floor.url + "/pos")
    page.goto(floor.url + "/")
    page.click("#logout")
    page.wait_for_url(floor.url + "/login*")
    page.goto(floor.url + "/login?next=/cocina")
    page.click(f"[data-username={WAITER}]")
    type_pin(page)
    page.wait_for_url(floor.url + "/pos")


def test_who_signs_out_leaves_nothing_on_the_other_tabs(page: Any, floor: Floor) -> None:
    floor.open(page, MANAGER, "/manager")
    other = page.context.new_page()
    other.goto(floor.url + "/")
    other.click("#logout")
    page.wait_for_url(re.compile("/login"))


BACK = """['pagehide', 'pageshow'].forEach(function (name) {
    window.dispatchEvent(new PageTransitionEvent(name, { persisted: true }));
});"""


def test_what_comes_back_from_the_browsers_memory_is_shown_to_the_same_person_alone(
    page: Any, floor: Floor, complaints: list[str]
) -> None:
    floor.server.create_user("Elena", "mesero", PIN)
    floor.place(mesa_numero=7)
    waiter = floor.open(page, WAITER, "/pos")
    expect(waiter.locator("#tables [data-pedido-id]")).to_be_visible()
    waiter.evaluate(BACK)
    expect(waiter.locator("#tables")).to_be_visible()
    floor.server.stop()
    waiter.evaluate(BACK)
    expect(waiter.locator(".cover")).to_have_text("Sin conexión")
    expect(waiter.locator("#tables")).to_be_hidden()
    floor.server.start()
    expect(waiter.locator("#tables")).to_be_visible()
    assert waiter.request.post(floor.url + "/api/auth/login", data={"username": "Elena", "password": PIN}).ok
    waiter.evaluate(BACK)
    expect(waiter.locator(".pane--home .pbar__title")).to_have_text("Elena")
    complaints.clear()


def test_a_sessions_end_keeps_the_board_and_the_same_person_goes_on(page: Any, floor: Floor) -> None:
    first = floor.place(mesa_numero=5)
    floor.open(page, COOK, "/cocina")
    ticket = page.locator(f'[data-pedido-id="{first["id"]}"]')
    ticket.wait_for()
    end_all_sessions(floor)
    page.wait_for_selector("#door")
    assert ticket.is_visible()
    assert page.url == floor.url + "/cocina"
    box = page.locator(".door__box")
    assert COOK in box.inner_text()
    expect(box.locator(".pin__note")).to_have_text(re.compile(r"^La sesión terminó. Esto es de las \d"))
    second = floor.place(mesa_numero=6)
    for key in "u11":  # are the pad's: on the board the second 1 would be INICIAR
        page.keyboard.press(key)
        page.keyboard.press("Backspace")
    type_pin(page, "1111", "#door")
    expect(box.locator(".pinmsg")).to_contain_text("Quedan 4 intentos.")
    assert page.locator("#banner").is_hidden()
    type_pin(page, PIN, "#door")
    page.wait_for_selector("#door", state="hidden")
    page.wait_for_selector(f'[data-pedido-id="{second["id"]}"]')
    page.wait_for_selector("#conexion[data-modo=sse]")
    assert page.locator("#shift").is_hidden()
    expect(ticket.locator(".ticket__do")).to_have_text(re.compile("^INICIAR"))
    ticket.locator(".ticket__do").click()
    eventually(lambda: floor.order(first["id"])["estado"] == "en_cocina")


def test_all_tabs_of_a_browser_come_back_with_one_pin(page: Any, floor: Floor) -> None:
    floor.open(page, WAITER, "/pos")
    other = page.context.new_page()
    other.goto(floor.url + "/pos")
    other.wait_for_selector("#conexion[data-modo=sse]")
    end_all_sessions(floor)
    for tab in (page, other):
        tab.wait_for_selector("#door")
    type_pin(page, PIN, "#door")
    for tab in (page, other):
        tab.wait_for_selector("#door", state="hidden")
        tab.wait_for_selector("#conexion[data-modo=sse]")


def test_who_signs_in_on_another_tab_is_not_shown_the_board_of_whose_session_has_ended(page: Any, floor: Floor) -> None:
    floor.place(mesa_numero=5)
    floor.open(page, WAITER, "/pos")
    page.wait_for_selector("#tables [data-pedido-id]")
    end_all_sessions(floor)
    page.wait_for_selector("#door")
    other = page.context.new_page()
    other.goto(floor.url + "/login")
    other.fill("#username", CASHIER)
    other.fill("#password", PIN)
    other.click("#login-submit")
    other.wait_for_selector("#conexion")
    expect(page.locator("body")).to_contain_text("Esta pantalla no es para su usuario.")
    assert page.locator("#tables").count() == 0


def test_ten_minutes_before_its_end_a_session_can_be_prolonged(page: Any, make_server: Any) -> None:
    floor = Floor(make_server(session_hours="0.5"))
    for who, path, notice in (
        (COOK, "/cocina", "#notice"), (CASHIER, "/caja", "#banner .obanner__do"),
        (MANAGER, "/manager/registro", "#banner .obanner__do"),
    ):  # fmt: skip
        ready = "#foot" if path == "/manager/registro" else "#conexion[data-modo=sse]"
        floor.open(page, who, path, ready=ready)
        assert page.locator(notice).count() == 0 or page.locator(notice).is_hidden()
        ends = page.evaluate("fetch('/api/auth/sesion').then(answer => answer.json()).then(session => session.expira)")
        hold_time(page, ends, seconds=-9 * 60 - 30)
        expect(page.locator(notice)).to_have_text("Su sesión termina en 10 min: toque para seguir")
        page.click(notice)
        page.click(".door__later")
        assert page.locator("#door").is_hidden()
        page.click(notice)
        page.evaluate("posNotif.clock.now = function () { return new Date().getTime(); }")
        type_pin(page, PIN, "#door")
        page.wait_for_selector("#door", state="hidden")
        page.wait_for_selector(ready)
        expect(page.locator(notice)).to_be_hidden()
    sessions = run_cli("session", "list", database=floor.server.database).stdout
    assert sessions.count(CASHIER) == 2


def test_the_log_asks_for_the_pin_too(page: Any, floor: Floor) -> None:
    floor.place(mesa_numero=5)
    page.context.request.post(f"{floor.url}/api/auth/login", data={"username": MANAGER, "password": PIN})
    page.goto(floor.url + "/manager/registro")
    page.wait_for_selector("#events tr")
    end_all_sessions(floor)
    eventually(lambda: page.context.request.get(floor.url + "/api/auth/sesion").status == 401)
    page.click("[data-preset=todo]")
    page.wait_for_selector("#door")
    type_pin(page, PIN, "#door")
    page.wait_for_selector("#door", state="hidden")
    page.wait_for_selector("#events tr")


@pytest.mark.parametrize("size", [(360, 640), (844, 390), (1024, 600), (820, 1180)])
def test_the_prompt_fits_on_every_screen(page: Any, floor: Floor, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    floor.open(page, WAITER, "/pos")
    end_session_of(page)
    page.wait_for_selector("#door")
    for node in page.locator("#door .pad__key, #door .enter__link, #door .pin__name").all():
        box = node.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= size[1]
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
