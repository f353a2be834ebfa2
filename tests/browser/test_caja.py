"""The till's page: what is to be charged, and that it is charged once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, MANAGER, WAITER, Floor, pass_time, unusable
from tests.browser.network import Network
from tests.browser.tickets import until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser


@pytest.fixture
def till(page: Any, floor: Floor) -> Any:
    return floor.open(page, CASHIER, "/caja")


@pytest.fixture
def second_till(browser: Any, floor: Floor, complaints: list[str]) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    floor.server.create_user("Tomás", "cajero", "2468")
    yield floor.open(page, "Tomás", "/caja")
    context.close()


def due(page: Any, pedido: dict[str, Any]) -> Any:
    return page.locator(f'.due[data-pedido-id="{pedido["id"]}"]')


def payments(floor: Floor, pedido: dict[str, Any]) -> list[str]:
    return [event["metodo_pago"] for event in floor.events(pedido["id"]) if event.get("metodo_pago")]


def test_what_is_to_be_charged_with_total_and_age(till: Any, floor: Floor) -> None:
    expect(till.locator("#sum")).to_have_text("Nada por cobrar")
    table = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4, "Horchata": 1})
    before = floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre="Rosa")
    after = floor.act(floor.place(tipo="llevar", tipo_pago="al_final", cliente_nombre="Luis"), "listo")
    cooking = floor.place(mesa_numero=9)
    for pedido, words in ((table, "Mesa 6"), (before, "Pago anticipado"), (after, "Listo")):
        expect(due(till, pedido)).to_contain_text(words)
    assert due(till, cooking).count() == 0
    expect(due(till, table).locator(".due__total")).to_have_text("$5.50")
    expect(till.locator("#sum")).to_have_text("3 pedidos · $9.50")
    pass_time(till, seconds=360)
    expect(due(till, table)).to_contain_text("Servido hace 6 min")


def test_charging_removes_it_on_every_till(till: Any, second_till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4})
    due(second_till, pedido).click()
    due(till, pedido).click()
    till.get_by_role("button", name="$10", exact=True).click()
    expect(till.locator(".change b")).to_have_text("$6.00")
    till.evaluate("var b = document.getElementById('act'); b.click(); b.click();")
    expect(till.locator("#bill")).to_contain_text("Cobrado $4.00 · Mesa 6")
    expect(till.locator("#bill")).to_contain_text("Vuelto $6.00")
    for page in (till, second_till):
        expect(due(page, pedido)).to_have_count(0)
    expect(second_till.locator("[data-aviso=otra_caja]")).to_contain_text("Mesa 6 ya se cobró en otra caja (Marta)")
    assert second_till.locator("#act").count() == 0
    assert payments(floor, pedido) == ["efectivo"]
    assert floor.order(pedido["id"])["estado"] == "cerrado"
    expect(till.locator(".undobar")).to_have_count(1)  # the second tap asked for nothing
    expect(till.locator(".undobar__text")).to_have_text("Cobrado: Mesa 6 $4.00 · vuelto $6.00")


def test_a_second_till_at_the_same_moment_is_told_and_charges_nothing(till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6)
    due(till, pedido).click()

    def other_till_first(route: Any) -> None:
        floor.act(pedido, "cobrar", metodo_pago="tarjeta")
        route.continue_()

    till.route("**/acciones", other_till_first)
    till.click("#act")
    expect(till.locator("#toasts")).to_contain_text("Mesa 6 ya se cobró en otra caja. Aquí no se cobró otra vez.")
    expect(till.locator("#bill")).to_contain_text("ya se cobró en otra caja")
    assert payments(floor, pedido) == ["tarjeta"]


def test_a_change_updates_the_total_live_and_says_so(till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4, "Horchata": 2})
    due(till, pedido).click()
    floor.act(pedido, "cambiar_cantidad", MANAGER, item_id=pedido["items"][1]["id"], cantidad=1, razon="se cayó")
    expect(due(till, pedido).locator(".due__total")).to_have_text("$5.50")
    expect(due(till, pedido)).to_contain_text("Cambió")
    note = till.locator(".bill__note")
    expect(note).to_have_text("El total cambió: $7.00 → $5.50 · Ana: 2 → 1 Horchata")
    expect(till.locator("#act")).to_have_text("Cobrar $5.50")
    # More dishes send it back to the kitchen; it comes back with the new total.
    floor.act(pedido, "agregar_item", WAITER, items=[{"producto_id": floor.products["Yuca frita"], "cantidad": 1}])
    expect(till.locator("[data-aviso]")).to_contain_text("Mesa 6 volvió a cocina")
    floor.act(floor.act(pedido, "listo"), "servir")
    due(till, pedido).click()
    expect(note).to_contain_text("El total cambió: $7.00 → $8.25 · se agregó 1× Yuca frita")
    expect(till.locator(".is-new")).to_contain_text("Yuca frita")


def test_a_total_that_changed_while_the_button_was_tapped_is_not_charged(till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4, "Horchata": 2})
    due(till, pedido).click()

    def change_first(route: Any) -> None:
        if len(floor.order(pedido["id"])["items"]) == 2:
            floor.act(pedido, "quitar_item", item_id=pedido["items"][1]["id"], razon="se cayó")
        route.continue_()

    till.route("**/acciones", change_first)
    till.click("#act")
    expect(till.locator("#toasts")).to_contain_text("Mesa 6: cambió mientras tanto: revise y toque de nuevo")
    assert payments(floor, pedido) == []
    expect(till.locator("#act")).to_have_text("Cobrar $4.00")
    till.get_by_role("button", name="Tarjeta").click()
    till.click("#act")
    expect(due(till, pedido)).to_have_count(0)
    assert payments(floor, pedido) == ["tarjeta"]


def test_a_takeaway_is_charged_released_and_handed_over(till: Any, floor: Floor) -> None:
    pedido = floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre="Rosa")
    due(till, pedido).click()
    till.click("#act")
    expect(due(till, pedido)).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "pagado"
    floor.act(pedido, "listo")
    expect(till.locator("#paid .due")).to_contain_text("Llevar · Rosa")
    expect(till.locator("#sum")).to_have_text("Nada por cobrar")
    due(till, pedido).click()
    till.get_by_role("button", name="Entregar").click()
    expect(till.locator("#act")).to_have_text("Cerrar la cuenta")
    till.click("#act")
    expect(due(till, pedido)).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "cerrado"
    assert payments(floor, pedido) == ["efectivo"]


@pytest.mark.faults
def test_a_charge_without_a_connection_waits_visibly_and_happens_once(
    page: Any, floor: Floor, complaints: list[str]
) -> None:
    pedido = floor.served(mesa_numero=6)
    with Network(floor.server.port) as network:
        floor.open(page, CASHIER, "/caja", network.url)
        due(page, pedido).click()
        network.up = False
        network.cut()
        page.wait_for_selector("#conexion[data-modo=sin_conexion]")
        page.click("#act")
        expect(page.locator("#act")).to_have_text("Se enviará al volver")
        assert page.locator("#act").is_disabled()
        page.locator("#banner").wait_for(state="visible")
        assert "Sin conexión" in page.locator("#banner").inner_text()
        network.up = True
        expect(page.locator("#bill")).to_contain_text("Cobrado $2.00 · Mesa 6")
        until(page, lambda: payments(floor, pedido) == ["efectivo"])
    complaints.clear()


def test_a_till_works_by_keyboard(till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6)
    due(till, pedido).focus()
    till.keyboard.press("Enter")
    expect(due(till, pedido)).to_be_focused()
    till.locator("#act").focus()
    till.keyboard.press("Enter")
    expect(due(till, pedido)).to_have_count(0)


@pytest.mark.parametrize("size", [(1280, 800), (1024, 600), (360, 640)])
def test_everything_can_be_hit_and_read(till: Any, floor: Floor, size: tuple[int, int]) -> None:
    till.set_viewport_size({"width": size[0], "height": size[1]})
    long = "Pupusa de chicharrón con queso, loroco y otras " + "muchas" * 5
    floor.products[long] = floor._add(long, "Pupusas", 1234.5)["id"]
    pedido = floor.served(mesa_numero=6, dishes={long: 12, "Horchata": 2, "Yuca frita": 1, "Pupusa de queso": 3})
    floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre=long)
    due(till, pedido).click()
    floor.act(pedido, "cambiar_cantidad", item_id=pedido["items"][1]["id"], cantidad=1, razon="se cayó")
    till.locator(".bill__note").wait_for()
    assert unusable(till) == []
    if size[0] > 720:
        expect(till.locator("#act")).to_be_in_viewport()
