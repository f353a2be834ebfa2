"""A kitchen without INICIAR (`POS_NOTIF_KITCHEN_START=false`): one tap an order."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import COOK, MANAGER, Floor, slow_time
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser


def test_one_tap_makes_an_order_ready_and_only_the_whole_time_is_measured(page: Any, make_server: Any) -> None:
    floor = Floor(make_server(kitchen_start="false"))
    first = floor.place(mesa_numero=5)
    second = floor.place(mesa_numero=6, dishes={"Pupusa de queso": 1, "Horchata": 1})
    floor.open(page, COOK, "/cocina")
    expect(page.locator(".ticket__do")).to_have_text([re.compile("^LISTO"), re.compile("^LISTO")])
    button = page.locator(f'[data-pedido-id="{first["id"]}"] .ticket__do')
    slow_time(page)
    button.click()
    expect(button).to_have_text(re.compile("Deshacer"))
    assert [event["tipo"] for event in floor.events(first["id"])].count("cambio_estado") == 1
    button.click()
    expect(button).to_have_text(re.compile("^LISTO"))
    page.keyboard.press("2")
    page.keyboard.press("2")
    eventually(lambda: floor.order(second["id"])["estado"] == "listo")
    floor.act(second, "servir")
    floor.open(page, MANAGER, "/manager")
    expect(page.locator("#times .chart__name")).to_have_text(["Por recoger", "Total"])
    figures = floor.call("GET", "/api/cifras")
    assert (figures["espera"]["medidos"], figures["cocina"]["medidos"], figures["en_total"]["medidos"]) == (0, 0, 1)
