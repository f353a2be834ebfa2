"""The waiter's note: picked by its words, shown as the kitchen will read it, and read so there."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import COOK, WAITER, Floor

pytestmark = pytest.mark.browser


@pytest.fixture
def pos(page: Any, floor: Floor) -> Any:
    page.set_viewport_size({"width": 360, "height": 640})
    return floor.open(page, WAITER, "/pos")


def begin(page: Any, floor: Floor, dish: str = "Pupusa revuelta") -> None:
    """An order of one dish whose note is open."""
    page.click("#new")
    page.fill("#entry-table", "7")
    page.locator(f'[data-producto-id="{floor.products[dish]}"] .step__btn--add').click()
    page.locator(f'[data-producto-id="{floor.products[dish]}"] .menu__what').press("Enter")


def pick(page: Any, *chips: str) -> None:
    for chip in chips:
        page.get_by_role("button", name=chip, exact=True).click()


def plates(page: Any, within: str) -> list[str]:
    return [" ".join(text.split()) for text in page.locator(f"{within} .line__note").all_inner_texts()]


def test_a_note_is_picked_and_read_by_the_kitchen_as_it_was_shown(pos: Any, floor: Floor) -> None:
    begin(pos, floor)
    expect(pos.locator("#note-title")).to_have_text("Pupusa revuelta")
    expect(pos.locator("#note-aside")).to_have_text("1× · Mesa 7")
    expect(pos.locator("#note-says")).to_contain_text("Sin nota")
    pick(pos, "SIN", "cebolla", "tomate")
    assert plates(pos, "#note-says") == ["SIN cebolla, tomate"]
    pick(pos, "ALERGIA", "maní")
    expect(pos.get_by_role("button", name="SIN 2")).to_have_attribute("aria-pressed", "false")
    expect(pos.get_by_role("button", name="ALERGIA 1")).to_have_attribute("aria-pressed", "true")
    pos.fill("#note-other", "ajonjolí")  # not yet added, and read by the kitchen already
    assert plates(pos, "#note-says") == ["SIN cebolla, tomate", "ALERGIA: maní, ajonjolí"]
    pick(pos, "EXTRA", "queso", "APARTE", "salsa", "CON POCO", "sal", "CON POCO 1")
    pos.fill("#note-other", "bien tostada")
    pos.keyboard.press("Enter")
    listed = ["SIN cebolla, tomate", "ALERGIA: maní, ajonjolí", "EXTRA queso", "APARTE: salsa", "CON POCO: sal"]
    expect(pos.locator("#note-list .grow")).to_have_text([*listed, "bien tostada"])
    pos.get_by_role("button", name="Quitar: APARTE: salsa").click()
    pick(pos, "SIN 2", "tomate")  # again: not after all
    read = ["SIN cebolla", "ALERGIA: maní, ajonjolí", "EXTRA queso. CON POCO: sal. Bien tostada"]
    assert plates(pos, "#note-says") == read
    pos.click("#note-accept")
    note = "SIN cebolla. ALERGIA: maní, ajonjolí. EXTRA queso. CON POCO: sal. Bien tostada"
    expect(pos.locator(".menu__note")).to_have_text(note)
    # For the whole order, by the phone's own way back.
    expect(pos.locator("#entry-notes")).to_be_visible()  # the note's own pane is left a moment after the touch
    pos.locator("#entry-notes").press("Enter")
    expect(pos.locator("#note-title")).to_have_text("Nota para todo el pedido")
    pick(pos, "ALERGIA", "camarón", "nuez")
    pos.go_back()
    expect(pos.locator("#entry-notes-text")).to_have_text("ALERGIA: camarón, nuez")
    pos.click("#entry-send")
    pos.wait_for_selector("#tables [data-visto=saved]")
    (pedido,) = floor.orders()
    assert [pedido["items"][0]["notas"], pedido["notas"]] == [note, "ALERGIA: camarón, nuez"]
    kitchen = floor.open(pos, COOK, "/cocina")
    ticket = f'[data-pedido-id="{pedido["id"]}"]'
    kitchen.wait_for_selector(ticket)
    assert plates(kitchen, ticket) == ["ALERGIA: camarón, nuez", *read]


def test_a_note_that_was_written_elsewhere_stays_as_it_is_until_it_is_changed(pos: Any, floor: Floor) -> None:
    pedido = floor.place()
    line = pedido["items"][0]["id"]
    written = "s/ cebolla, tomate ni chile; con arroz"
    floor.act(pedido, "cambiar_notas", item_id=line, notas=written)
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    expect(pos.locator(f'[data-item-id="{line}"] .line__note')).not_to_have_count(0)  # as the page knows it by now
    pos.locator(f'[data-item-id="{line}"] button.oline').click()
    pos.locator(".ledit .notebtn").press("Enter")
    expect(pos.locator("#note-list .grow")).to_have_text(["s/ cebolla, tomate ni chile", "con arroz"])
    pos.click("#note-accept")
    expect(pos.locator(".ledit .notebtn")).to_contain_text(written)
    pos.get_by_role("button", name="Guardar").click()
    pos.locator(f'[data-item-id="{line}"] button.oline').click()
    pos.locator(".ledit .notebtn").press("Enter")
    pick(pos, "ALERGIA")
    pos.fill("#note-other", "x" * 200)
    expect(pos.locator("#note-full")).to_have_text("La nota ya no cabe: quite algo.")
    pos.fill("#note-other", "")
    pick(pos, "gluten")
    pos.click("#note-accept")
    pos.get_by_role("button", name="Guardar").click()
    whole = "S/ cebolla, tomate ni chile. Con arroz. ALERGIA: gluten"
    read = ["SIN cebolla, tomate ni chile", "Con arroz", "ALERGIA: gluten"]
    expect(pos.locator(f'[data-item-id="{line}"] .line__note')).to_have_text(read)
    changes = [event["cambios"]["notas_nueva"] for event in floor.events(pedido["id"]) if "cambios" in event]
    assert changes == [written, whole]  # only looked at, it was not sent
    # While a note is being written its line or its order may go: what was written is of no use then.
    floor.act(pedido, "agregar_item", items=[{"producto_id": floor.products["Horchata"], "cantidad": 1}])
    expect(pos.locator("#detail-body button.oline")).to_have_count(2)
    pos.locator(f'[data-item-id="{line}"] button.oline').click()
    pos.locator(".ledit .notebtn").press("Enter")
    pick(pos, "Borrar todo")
    expect(pos.locator("#note-section")).to_be_hidden()
    floor.act(pedido, "quitar_item", item_id=line)
    expect(pos.locator("#toasts")).to_contain_text("Ese plato ya no se puede cambiar.")
    expect(pos.locator("#detail-body")).to_be_visible()
    pos.locator("#detail-body button.oline").click()
    pos.locator(".ledit .notebtn").press("Enter")
    floor.act(pedido, "cancelar", razon="Se fueron")
    expect(pos.locator("#toasts")).to_contain_text("Mesa 5 se canceló: Se fueron")
    expect(pos.locator("#detail-body")).to_be_visible()
    # After a reload nobody knows whose note it was.
    pos.goto(f"{floor.url}/pos#nota")
    pos.reload()
    expect(pos.locator("#new")).to_be_visible()
