"""Every page, in the states that people see, by axe-core: no serious fault.

/docs is Swagger UI as it comes, whose colours axe-core does find faint.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.floor import CASHIER, COOK, MANAGER, WAITER, Floor
from tests.browser.tickets import end_session_of

pytestmark = pytest.mark.browser

AUDIT = """
() => axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations
  .filter(fault => fault.impact === 'serious' || fault.impact === 'critical')
  .map(fault => [fault.id, fault.nodes.map(node => node.html.slice(0, 160) + ' ' + node.failureSummary)]))
"""


@pytest.fixture
def faults(node_modules: Path) -> Any:
    axe = (node_modules / "axe-core" / "axe.min.js").read_text()

    def of(page: Any) -> list[Any]:
        # Not a script in the page, which its Content-Security-Policy would refuse; once for each load of one.
        if not page.evaluate("!!window.axe"):
            page.evaluate(axe)
        return page.evaluate(AUDIT)

    return of


def test_no_page_has_a_serious_fault(page: Any, floor: Floor, faults: Any) -> None:
    """Failures name the page, the rule and the nodes."""
    found = {}

    def audit(name: str) -> None:
        if wrong := faults(page):
            found[name] = wrong

    floor.served(mesa_numero=6)
    ready = floor.act(floor.place(mesa_numero=7), "listo")
    started = floor.act(floor.place(mesa_numero=8, dishes={"Pupusa de queso": 2, "Horchata": 1}), "iniciar", COOK)
    floor.act(started, "item_listo", COOK, item_id=started["items"][0]["id"])
    floor.act(started, "cambiar_cantidad", WAITER, item_id=started["items"][1]["id"], cantidad=3)
    floor.act(floor.place(mesa_numero=9), "cancelar", razon="Se fueron")
    floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre="Rosa")
    floor.sold_out("Yuca frita")

    page.goto(floor.url + "/login")
    audit("login")
    page.evaluate(
        "who => { localStorage['notif:personas'] = JSON.stringify([{username: who, rol: 'mesero', at: Date.now()}]); }",
        WAITER,
    )
    page.reload()
    page.wait_for_selector("#names .person")
    audit("login, nombres")
    page.click("#names .person >> nth=0")
    page.click("[data-key='0']")
    page.click("[data-key=enter]")
    page.wait_for_selector(".pinmsg--late")
    audit("login, PIN")
    floor.open(page, COOK, "/cocina")
    page.wait_for_selector(f'[data-pedido-id="{started["id"]}"]')
    audit("cocina")
    page.evaluate("document.getElementById('shift').hidden = false")
    audit("cocina, turno")
    page.evaluate("document.getElementById('shift').hidden = true")
    for key, name in (("r", "cocina, recuperar"), ("a", "cocina, todo el día")):
        page.keyboard.press(key)
        page.wait_for_selector(".side__row")
        audit(name)
    page.goto(floor.url + "/")
    audit("inicio")
    page.set_viewport_size({"width": 360, "height": 640})
    floor.open(page, WAITER, "/pos")
    page.wait_for_selector(f'#ready [data-pedido-id="{ready["id"]}"]')
    audit("pos")
    page.click("#new")
    page.wait_for_selector("[data-producto-id]")
    audit("pos, nuevo")
    page.goto(floor.url + f"/pos#pedido-{started['id']}")
    audit("pos, pedido")
    page.locator(".oline").last.click()
    page.wait_for_selector(".ledit")
    audit("pos, línea")
    page.click(".ledit .notebtn")
    for chip in ("SIN", "cebolla", "ALERGIA"):
        page.get_by_role("button", name=chip, exact=True).click()
    audit("pos, nota")
    page.set_viewport_size({"width": 1280, "height": 800})
    floor.open(page, CASHIER, "/caja")
    page.locator(".due").first.click()
    page.wait_for_selector("#act")
    audit("caja")
    floor.open(page, MANAGER, "/manager")
    for drawn in (".lane__row", ".chart", ".device", ".dish"):
        page.locator(drawn).first.wait_for()
    audit("manager")
    end_session_of(page)
    page.wait_for_selector("#door")
    audit("manager, sesión terminada")
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)
