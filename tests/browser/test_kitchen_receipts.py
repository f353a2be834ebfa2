"""What the kitchen page tells the service: which events a cook can see, and which cancellations were understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.floor import hold_time
from tests.browser.network import Network
from tests.browser.tickets import SOMEBODY, change, ids, item, order, ticket, until
from tests.support.stopwatch import Stopwatch

pytestmark = pytest.mark.browser

HIDE = """
    window.isHidden = true;
    Object.defineProperty(document, 'hidden', { get: function () { return window.isHidden; } });
"""
SHOW = "window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'));"


def state(restaurant: Any, order_id: int) -> dict[str, Any]:
    return restaurant.server.request("GET", f"/api/pedidos/{order_id}")[2]["pedido"]


def receipts(restaurant: Any, order_id: int) -> list[dict[str, Any]]:
    events = restaurant.server.request("GET", f"/api/pedidos/{order_id}")[2]["eventos"]
    return [event for event in events if event["tipo"] == "acuse_recibo"]


def acknowledged(restaurant: Any, order_id: int) -> bool:
    pedido = state(restaurant, order_id)
    return pedido["por_acusar"] == [] and "visto_at" in pedido


@pytest.fixture
def calls(page: Any) -> list[dict[str, Any]]:
    """The receipts that the page sends, by whichever way."""
    sent: list[dict[str, Any]] = []
    page.on("request", lambda request: request.url.endswith("/acuses") and sent.append(request.post_data_json))
    return sent


@pytest.fixture
def other_tablet(browser: Any, restaurant: Any) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    yield page
    context.close()


def unacknowledged(restaurant: Any) -> set[int]:
    orders = restaurant.server.request("GET", "/api/pedidos?vista=cocina")[2]["pedidos"]
    return {pedido["id"] for pedido in orders if pedido["por_acusar"]}


def in_sight(page: Any) -> set[int]:
    """The tickets whose heads lie whole between the bar and the foot strip, measured here."""
    return set(
        page.evaluate(
            "() => { const bottom = s => document.querySelector(s).getBoundingClientRect();"
            "  return [...document.querySelectorAll('[data-pedido-id]')].filter(ticket => {"
            "    const head = ticket.querySelector('.ticket__head').getBoundingClientRect();"
            "    const whole = ticket.getBoundingClientRect().top >= bottom('.kbar').bottom - 1;"
            "    return whole && head.bottom <= bottom('.kfoot').top + 1;"
            "  }).map(ticket => Number(ticket.dataset.pedidoId)); }"
        )
    )


@pytest.mark.parametrize("observed", [True, False])
def test_of_two_hundred_tickets_none_is_acknowledged_that_was_not_in_sight(
    page: Any, restaurant: Any, observed: bool
) -> None:
    everything = set(range(1, 201))
    restaurant.publish(*(order(number) for number in everything))
    if not observed:
        page.add_init_script("delete window.IntersectionObserver;")
    page.clock.install()
    page.add_init_script(SOMEBODY)
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    ticket(page, 200).wait_for(state="attached")
    shown: set[int] = set()
    for scrolled in (0, 3000, 20_000):
        end = page.evaluate(
            "by => Math.min(scrollY + by, document.documentElement.scrollHeight - innerHeight)", scrolled
        )
        page.mouse.wheel(0, scrolled)
        until(page, lambda end=end: page.evaluate("scrollY") >= end - 1)
        shown |= in_sight(page)
        until(page, lambda shown=shown: not shown & unacknowledged(restaurant))
        page.clock.run_for(2000)
        assert unacknowledged(restaurant) == everything - shown
    assert 10 < len(shown) < 50
    # What is cancelled out of sight is not seen either, and then it is touched by a key.
    page.mouse.wheel(0, -100_000)
    until(page, lambda: page.evaluate("scrollY") == 0)
    last = max(shown)
    restaurant.publish({"tipo": "pedido_cancelado", "pedido_id": last})
    page.wait_for_selector(f'[data-pedido-id="{last}"][data-estado=cancelado]', state="attached")
    page.clock.run_for(2000)
    assert state(restaurant, last)["por_acusar"] != []


def test_of_a_change_the_line_is_to_be_in_sight_too(page: Any, restaurant: Any) -> None:
    page.clock.install()
    page.add_init_script(SOMEBODY)
    page.set_viewport_size({"width": 360, "height": 640})
    restaurant.publish(order(1, *(item(number, "Pupusa de queso") for number in range(1, 21))))
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    until(page, lambda: acknowledged(restaurant, 1))
    quantity = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}
    restaurant.publish({"tipo": "item_modificado", "pedido_id": 1, "item_id": 20, "cambios": quantity})
    ticket(page, 1).locator(".line--changed").wait_for(state="attached")
    until(page, lambda: page.evaluate("document.querySelector('.ticket__head').isInSight"))
    page.clock.run_for(2500)
    assert not acknowledged(restaurant, 1)
    page.mouse.wheel(0, 100_000)
    until(page, lambda: acknowledged(restaurant, 1))


def test_what_is_touched_is_acknowledged(page: Any, restaurant: Any) -> None:
    page.add_init_script(HIDE)  # nothing is in sight of anybody
    restaurant.sign_in(page)
    restaurant.publish(order(1), order(2), order(3))
    page.goto(restaurant.url + "/cocina")
    ticket(page, 1).locator(".ticket__head").click()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    until(page, lambda: acknowledged(restaurant, 1) and acknowledged(restaurant, 2))
    assert not acknowledged(restaurant, 3)


def test_what_was_in_sight_is_acknowledged_once(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1, item(10, "Pupusa", 2)), order(2))
    until(kitchen, lambda: acknowledged(restaurant, 1) and acknowledged(restaurant, 2))
    quantity = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}
    restaurant.publish(
        {"tipo": "item_modificado", "pedido_id": 1, "item_id": 10, "cambios": quantity},
        change(1, "en_cocina"),
        change(2, "cancelado"),
    )
    until(kitchen, lambda: acknowledged(restaurant, 1) and acknowledged(restaurant, 2))
    kitchen.reload()
    ticket(kitchen, 1).wait_for()
    restaurant.publish(order(3))
    until(kitchen, lambda: acknowledged(restaurant, 3))
    assert [[one["evento_id"] for one in receipts(restaurant, id)] for id in (1, 2, 3)] == [[1, 5], [2, 7], [10]]
    assert receipts(restaurant, 1)[0]["actor"]["username"] == restaurant.cook


def test_what_comes_together_is_acknowledged_together(page: Any, restaurant: Any, calls: list[Any]) -> None:
    restaurant.publish(*(order(number) for number in range(1, 6)))
    page.add_init_script("delete window.WebSocket;")
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    until(page, lambda: acknowledged(restaurant, 5))
    restaurant.publish(*(order(number) for number in range(6, 9)))
    until(page, lambda: acknowledged(restaurant, 8))
    until(page, lambda: len(calls) >= 2)  # the service may have it before the test is told of it
    assert [sorted(call["evento_ids"]) for call in calls] == [[1, 2, 3, 4, 5], [11, 12, 13]]


def test_a_hidden_page_acknowledges_when_it_is_seen(page: Any, restaurant: Any) -> None:
    page.add_init_script(HIDE)
    page.clock.install()
    restaurant.sign_in(page)
    restaurant.publish(order(1))
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    restaurant.publish(order(2), order(3))
    ticket(page, 3).wait_for()
    restaurant.publish(change(3, "servido"))
    ticket(page, 3).wait_for(state="detached")
    page.clock.run_for(3000)
    assert [len(state(restaurant, id)["por_acusar"]) for id in (1, 2, 3)] == [1, 1, 1]
    page.evaluate(SHOW)
    until(page, lambda: acknowledged(restaurant, 1) and acknowledged(restaurant, 2))
    assert receipts(restaurant, 3) == []  # it had gone before anybody could see it


@pytest.mark.parametrize("cover", ["pin", "cover"])
def test_what_is_covered_is_not_in_sight(page: Any, restaurant: Any, cover: str) -> None:
    page.clock.install()
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    restaurant.publish(order(1))
    until(page, lambda: acknowledged(restaurant, 1))
    if cover == "pin":
        ends = page.evaluate("fetch('/api/auth/sesion').then(answer => answer.json()).then(session => session.expira)")
        hold_time(page, ends, seconds=-5 * 60)
        page.clock.run_for(1000)  # as often it is looked how long the session lasts
        page.locator("#notice").click()
        page.wait_for_selector("#door .pad")
    else:
        page.route("**/api/auth/sesion", lambda route: None)  # it is asked whether the same person is here still
        page.evaluate(
            "['pagehide', 'pageshow'].forEach(kind => dispatchEvent(new PageTransitionEvent(kind, {persisted: true})))"
        )
    restaurant.publish(order(2), change(1, "cancelado"))
    ticket(page, 2).wait_for(state="attached")
    page.clock.run_for(5000)
    assert [len(state(restaurant, id)["por_acusar"]) for id in (1, 2)] == [1, 1]
    if cover == "pin":
        page.get_by_role("button", name="Ahora no").click()
    else:
        page.evaluate("document.documentElement.className = ''")
    until(page, lambda: acknowledged(restaurant, 2) and state(restaurant, 1)["por_acusar"] == [])


def test_entendido_clears_the_ticket_on_every_tablet(kitchen: Any, other_tablet: Any, restaurant: Any) -> None:
    restaurant.publish(order(1), order(2), {"tipo": "pedido_cancelado", "pedido_id": 1, "razon": "Se retiraron"})
    for tablet in (kitchen, other_tablet):
        tablet.wait_for_selector('[data-pedido-id="1"][data-estado=cancelado]')
        assert "Se retiraron" in ticket(tablet, 1).inner_text()
    ticket(kitchen, 1).get_by_role("button", name="ENTENDIDO").click()
    with Stopwatch() as watch:
        ticket(kitchen, 1).wait_for(state="detached")
    assert watch.seconds < 2  # at once
    ticket(other_tablet, 1).wait_for(state="detached")
    assert "entendido_at" in state(restaurant, 1)
    for tablet in (kitchen, other_tablet):
        tablet.reload()
        ticket(tablet, 2).wait_for()
        assert ids(tablet) == [2]


@pytest.mark.parametrize("seen", [False, True])
def test_entendido_of_a_cancellation_that_was_loaded(page: Any, restaurant: Any, seen: bool) -> None:
    restaurant.publish(order(1), order(2), {"tipo": "pedido_cancelado", "pedido_id": 1})
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    until(page, lambda: acknowledged(restaurant, 1))
    if seen:
        page.reload()
    ticket(page, 1).get_by_role("button", name="ENTENDIDO").click()
    until(page, lambda: "entendido_at" in state(restaurant, 1))
    assert ids(page) == [2]


def test_a_cancellation_after_a_recall_is_shown_again(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1), change(1, "cancelado"))
    ticket(kitchen, 1).get_by_role("button", name="ENTENDIDO").click()
    until(kitchen, lambda: "entendido_at" in state(restaurant, 1))
    restaurant.publish(change(1, "en_cocina", recuperado=True), {"tipo": "pedido_cancelado", "pedido_id": 1})
    kitchen.wait_for_selector('[data-pedido-id="1"][data-estado=cancelado]')


@pytest.mark.parametrize("loaded", [False, True])
def test_entendido_without_a_connection_is_sent_later(page: Any, restaurant: Any, loaded: bool) -> None:
    restaurant.sign_in(page)
    with Network(restaurant.server.port) as network:
        page.goto(network.url + "/cocina")
        page.wait_for_selector("#conexion[data-modo=sse]")
        restaurant.publish(order(1), order(2), {"tipo": "pedido_cancelado", "pedido_id": 1})
        until(page, lambda: acknowledged(restaurant, 1))
        if loaded:  # then it has to ask first which event that was
            page.reload()
            ticket(page, 1).wait_for()
        network.up = False
        network.cut()
        page.wait_for_timeout(700)  # until the button that was another takes a tap
        ticket(page, 1).get_by_role("button", name="ENTENDIDO").click()
        until(page, lambda: ids(page) == [2])
        page.wait_for_timeout(300)
        assert "entendido_at" not in state(restaurant, 1)
        network.up = True
        until(page, lambda: "entendido_at" in state(restaurant, 1))
        assert ids(page) == [2]


def test_an_entendido_that_is_refused_shows_the_ticket_again(page: Any, restaurant: Any) -> None:
    page.add_init_script("delete window.WebSocket;")
    refusal = '{"error": {"codigo": "datos_invalidos", "mensaje": "No."}}'
    page.route(
        "**/acuses",
        lambda route: (
            route.fulfill(status=422, content_type="application/json", body=refusal)
            if route.request.post_data_json.get("entendido")
            else route.continue_()
        ),
    )
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    restaurant.publish(order(1), change(1, "cancelado"))
    button = ticket(page, 1).get_by_role("button", name="ENTENDIDO")
    button.wait_for()
    page.evaluate(
        "window.gone = false; new MutationObserver(function () {"
        "  if (!document.querySelector('[data-pedido-id=\"1\"]')) { window.gone = true; }"
        "}).observe(document.getElementById('columns'), { childList: true, subtree: true });"
    )
    with page.expect_response("**/acuses"):
        button.click()
    button.wait_for()
    until(page, lambda: page.evaluate("window.gone"))
