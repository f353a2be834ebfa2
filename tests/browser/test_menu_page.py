"""The manager's page of the menu: dishes that are made, changed, hidden and run out, and a file that changes many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor, unusable
from tests.browser.tickets import until
from tests.support.live_server import LiveServer

pytestmark = pytest.mark.browser


# The menu is asked for because something has happened, and not because so much time has passed.
NOT_BY_ITSELF = """least => {
  var later = posNotif.Ask.prototype._in;
  posNotif.Ask.prototype._in = function (ms) { if (ms < least) { later.call(this, ms); } else { this.rest(); } };
}"""


def dishes(floor: Floor) -> dict[str, Any]:
    return {product["nombre"]: product for product in floor.call("GET", "/api/productos", who=MANAGER)["productos"]}


def row(page: Any, name: str) -> Any:
    return page.locator("#rows tr", has=page.get_by_text(name, exact=True))


def field(page: Any, label: str) -> Any:
    return page.locator("#dish").get_by_label(label, exact=True)


def test_dishes_are_made_changed_run_out_and_are_hidden(page: Any, floor: Floor) -> None:
    floor.call("PATCH", f"/api/productos/{floor.products['Yuca frita']}", {"stock_actual": 12, "stock_minimo": 5})
    floor.open(page, MANAGER, "/manager")
    page.get_by_role("navigation").get_by_role("link", name="Menú").click()
    expect(page.locator("#list-sum")).to_have_text("4 platos")
    page.evaluate(NOT_BY_ITSELF, 30000)
    expect(row(page, "Yuca frita")).to_contain_text("quedan 12")
    expect(row(page, "Yuca frita").locator(".dtable__price")).to_have_text("$2.75")
    expect(page.locator("#tabs button")).to_have_text(["Todos", "Pupusas", "Antojitos", "Bebidas"])

    # By category, with the keyboard too.
    page.locator("#tabs").get_by_role("button", name="Pupusas").press("Enter")
    expect(page.locator("#rows tr")).to_have_count(2)
    page.locator("#tabs").get_by_role("button", name="Todos").click()

    # The switch has its word; what others do comes by itself, what orders take too.
    switch = page.get_by_role("switch", name="Horchata")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).to_have_text("Horchata: Se acabó")
    expect(page.locator("#list-sum")).to_have_text("4 platos · 1 se acabó")
    assert dishes(floor)["Horchata"]["disponible"] is False
    floor.call("PATCH", f"/api/productos/{floor.products['Horchata']}", {"disponible": True}, COOK)
    expect(switch).to_have_attribute("aria-checked", "true")
    floor.place(dishes={"Yuca frita": 8})
    expect(row(page, "Yuca frita")).to_contain_text("quedan 4 Queda poco")

    # What is wrong stands at its field.
    page.locator("#new").click()
    expect(field(page, "Nombre")).to_be_focused()
    field(page, "Nombre").fill("horchata ")
    field(page, "Precio con IVA").fill("1,250")
    field(page, "Existencia").fill("una docena")
    field(page, "Nombre").press("Enter")
    expect(page.locator("#e-nombre")).to_contain_text("Ya hay un plato con ese nombre.")
    expect(page.locator("#e-precio")).to_have_text("Escriba el precio con números, por ejemplo 1.25")
    expect(page.locator("#e-stock_actual")).to_have_text("Escriba un número, por ejemplo 12")
    field(page, "Nombre").fill("Ponche")
    field(page, "Existencia").fill("0,5")
    expect(page.locator("#e-nombre")).to_be_hidden()

    # Two clicks are one dish; nothing that was written is lost without a connection, or with a lost answer.
    field(page, "Precio con IVA").fill("2,5")
    field(page, "Categoría").fill("Bebidas")
    page.route("**/api/productos", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.locator("#dish-save").click()
    expect(page.locator("#dish-problem")).to_contain_text("Lo que escribió sigue aquí")
    expect(field(page, "Nombre")).to_have_value("Ponche")
    page.get_by_role("link", name="Yuca frita").click()
    expect(page.locator("#dish-problem")).to_contain_text("Guarde o descarte primero")
    expect(field(page, "Nombre")).to_have_value("Ponche")
    page.unroute("**/api/productos")
    held: list[Any] = []
    page.route(
        "**/api/productos", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    page.locator("#dish-save").dblclick()
    expect(page.locator("#dish-save")).to_have_text("Guardando…")
    until(page, lambda: held)
    for request in held:
        request.continue_()
    expect(page.locator("#dish")).to_be_hidden()
    page.unroute("**/api/productos")
    expect(row(page, "Ponche")).to_contain_text("$2.50")
    made = [product for product in floor.call("GET", "/api/productos")["productos"] if product["nombre"] == "Ponche"]
    assert [(one["categoria"], one["precio"], one["stock_actual"]) for one in made] == [("Bebidas", 2.5, 0.5)]

    def lose_the_answer(route: Any) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/api/productos", lose_the_answer)
    page.locator("#new").click()
    field(page, "Nombre").fill("Atol shuco")
    field(page, "Precio con IVA").fill("$1.50")
    page.locator("#dish-save").click()
    expect(page.locator("#toasts")).to_contain_text("Guardado: Atol shuco")
    expect(page.locator("#dish")).to_be_hidden()
    page.unroute("**/api/productos")

    # Of a dish only what somebody has changed is sent: an order has taken from the stock meanwhile.
    page.get_by_role("link", name="Yuca frita").click()
    expect(field(page, "Existencia")).to_have_value("4")
    field(page, "Precio con IVA").fill("3")
    field(page, "Código POS").fill("17")
    floor.place(dishes={"Yuca frita": 1})
    expect(field(page, "Existencia")).to_have_value("3")
    # What it then asks for is answered before anybody changes the menu again.
    listed = page.expect_response(lambda answer: answer.request.method == "GET" and answer.url.endswith("/productos"))
    with listed, page.expect_request(lambda request: request.method == "PATCH") as sent:
        page.locator("#dish-save").click()
    assert json.loads(sent.value.post_data) == {"precio": 3, "id_pos": 17}
    expect(row(page, "Yuca frita").locator(".dtable__code")).to_have_text("17")
    page.get_by_role("link", name="Horchata").click()
    field(page, "Código POS").fill("17")
    page.locator("#dish-save").click()
    expect(page.locator("#e-id_pos")).to_have_text("Ese código ya es de Yuca frita.")

    page.keyboard.press("Escape")
    expect(page.locator("#dish")).to_be_visible()

    # So does what only the service knows.
    page.route("**/api/productos", lambda route: route.abort())
    floor.call("PATCH", f"/api/productos/{floor.products['Pupusa de queso']}", {"id_pos": 20})
    field(page, "Código POS").fill("20")
    page.locator("#dish-save").click()
    expect(page.locator("#e-id_pos")).to_contain_text("Ya lo tiene Pupusa de queso")
    expect(field(page, "Código POS")).to_be_focused()
    page.unroute("**/api/productos")
    page.locator("#dish-discard").click()
    expect(page.get_by_role("link", name="Horchata")).to_be_focused()
    page.keyboard.press("Enter")
    field(page, "Nombre").fill("Yuca frita")  # two of one name, each with the POS's number
    field(page, "Código POS").fill("21")
    page.locator("#dish-save").click()
    expect(page.get_by_role("link", name="Yuca frita")).to_have_count(2)
    floor.call("PATCH", f"/api/productos/{floor.products['Horchata']}", {"nombre": "Horchata", "disponible": False})
    page.get_by_role("link", name="Horchata").press("Enter")
    expect(page.get_by_role("heading", name="Horchata")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dish")).to_be_hidden()
    page.get_by_role("switch", name="Horchata").click()
    expect(page.locator("#list-sum")).to_have_text("6 platos")

    # A hidden dish is shown as such here, and nowhere else, to a manager neither.
    page.get_by_role("link", name="Horchata").click()
    page.get_by_label("Oculto").check()
    page.locator("#dish-save").click()
    expect(row(page, "Horchata")).to_contain_text("Oculto")
    expect(page.get_by_role("switch", name="Horchata")).to_have_count(0)
    expect(page.locator("#list-sum")).to_have_text("5 platos · 1 oculto")
    page.locator("#tabs").get_by_role("button", name="Ocultos").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    other = page.context.new_page()
    floor.open(other, MANAGER, "/pos#nuevo")
    expect(other.locator("#tabs button")).to_have_text(["Pupusas", "Antojitos", "Bebidas", "Otros"])
    other.locator("#tabs").get_by_role("button", name="Bebidas").click()
    expect(other.locator("#menu .menu__name")).to_have_text(["Ponche"])

    # Who says that there is some although the count says none is right: the count is gone, on all pages.
    floor.call("PATCH", f"/api/productos/{dishes(floor)['Ponche']['id']}", {"stock_actual": 0})
    expect(other.locator("#menu .menu__row")).to_contain_text("Se acabó")
    page.locator("#tabs").get_by_role("button", name="Todos").click()
    expect(page.get_by_role("switch", name="Ponche")).to_have_attribute("aria-checked", "false")
    page.get_by_role("switch", name="Ponche").click()
    expect(row(page, "Ponche").locator(".dtable__stock")).to_have_text("— ")
    expect(other.locator("#menu .menu__row")).not_to_contain_text("Se acabó")
    other.close()
    page.get_by_role("button", name="Mostrar Horchata").click()
    expect(page.get_by_role("switch", name="Horchata")).to_have_attribute("aria-checked", "true")
    expect(page.locator("#rows tr")).to_have_count(6)

    # What was changed while there was no connection is there when it is back.
    page.evaluate(NOT_BY_ITSELF, 1)
    floor.server.stop()
    expect(page.locator("#banner")).to_contain_text("Sin conexión")
    switch.click()
    expect(page.locator("#toasts")).to_contain_text("No se pudo marcar el plato")
    expect(switch).to_have_attribute("aria-checked", "true")
    page.context.set_offline(True)  # or it may be back before the price is another
    floor.server.start()
    floor.call("PATCH", f"/api/productos/{floor.products['Horchata']}", {"precio": 9})
    page.context.set_offline(False)
    expect(row(page, "Horchata")).to_contain_text("$9.00")


HEAD = "nombre;categoria;precio;stock_actual"


def test_a_file_is_looked_at_before_it_changes_the_menu(page: Any, floor: Floor, tmp_path: Path) -> None:
    def choose(*lines: str, name: str = "menu-diciembre.csv") -> None:
        (tmp_path / name).write_text("\n".join([HEAD, *lines]), "utf-8")
        page.set_input_files("#import-file", tmp_path / name)

    rows, apply = page.locator("#import-rows .imp"), page.locator("#import-apply")
    before = dishes(floor)
    floor.open(page, MANAGER, "/manager/menu")
    expect(page.locator("#import-intro")).to_be_visible()

    # A bad row is named by its number, and then nothing is applied.
    choose("Tamal;Antojitos;1,75;", "Horchata;Bebidas;uno;")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Fila 3")
    expect(rows.first).to_contain_text("precio: ")
    expect(page.locator("#import-advice")).to_contain_text("no se aplica ninguna")
    expect(apply).to_be_hidden()
    page.locator("#import-discard").click()
    expect(rows).to_have_count(0)

    # So is a file that is none.
    page.set_input_files(
        "#import-file",
        {"name": "menu.xlsx", "mimeType": "application/vnd.ms-excel", "buffer": b"PK\x03\x04" + bytes(99)},
    )
    expect(rows).to_contain_text(["ArchivoEs una hoja de cálculo"])
    expect(page.locator("#import-nums")).to_be_hidden()
    expect(apply).to_be_hidden()

    # What would change is shown, the old value struck; nothing of it is done yet.
    choose(
        "Tamal;Antojitos;1,75;12",
        "Horchata;Bebidas;1,75;",
        "Yuca frita;Frituras;2,75;",
        "Pupusa revuelta;Pupusas;1.25;",
    )
    expect(page.locator("#import-state")).to_have_text("menu-diciembre.csv · todavía no se ha cambiado nada")
    expect(page.locator("#import-nums span")).to_have_text(["1nuevo", "2cambian", "1igual"])
    expect(rows).to_have_text([
        "NuevoTamal · Antojitos · $1.75 · quedan 12",
        "CambiaHorchata antes $1.50 → ahora $1.75",
        "CambiaYuca frita antes Antojitos → ahora Frituras",
    ])  # fmt: skip
    assert rows.nth(1).locator("s").inner_text() == "$1.50"
    assert dishes(floor) == before

    # Somebody else was faster: it is looked at again.
    floor.call("PATCH", f"/api/productos/{floor.products['Horchata']}", {"precio": 1.75})
    expect(apply).to_have_text("Aplicar 3 cambios")
    apply.click()
    expect(page.locator("#import-problem")).to_have_text("El menú cambió mientras tanto; revise los cambios.")
    expect(apply).to_have_text("Aplicar 2 cambios")
    assert "Tamal" not in dishes(floor)

    # Without a connection it is not known, and asked again.
    page.route("**/importar*", lambda route: route.abort())
    apply.click()
    expect(page.locator("#import-problem")).to_contain_text("no se supo si los cambios se aplicaron")
    page.unroute("**/importar*")
    expect(apply).to_have_text("Revisar de nuevo")
    apply.click()
    expect(apply).to_have_text("Aplicar 2 cambios")
    apply.click()
    expect(page.locator("#toasts")).to_contain_text("se aplicaron 2 cambios")
    expect(row(page, "Tamal")).to_contain_text("quedan 12")
    expect(row(page, "Yuca frita")).to_contain_text("Frituras")
    expect(page.locator("#import-intro")).to_be_visible()

    # What is downloaded changes nothing when it comes back; many changes are folded; 50 MB are told at once.
    with page.expect_download() as started:
        page.locator("#csv").click()
    assert started.value.suggested_filename.startswith("menu-")
    page.set_input_files("#import-file", started.value.path())
    expect(page.locator("#import-advice")).to_contain_text("no hay nada que cambiar")
    expect(apply).to_be_hidden()
    choose(*(f"Plato {number};Muchos;{number};" for number in range(1, 41)))
    expect(rows).to_have_count(8)
    page.get_by_role("button", name="Ver 32 más").click()
    expect(rows).to_have_count(40)
    with (tmp_path / "foto.csv").open("wb") as file:
        file.truncate(50_000_000)
    page.set_input_files("#import-file", tmp_path / "foto.csv")
    expect(page.locator("#import-problem")).to_contain_text("foto.csv pasa de 2 MB")
    expect(rows).to_have_count(0)


def test_on_a_phone_one_thing_is_seen_at_a_time_and_others_do_not_see_the_page(page: Any, floor: Floor) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    floor.open(page, MANAGER, "/manager")
    page.locator("#stock").locator("xpath=..").get_by_role("link", name="Menú").click()
    listed, form, file = page.locator("#rows tr").first, page.locator("#dish"), page.locator("#import")
    expect(listed).to_be_visible()
    expect(file).to_be_hidden()
    assert unusable(page) == []
    page.get_by_role("link", name="Pupusa de queso").click()
    expect(form).to_be_visible()
    expect(listed).to_be_hidden()
    expect(page.locator("#place-title")).to_have_text("Pupusa de queso")
    assert unusable(page) == []
    page.go_back()
    expect(listed).to_be_visible()
    page.get_by_role("link", name="Importar CSV").click()
    expect(file).to_be_visible()
    assert unusable(page) == []
    page.locator("#back").click()
    expect(listed).to_be_visible()
    page.get_by_role("link", name="Plato nuevo").click()
    expect(form).to_be_visible()
    page.locator("#dish-discard").click()
    page.locator("#back").click()
    page.wait_for_url(floor.url + "/manager")

    for who in (WAITER, CASHIER, COOK):
        page.context.request.post(f"{floor.url}/api/auth/login", data={"username": who, "password": PIN})
        answer = page.goto(floor.url + "/manager/menu")
        assert answer is not None
        assert answer.status == 403, who
        page.goto(floor.url + "/")
        expect(page.get_by_role("link", name="Menú")).to_have_count(0)


def test_a_fresh_service_says_where_a_menu_is_made(page: Any, server: LiveServer) -> None:
    for username, role in ((WAITER, "mesero"), (MANAGER, "manager"), (CASHIER, "cajero")):
        server.create_user(username, role, PIN)

    def enter(who: str, path: str) -> None:
        page.context.request.post(f"{server.url}/api/auth/login", data={"username": who, "password": PIN})
        page.goto(server.url + path)

    said = "Todavía no hay menú: la gerencia lo crea en «Menú»."
    enter(WAITER, "/pos#nuevo")
    expect(page.locator("#menu-empty")).to_have_text(said)
    expect(page.get_by_role("link", name="Ir a «Menú»")).to_have_count(0)
    enter(CASHIER, "/caja")
    page.get_by_role("button", name="Tomar un pedido").click()
    expect(page.locator("#counter-none")).to_have_text(said)
    enter(MANAGER, "/pos#nuevo")
    page.get_by_role("link", name="Ir a «Menú»").click()
    expect(page.locator("#none")).to_contain_text("Todavía no hay platos.")
    page.locator("#new").click()
    field(page, "Nombre").fill("Riguas")
    field(page, "Precio con IVA").fill("1")
    field(page, "Nombre").press("Enter")
    expect(page.locator("#list-sum")).to_have_text("1 plato")
    until(page, lambda: page.locator("#none").is_hidden())
