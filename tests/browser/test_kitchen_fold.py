"""Nothing on the kitchen's board is below the fold unseen: what the foot strip tells, what is shown by itself, the
letter that makes more tickets whole, and tickets that are taller than the board."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tickets import (
    SOMEBODY,
    answered,
    change,
    item,
    nobody_is_at_it,
    order,
    somebody_is_at_it,
    ticket,
    until,
)

pytestmark = pytest.mark.browser

# The tickets that lie whole between the bar and the foot strip.
WHOLE = """
() => {
  const top = document.querySelector('.kbar').getBoundingClientRect().bottom;
  const bottom = document.querySelector('.kfoot').getBoundingClientRect().top;
  return [...document.querySelectorAll('[data-pedido-id]')].filter(ticket => {
    const box = ticket.getBoundingClientRect();
    return box.top >= top - 1 && box.bottom <= bottom + 1;
  }).map(ticket => Number(ticket.dataset.pedidoId)).sort((a, b) => a - b);
}
"""


# What is whole when the board has just moved by itself; and then a tap that was meant for what lay there before, which
# is none. In the page: three quarters of a second later it would be one.
TAP_WHEN_MOVED = (
    """
() => {
  const fold = posNotif.Fold.prototype, move = fold._byItself;
  fold._byItself = function (y) {
    fold._byItself = move;
    move.call(this, y);
    window.whole = look();
    document.querySelector('[data-pedido-id="10"] .ticket__do').click();
  };
  const look = """
    + WHOLE
    + "}"
)


def three_lines(id: int) -> dict[str, Any]:
    dishes = ("Pupusa de queso", "Yuca frita", "Horchata")
    return order(id, *(item(id * 10 + n, dish, n + 1) for n, dish in enumerate(dishes)), mesa_numero=id)


def seen(restaurant: Any, order_id: int) -> bool:
    return restaurant.server.request("GET", f"/api/pedidos/{order_id}")[2]["pedido"]["por_acusar"] == []


def scrolled(page: Any) -> float:
    return page.evaluate("scrollY")


def test_what_lies_below_is_told_and_shown(page: Any, restaurant: Any) -> None:
    page.set_viewport_size({"width": 1024, "height": 600})
    restaurant.publish(*(three_lines(number) for number in range(1, 12)))
    restaurant.sign_in(page)
    page.add_init_script(SOMEBODY)  # from the beginning: it may take so long that it would be shown by itself
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    until(page, lambda: scrolled(page) == 0)
    expect(page.locator("#below")).to_have_text("5 más abajo")
    page.click("#below")
    until(page, lambda: scrolled(page) > 0 and page.evaluate(WHOLE) == [7, 8, 9, 10, 11])
    expect(page.locator("#below")).to_have_text("6 más arriba")
    page.click("#below")
    until(page, lambda: scrolled(page) == 0)
    nobody_is_at_it(page)
    until(page, lambda: seen(restaurant, 11) and scrolled(page) == 0)

    # While somebody is at it, the newest stands in the strip.
    page.clock.install()
    somebody_is_at_it(page)
    cancelled = {"tipo": "pedido_cancelado", "pedido_id": 9, "razon": "Se fueron"}
    restaurant.publish(three_lines(12), three_lines(13), cancelled)
    expect(page.locator("#below")).to_have_text("7 más abajo · 2 nuevos · 1 cancelado")
    expect(page.locator("#unseen")).to_have_text("CANCELADOMesa 9#9")
    page.clock.run_for(5000)
    assert scrolled(page) == 0
    assert not seen(restaurant, 9)
    page.click("#unseen")
    until(page, lambda: seen(restaurant, 9))
    assert 9 in page.evaluate(WHOLE)
    assert scrolled(page) > 0
    page.keyboard.press("1")  # by a key the board goes where its ticket is
    until(page, lambda: scrolled(page) == 0)
    page.keyboard.press("Escape")
    nobody_is_at_it(page)
    until(page, lambda: seen(restaurant, 13) and scrolled(page) == 0)

    # Nobody is: it is shown, and the board goes back.
    somebody_is_at_it(page)
    restaurant.publish({"tipo": "pedido_cancelado", "pedido_id": 10, "razon": "Se fueron"})
    expect(page.locator("#unseen")).to_have_text("CANCELADOMesa 10#10")
    page.evaluate(TAP_WHEN_MOVED)
    nobody_is_at_it(page)
    page.clock.run_for(3500)
    until(page, lambda: 10 in page.evaluate("window.whole || []"))
    until(page, lambda: seen(restaurant, 10))
    assert "entendido_at" not in restaurant.server.request("GET", "/api/pedidos/10")[2]["pedido"]
    page.clock.run_for(3500)
    until(page, lambda: scrolled(page) == 0)
    expect(page.locator("#unseen")).to_be_hidden()


def test_many_orders_at_once_are_all_shown_before_an_alarm(page: Any, restaurant: Any) -> None:
    """Nobody touches the tablet. Counted in looks, of which there are four a second, 80 before the alarm."""
    page.set_viewport_size({"width": 1024, "height": 600})
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    page.evaluate(
        "() => { window.looks = 0; const { look } = posNotif.Sight.prototype, { add } = posNotif.Receipts.prototype;"
        "  posNotif.Sight.prototype.look = function () { window.looks++; look.call(this); };"
        "  posNotif.Receipts.prototype.add = function (ids) { window.told = window.looks; add.call(this, ids); }; }"
    )
    restaurant.publish(*(three_lines(number) for number in range(1, 16)))
    ticket(page, 15).wait_for(state="attached")
    begun = page.evaluate("looks")
    until(page, lambda: all(seen(restaurant, number) for number in range(15, 0, -1)))
    assert page.evaluate("told") - begun < 80
    until(page, lambda: page.evaluate("document.getElementById('unseen').hidden && scrollY === 0"))


def boxes(page: Any, scope: str) -> list[list[dict[str, float]]]:
    return page.evaluate(
        "scope => [...document.querySelectorAll(scope)].map(part => [...part.querySelectorAll('button')].map("
        "  button => button.getBoundingClientRect().toJSON()).filter(box => box.width))",
        scope,
    )


def distance(a: dict[str, float], b: dict[str, float]) -> float:
    across = max(b["x"] - a["x"] - a["width"], a["x"] - b["x"] - b["width"])
    down = max(b["y"] - a["y"] - a["height"], a["y"] - b["y"] - b["height"])
    return max(across, down)


def nearest(groups: list[list[dict[str, float]]]) -> float:
    return min(distance(a, b) for group in groups for index, a in enumerate(group) for b in group[index + 1 :])


def test_each_tablet_has_its_letter(page: Any, browser: Any, restaurant: Any) -> None:
    page.set_viewport_size({"width": 1024, "height": 600})
    restaurant.publish(*(three_lines(number) for number in range(1, 12)), change(1, "en_cocina"))
    restaurant.sign_in(page)
    page.add_init_script(SOMEBODY)  # of each document from its beginning, so that nothing is shown by itself
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector('[data-pedido-id="1"][data-estado=en_cocina]')
    smaller, larger = page.locator("#smaller"), page.locator("#larger")
    expect(smaller).to_have_attribute("aria-pressed", "true")  # by itself on a low screen
    assert page.evaluate(WHOLE) == [1, 2, 3, 4, 5, 6]
    groups = boxes(page, ".ticket")
    assert min(min(box["width"], box["height"]) for group in groups for box in group) >= 64
    assert nearest(groups) >= 0
    assert nearest(boxes(page, ".kbar")) >= 11.9
    larger.click()
    expect(larger).to_have_attribute("aria-pressed", "true")
    page.reload()
    ticket(page, 1).wait_for()
    expect(larger).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(WHOLE) == [1, 2, 3]
    assert nearest(boxes(page, ".ticket")) >= 11.9
    page.set_viewport_size({"width": 1280, "height": 800})
    smaller.click()
    page.reload()
    ticket(page, 1).wait_for()
    expect(smaller).to_have_attribute("aria-pressed", "true")
    assert len(page.evaluate(WHOLE)) == 8
    other = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    restaurant.sign_in(other)
    other.goto(restaurant.url + "/cocina")
    ticket(other, 1).wait_for()
    expect(other.locator("#larger")).to_have_attribute("aria-pressed", "true")
    other.context.close()


def test_a_line_takes_no_tap_that_missed_the_button_beside_it(page: Any, restaurant: Any) -> None:
    page.set_viewport_size({"width": 1024, "height": 600})
    restaurant.publish(three_lines(1), change(1, "en_cocina"))
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector('[data-pedido-id="1"][data-estado=en_cocina]')
    page.evaluate("() => { window.at = Date.now(); Date.prototype.getTime = () => window.at; }")

    def first_it_changes(route: Any) -> None:
        quantity = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 4}
        restaurant.publish({"tipo": "item_modificado", "pedido_id": 1, "item_id": 12, "cambios": quantity})
        route.continue_()

    page.route("**/acciones", first_it_changes, times=1)
    page.locator('[data-pedido-id="1"] .ticket__do').click()
    page.wait_for_selector('[data-pedido-id="1"] .ticket__said')  # refused: the cook had not seen that
    answered(page)
    page.locator(".line").nth(1).click()
    assert page.locator(".line.is-done").count() == 0
    page.evaluate("window.at += 1000")
    page.locator(".line").nth(1).click()
    page.locator(".line.is-done").wait_for()

    def tapped() -> list[int]:
        events = restaurant.server.request("GET", "/api/pedidos/1")[2]["eventos"]
        return [event["item_id"] for event in events if event["tipo"] == "item_modificado"]

    until(page, lambda: tapped() == [12, 11])


@pytest.mark.parametrize("height", [600, 800])
def test_a_ticket_that_is_taller_than_the_board_goes_on_in_the_next_column(
    page: Any, restaurant: Any, height: int
) -> None:
    page.set_viewport_size({"width": 1280, "height": height})
    lines = [item(number, f"Plato {number}", 1, "sin cebolla") for number in range(1, 16)]
    restaurant.publish(order(1, *lines), order(2), change(1, "en_cocina"))
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector('[data-pedido-id="1"][data-estado=en_cocina]')
    parts = page.locator('[data-pedido-id="1"], [data-parte-de="1"]')
    expect(parts.nth(1)).to_be_visible()
    shown = parts.evaluate_all("parts => parts.map(part => part.getBoundingClientRect().toJSON())")
    assert len(shown) > 1
    for before, after in itertools.pairwise(shown):
        assert after["x"] > before["right"]  # in the next column
        assert after["y"] == before["y"]
    assert max(box["bottom"] for box in shown) <= height - 64
    for part in parts.all()[:-1]:
        expect(part.locator(".ticket__more")).to_contain_text("sigue")
        assert part.get_by_role("button", name="LISTO").count() == 0
    numbers = parts.locator("[data-item-id]").evaluate_all("lines => lines.map(line => Number(line.dataset.itemId))")
    assert numbers == list(range(1, 16))
    expect(parts.nth(1)).to_contain_text("Mesa 5")
    # A change on the second part, a tap there, and the button at its end.
    quantity = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 7}
    restaurant.publish({"tipo": "item_modificado", "pedido_id": 1, "item_id": 15, "cambios": quantity})
    expect(parts.last.locator(".line__new")).to_have_text("7")
    until(page, lambda: seen(restaurant, 1))
    parts.last.locator('[data-item-id="15"]').click()
    expect(parts.last.locator('[data-item-id="15"]')).to_have_attribute("aria-pressed", "true")
    page.set_viewport_size({"width": 360, "height": 640})
    expect(parts).to_have_count(1)
    page.set_viewport_size({"width": 1280, "height": height})
    expect(parts.nth(1)).to_be_visible()
    parts.last.get_by_role("button", name="LISTO").click()
    page.wait_for_selector('[data-pedido-id="1"][data-estado=listo]')


# Boards of any kind, by a generator of their own: what is wrong with how they are laid out.
LAY_OUT = """
() => {
  let seed = 7;
  const random = (n) => { seed = (seed * 48271) % 2147483647; return seed % n; };
  const wrong = [];
  for (let board = 0; board < 400; board++) {
    const columns = 1 + random(6), gap = 14, room = columns > 1 ? 300 + random(600) : 0, step = room + 14;
    const tickets = Array.from({ length: random(40) }, () =>
      Array.from({ length: 1 + random(Math.min(columns, 3)) }, () => 80 + random(Math.max(1, (room || 700) - 80))));
    const placed = posNotif.layout.place(tickets, { columns, room, step, gap });
    const taken = [];
    tickets.forEach((parts, index) => {
      const { column, top } = placed.places[index], high = Math.max(...parts);
      if (column < 0 || column + parts.length > columns) { wrong.push([board, index, 'outside']); }
      if (room && Math.floor(top / step) !== Math.floor((top + high) / step) && top % step + high > room) {
        wrong.push([board, index, 'across a cut']);
      }
      const page = room ? Math.floor(top / step) : 0;
      tickets.slice(0, index).forEach((older, i) => {
        const smaller = older.length === parts.length && Math.max(...older) <= high;
        const earlier = room && smaller && Math.floor(placed.places[i].top / step) > page;
        if (earlier) { wrong.push([board, index, 'before an older one']); }
      });
      if (page >= placed.pages) { wrong.push([board, index, 'beyond the last page']); }
      parts.forEach((height, part) => {
        const mine = [column + part, top, top + height];
        const over = taken.some(t => t[0] === mine[0] && t[1] < mine[2] && mine[1] < t[2]);
        if (over) { wrong.push([board, index, 'on another']); }
        taken.push(mine);
      });
    });
    const lines = Array.from({ length: 1 + random(60) }, () => 64 + random(90));
    const parts = { head: 75, foot: 76, more: 40, lines };
    const counts = posNotif.layout.cut(parts, room || 500, columns);
    if (counts.length > columns || Math.min(...counts) < 1 || counts.reduce((a, b) => a + b) !== parts.lines.length) {
      wrong.push([board, counts]);
    }
  }
  return wrong;
}
"""


def test_no_ticket_lies_across_a_cut_or_on_another(kitchen: Any) -> None:
    assert kitchen.evaluate(LAY_OUT) == []
