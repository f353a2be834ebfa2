"""The log's page: the filters, the count, the table, and a download with its progress."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, MANAGER, PIN, Floor, unusable

pytestmark = pytest.mark.browser


def sign_in(page: Any, floor: Floor, who: str) -> None:
    page.context.request.post(f"{floor.url}/api/auth/login", data={"username": who, "password": PIN})


def test_the_log_is_searched_counted_and_downloaded(page: Any, floor: Floor) -> None:
    for _ in range(52):
        floor.act(floor.place(mesa_numero=7), "iniciar")
    floor.act(floor.place(mesa_numero=8), "cambiar_notas", item_id=1, notas='Jalapeño, "extra" <b>')
    floor.act(floor.place(tipo="llevar", cliente_nombre="=1+1"), "cancelar", razon="se retiró")
    sign_in(page, floor, MANAGER)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(floor.url + "/manager")
    page.get_by_role("link", name="Registro").click()
    rows, count = page.locator("#events .events__row"), page.locator("#count")

    # Today's business day, newest first, with the head that an export can be compared with.
    expect(count).to_have_text("108 eventos")
    expect(page.locator('[data-preset="hoy"]')).to_have_attribute("aria-pressed", "true")
    expect(rows.first).to_contain_text("Cancelado")
    expect(rows.first).to_contain_text("Para llevar, =1+1: cancelado, se retiró")
    assert rows.count() == 100
    page.route("**/eventos?*cursor=*", lambda route: route.abort())
    page.get_by_role("button", name="Ver más").click()
    expect(page.get_by_role("alert")).to_contain_text("Sin conexión")
    expect(rows).to_have_count(100)  # and it can be asked for once more
    page.unroute("**/eventos?*cursor=*")
    page.get_by_role("button", name="Ver más").click()
    expect(rows).to_have_count(108)
    expect(count).to_be_visible()
    expect(page.get_by_role("button", name="Ver más")).to_be_hidden()
    head = floor.call("GET", "/api/notificaciones/eventos?limite=1")
    expect(page.locator("#head-hash")).to_have_text(head["cabeza_hash"])
    expect(page.locator("#head-id")).to_have_text("108")

    # The table comes first: the day once, times short, and of the filters four in sight; a folded one is told.
    today = page.evaluate("posNotif.clock.businessDay()")
    words = page.evaluate("day => posNotif.clock.dayName(day)", today)
    expect(page.locator("#said-dia")).to_have_text(words[0].lower() + words[1:])
    stamp = floor.call("GET", "/api/notificaciones/eventos?limite=1")["eventos"][0]["timestamp"]
    expect(rows.first.locator("time")).to_have_text(page.evaluate("at => posNotif.clock.timeOf(at)", stamp))
    said = rows.first.locator("time").get_attribute("title")
    # After midnight it is another date than the business day's.
    date = page.evaluate("at => posNotif.clock.dayName(at.slice(0, 10))", stamp)
    assert said == f"{date}, {page.evaluate('at => posNotif.clock.wholeOf(at)', stamp)}"
    assert re.fullmatch(r".+ de \w+, \d{1,2}:\d\d:\d\d\.\d{3} [ap]\. m\.", said)
    expect(page.locator(".events__day")).to_have_text([page.evaluate("day => posNotif.clock.dayName(day)", stamp[:10])])
    assert rows.first.bounding_box()["y"] < 400
    assert [label.inner_text() for label in page.locator("label").all() if label.is_visible()] == [
        "Día de trabajo", "Mesa", "N.º", "Buscar plato, nota o razón",
    ]  # fmt: skip

    # Filters combine, by keyboard too, and stay over a reload.
    page.get_by_role("button", name="Más filtros").click()
    page.get_by_label("Tipo").select_option("item_modificado")
    expect(count).to_have_text("1 evento")
    expect(rows).to_contain_text('nota: — → Jalapeño, "extra" <b>')
    page.get_by_role("button", name="Menos filtros (1)").click()
    page.get_by_role("button", name="Quitar el filtro: Tipo: Cambio").click()
    expect(count).to_have_text("108 eventos")
    page.get_by_label("Mesa").fill("7")
    page.get_by_label("Buscar plato, nota o razón").fill("pupusa de QUESO")
    page.keyboard.press("Enter")
    expect(count).to_have_text("104 eventos")
    page.get_by_role("button", name="Ayer").click()
    expect(count).to_have_text("0 eventos")
    expect(page.locator("#none")).to_be_visible()
    page.get_by_role("button", name="Este mes").press("Enter")
    expect(count).to_have_text("104 eventos")
    page.reload()
    expect(count).to_have_text("104 eventos")
    expect(page.get_by_label("Mesa")).to_have_value("7")
    assert page.get_by_label("Desde", exact=True).input_value().endswith("-01")

    # An order is known by its number, and its events are one touch away.
    order = floor.call("GET", "/api/notificaciones/eventos?limite=1&mesa=8")["eventos"][0]["pedido_id"]
    number = floor.order(order)["numero"]
    page.get_by_label("Mesa").fill("8")
    page.get_by_label("Buscar plato, nota o razón").fill("")
    page.get_by_role("button", name="Buscar").click()
    page.get_by_role("button", name=f"#{number}", exact=True).first.click()
    only = page.get_by_role("button", name=f"Quitar el filtro: Solo el pedido #{number}")
    expect(count).to_have_text("2 eventos")
    page.get_by_label("Mesa").fill("")
    only.click()
    page.get_by_label("N.º").fill(f"#{number.lower()}")
    page.keyboard.press("Enter")
    expect(count).to_have_text("2 eventos")
    page.get_by_label("N.º").fill("")
    page.get_by_role("button", name="Cancelados").click()
    expect(count).to_have_text("1 evento")
    expect(rows).to_contain_text("se retiró")
    assert "asunto=cancelado" in page.url
    page.get_by_role("button", name="Quitados").click()
    expect(page.locator("#none")).to_have_text("Nada coincide con estos filtros.")
    page.get_by_role("button", name="Quitados").click()
    page.get_by_label("Mesa").fill("7")
    page.get_by_label("Buscar plato, nota o razón").fill("pupusa de QUESO")

    # What makes no sense is told beside the filters.
    page.get_by_role("button", name="Más filtros").click()
    code = page.get_by_label("Código del pedido", exact=True)
    code.fill("1.5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Código del pedido: debe ser el número de un pedido")
    expect(rows).to_have_count(0)
    code.fill("")
    code.press("Enter")
    page.get_by_role("button", name="Menos filtros").click()

    # Downloads are the browser's; the page only says how far they are.
    page.get_by_role("button", name="Descargar").click()
    page.get_by_label("Separador del CSV").select_option("punto_y_coma")
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV", exact=True).click()
    expect(page.locator("#progress-text")).to_have_text("Descarga completa: 104 eventos")
    assert started.value.suggested_filename.startswith("registro-")
    with Path(started.value.path()).open(encoding="utf-8-sig", newline="") as file:
        assert {row["mesa"] for row in csv.DictReader(file, delimiter=";")} == {"7"}
    page.get_by_role("button", name="Todo").click()
    expect(page.locator("#progress")).to_be_hidden()  # what has ended does not stand beside another search
    page.get_by_label("Mesa").fill("")
    page.get_by_label("Buscar plato, nota o razón").fill("")
    page.keyboard.press("Enter")
    expect(count).to_have_text("109 eventos")
    expect(rows.first).to_contain_text("Descarga del registro en csv, 104 eventos")
    with page.expect_download() as started:
        page.get_by_role("link", name="NDJSON").click()
    last = Path(started.value.path()).read_text("utf-8").splitlines()[-1]
    assert (json.loads(last)["completo"], json.loads(last)["total"]) == (True, 109)

    for width, height in ((1920, 1080), (1024, 600), (360, 640)):
        page.set_viewport_size({"width": width, "height": height})
        assert unusable(page) == [], (width, height)

    # Others do not see it.
    sign_in(page, floor, CASHIER)
    page.goto(floor.url + "/")
    expect(page.get_by_role("link", name="Registro")).to_have_count(0)
    answer = page.goto(floor.url + "/manager/registro")
    assert answer is not None
    assert answer.status == 403
