"""What a browser is told of a page that is installed: its address, how it is shown, and icons of sizes it asks for."""

from __future__ import annotations

import re
import struct

import pytest

from tests.support.in_process import in_process


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db", restaurant_name="Comedor") as running:
        yield running


@pytest.mark.parametrize(
    ("page", "name", "displays", "shortcuts"),
    [
        ("cocina", "Cocina", ["fullscreen", "standalone"], []),
        ("pos", "Mesero", ["standalone"], []),
        ("caja", "Caja", ["standalone"], []),
        ("manager", "Encargado", ["standalone"], ["/cocina", "/pos", "/caja", "/manager/registro", "/manager/menu"]),
    ],
)
async def test_the_manifest_of_each_page(service, page, name, displays, shortcuts):
    answer = await service.call("GET", f"/app.webmanifest?pantalla={page}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/manifest+json")
    assert answer.headers["Cache-Control"] == "no-cache"  # the icons' addresses are those of the next version one day
    told = answer.json
    assert (told["id"], told["start_url"], told["scope"]) == (f"/{page}", f"/{page}", "/")
    assert (told["name"], told["short_name"], told["lang"]) == (f"Comedor · {name}", name, "es-SV")
    assert (told["display"], told["display_override"]) == (displays[0], displays)
    assert told.get("orientation") == ("landscape" if page == "cocina" else None)
    assert [shortcut["url"] for shortcut in told["shortcuts"]] == shortcuts
    # The ground on which it begins is the page's own.
    sheet = await service.call("GET", f"/sin-conexion?pantalla={page}")
    assert (
        told["background_color"]
        == told["theme_color"]
        == re.search('theme-color" content="(#[0-9A-F]{6})"', sheet.text)[1]
    )
    # Android draws the start with the one of 512, its icons with the maskable one.
    assert [(icon["sizes"], icon["purpose"]) for icon in told["icons"]] == [
        ("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"),
    ]  # fmt: skip
    for icon in told["icons"]:
        drawn = await service.call("GET", icon["src"])
        assert "immutable" in drawn.headers["Cache-Control"]
        assert (drawn.headers["Content-Type"], drawn.body[:8]) == (icon["type"], b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", drawn.body[16:24])
        assert f"{width}x{height}" == icon["sizes"]
