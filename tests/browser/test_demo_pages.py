"""The demo as a newcomer finds it: marked tickets in the kitchen, and no alarm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.demo.test_demo import Demo

pytestmark = pytest.mark.browser
LONG_MS = 60_000


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    started = Demo("--pace", "20", "--seed", "8", temporary=tmp_path)
    yield started
    started.close()


def open_page(page: Any, demo: Demo, role: str, path: str) -> None:
    username, pin = demo.pin(role)
    page.context.request.post(f"{demo.url}/api/auth/login", data={"username": username, "password": pin})
    page.goto(demo.url + path)
    page.wait_for_selector("#conexion[data-modo=sse]")


def test_tickets_grow_old_and_no_red_plate_greets_a_newcomer(page: Any, demo: Demo) -> None:
    page.goto(demo.url + "/login")
    expect(page.locator("body")).to_contain_text("Pupusería La Ceiba")
    open_page(page, demo, "cocinero", "/cocina")
    page.click("#shift-go")
    for age in ("aviso", "tarde"):
        page.locator(f".ticket[data-edad={age}]").first.wait_for(timeout=LONG_MS)
    # The kitchen's page is closed: its staff are there still, and see what comes.
    open_page(page, demo, "mesero", "/pos")
    page.locator("#tables [data-pedido-id]").first.wait_for(timeout=LONG_MS)
    page.locator(".seen--yes").first.wait_for(timeout=LONG_MS)
    expect(page.locator("#unseen .strip__row")).to_have_count(0)
    open_page(page, demo, "manager", "/manager")
    page.locator(".lane [data-pedido-id]").first.wait_for(timeout=LONG_MS)
    expect(page.locator("#unseen")).to_be_empty()
