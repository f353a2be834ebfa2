"""Every page at every size that people have: nothing beside the window, nothing on something else, every button can be
hit, no serious fault by axe-core; with and without the banner that says that there is no connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.fits import FAULTS
from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor
from tests.browser.tickets import until

pytestmark = pytest.mark.browser

TABLETS = [(1024, 600), (1280, 800), (1920, 1080), (800, 1280)]
PHONES = [(360, 640), (390, 844), (844, 390), (768, 1024), (820, 1180), (1180, 820)]
DESKS = [(1024, 768), (1440, 900)]
ALL = TABLETS + PHONES + DESKS
KITCHENS = [*TABLETS, (768, 1024), (820, 1180), (1180, 820), *DESKS]
AUDITED = {(390, 844), (820, 1180), (1280, 800)}
AUDIT = """
() => axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations
  .filter(fault => fault.impact === 'serious' || fault.impact === 'critical')
  .map(fault => [fault.id, fault.nodes.map(node => node.html.slice(0, 160))]))
"""


def busy(floor: Floor) -> dict[str, Any]:
    """An evening with something in every place, and with long names. Returns the order that is looked at."""
    floor.served(mesa_numero=6)
    floor.act(floor.place(mesa_numero=7), "listo")
    started = floor.act(floor.place(mesa_numero=8, dishes={"Pupusa de queso": 2, "Horchata": 1}), "iniciar", COOK)
    floor.act(started, "item_listo", COOK, item_id=started["items"][0]["id"])
    floor.act(started, "cambiar_cantidad", WAITER, item_id=started["items"][1]["id"], cantidad=3)
    floor.act(floor.place(mesa_numero=9), "cancelar", razon="Se fueron")
    floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre="María de los Ángeles Hernández")
    floor.place(mesa_numero=10, dishes={"Pupusa revuelta": 100}, notas="Sin curtido. Para compartir entre todos.")
    named = floor.act(floor.place(dishes={"Yuca frita": 1}), "cambiar_mesa", WAITER, mesa="Terraza del fondo 3")
    floor.act(named, "listo")
    floor.sold_out("Horchata")
    return started


# What is there once all that a page asks for has come.
DRAWN = {
    "cocina": [".ticket"],
    "mesero": ["#tables [data-pedido-id]", "#ready [data-pedido-id]"],
    "pedido nuevo": ["[data-producto-id]", "#tables [data-pedido-id]"],
    "pedido": ["#tables [data-pedido-id]", ".osheet:not(.is-unknown) .tl__time"],
    "pedido en caja": [".due", ".osheet:not(.is-unknown) .tl__time"],
    "pedido del encargado": [".olist__open", ".osheet:not(.is-unknown) .tl__time"],
    "caja": [".due"],
    "encargado": [".lane__row", ".chart", ".dish", "#stock .device", ".fold__end"],
    "menú": ["#rows tr"],
    "registro": ["#events tr"],
    "login": ["#login"],
}
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def open_page(page: Any, floor: Floor, name: str, order: dict[str, Any]) -> None:
    who, path = {
        "cocina": (COOK, "/cocina"), "caja": (CASHIER, "/caja"), "encargado": (MANAGER, "/manager"),
        "menú": (MANAGER, "/manager/menu"),
        "mesero": (WAITER, "/pos"), "pedido nuevo": (WAITER, "/pos#nuevo"),
        "pedido": (WAITER, f"/pos#pedido-{order['id']}"),
        "pedido en caja": (CASHIER, f"/caja#pedido-{order['id']}"),
        "pedido del encargado": (MANAGER, f"/manager#pedido-{order['id']}"),
    }[name]  # fmt: skip
    # On a phone the waiter's sheet has the connection's plate on the page behind it.
    floor.open(page, who, path, ready=".osheet:not(.is-unknown)" if "#pedido-" in path else None)
    for selector in DRAWN[name]:
        page.wait_for_selector(selector, state="attached")
    if name == "caja":
        page.locator(".due").first.click()
        page.wait_for_selector("#act")


def faults(page: Any, sizes: list[tuple[int, int]], axe: str | None) -> dict[str, Any]:
    found = {}
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(TWO_FRAMES)
        wrong = page.evaluate(f"() => {{ {FAULTS} }}")
        if axe and (width, height) in AUDITED:
            if not page.evaluate("!!window.axe"):
                page.evaluate(axe)
            wrong += page.evaluate(AUDIT)
        if wrong:
            found[f"{width}x{height}"] = wrong
    return found


LIVE = ["cocina", "mesero", "pedido nuevo", "pedido", "caja", "encargado", "menú"]


@pytest.mark.parametrize("name", LIVE)
def test_a_live_page_fits_every_window_with_and_without_its_banner(
    page: Any, floor: Floor, node_modules: Path, complaints: list[str], name: str
) -> None:
    order = busy(floor)
    page.emulate_media(reduced_motion="reduce")
    open_page(page, floor, name, order)
    sizes = KITCHENS if name == "cocina" else ALL
    axe = (node_modules / "axe-core" / "axe.min.js").read_text()
    found = {"live": faults(page, sizes, axe)}
    floor.server.stop()
    until(page, lambda: page.locator("#banner").is_visible())
    found["banner"] = faults(page, sizes, None)
    complaints.clear()
    assert {state: wrong for state, wrong in found.items() if wrong} == {}, json.dumps(
        found, indent=1, ensure_ascii=False
    )


def test_the_other_pages_fit_every_window(page: Any, floor: Floor, node_modules: Path, tmp_path: Path) -> None:
    busy(floor)
    axe = (node_modules / "axe-core" / "axe.min.js").read_text()
    found = {}
    page.goto(floor.url + "/login")
    found["login"] = faults(page, ALL, axe)
    for name in ("cocina", "pos"):
        page.route(f"**/{name}", lambda route: route.abort())  # or it would go on to the page itself
        page.goto(f"{floor.url}/sin-conexion?pantalla={name}")
        found["sin conexión: " + name] = faults(page, ALL, axe)
        page.goto("about:blank")  # or it would do so while the next one is asked for
        page.unroute(f"**/{name}")
    answer = page.context.request.post(f"{floor.url}/api/auth/login", data={"username": MANAGER, "password": PIN})
    assert answer.status == 200
    page.goto(floor.url + "/")
    found["inicio"] = faults(page, ALL, axe)
    page.goto(floor.url + "/manager/registro")
    page.wait_for_selector("#events tr")
    found["registro"] = faults(page, ALL, axe)
    page.goto(floor.url + "/manager/menu#nuevo")
    page.locator("#f-precio").fill("uno")
    page.locator("#dish-save").click()
    found["plato"] = faults(page, ALL, axe)
    (tmp_path / "menu.csv").write_text("nombre;categoria;precio\nHorchata;De la casa;2\nTamal de elote;;dos\n")
    page.goto(floor.url + "/manager/menu#importar")
    page.set_input_files("#import-file", tmp_path / "menu.csv")
    page.wait_for_selector(".imp--bad")
    found["importar"] = faults(page, ALL, axe)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}, json.dumps(
        found, indent=1, ensure_ascii=False
    )


def test_a_dark_desk_draws_no_light_page_dark_and_the_kitchens_bars_are_dark_in_every_engine(
    page: Any, floor: Floor
) -> None:
    page.emulate_media(color_scheme="dark")
    for who, path, scheme in (
        (COOK, "/cocina", "dark"), (WAITER, "/pos", "light only"), (CASHIER, "/caja", "light only"),
        (MANAGER, "/manager", "light only"), (MANAGER, "/manager/registro", "light only"),
        (None, "/login", "light only"),
    ):  # fmt: skip
        if who is None:
            page.context.clear_cookies()
        else:
            page.context.request.post(f"{floor.url}/api/auth/login", data={"username": who, "password": PIN})
        page.goto(floor.url + path)
        style = page.evaluate("(s => [s.colorScheme, s.scrollbarColor])(getComputedStyle(document.documentElement))")
        assert style[0] == scheme, path
        assert (style[1] == "auto") == (scheme != "dark"), path


SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => {
    if (!entry.hadRecentInput) {
      window.shifted += entry.value;
      window.moved = (window.moved || []).concat(entry.sources.map(source => [
        entry.value, source.node && (source.node.id || source.node.className || source.node.textContent)
      ]));
    }
  })).observe({type: 'layout-shift', buffered: true});
"""
# What is covered until all of a page is known is not shown after three seconds all the same: a busy machine may take
# longer, and what jumps then is another matter.
STAYS_COVERED = """
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('.is-unknown .unveiled { animation-delay: 600s !important; }');
  document.adoptedStyleSheets = [sheet];
"""


@pytest.mark.parametrize(
    "name",
    [
        "cocina", "mesero", "pedido nuevo", "pedido", "caja", "pedido en caja", "encargado", "pedido del encargado",
        "menú", "registro", "login",
    ],
)  # fmt: skip
def test_nothing_jumps_while_a_page_loads(page: Any, floor: Floor, name: str) -> None:
    """The sum of a page's layout shifts, as Chromium counts them, on the device that it is for."""
    order = busy(floor)
    page.add_init_script(SHIFTS)
    page.add_init_script(STAYS_COVERED)
    sizes = {
        "pedido nuevo": [(820, 1180)],
        "cocina": [(1280, 800)],
        "pedido": [(360, 640), (390, 844), (820, 1180)],
        "caja": [(360, 640), (390, 844), (1024, 768)],
        "pedido en caja": [(360, 640), (390, 844), (1024, 768)],
        "encargado": [(390, 844), (1440, 900)],
        "pedido del encargado": [(360, 640), (390, 844), (1440, 900)],
        "menú": [(390, 844), (1440, 900)],
        "registro": [(390, 844), (1440, 900)],
    }
    found = {}
    for width, height in sizes.get(name, [(390, 844), (820, 1180)]):
        page.set_viewport_size({"width": width, "height": height})
        if name == "login":
            page.context.clear_cookies()
            page.goto(floor.url + "/login")
        elif name == "registro":
            page.context.request.post(f"{floor.url}/api/auth/login", data={"username": MANAGER, "password": PIN})
            page.goto(floor.url + "/manager/registro")
            page.wait_for_selector("#events tr")
        else:
            page.goto("about:blank")
            open_page(page, floor, name, order)
        page.wait_for_selector("body:not(.is-unknown)", state="attached")
        page.evaluate(TWO_FRAMES)
        if (shifted := page.evaluate("window.shifted")) >= 0.05:
            found[f"{width}x{height}"] = [shifted, page.evaluate("window.moved")]
    assert found == {}
