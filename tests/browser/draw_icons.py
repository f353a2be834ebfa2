"""The pictures of an installed page: `python -m tests.browser.draw_icons` draws them from `static/favicon.svg`.

Browsers install no page whose icon is an SVG alone, and an iPhone takes PNG only.
"""

from __future__ import annotations

import re

from playwright.sync_api import sync_playwright

from tests.browser.page_files import STATIC
from tests.support.chromium import launch

# By file: how many pixels a side, and which part of it the sign takes. What is cut into a circle or rounded by the
# phone itself (a maskable icon, Apple's) is filled to the edge; all that matters lies within 80 % of it.
ICONS = {"192": (192, 1.0, False), "512": (512, 1.0, False), "512-maskable": (512, 0.8, True), "180": (180, 0.9, True)}


def drawing(sign: str, size: int, part: float, filled: bool) -> str:
    ground = re.search(r'<rect[^>]*fill="([^"]+)"', sign)
    assert ground
    side = round(size * part)
    lines = re.sub(r"<rect[^>]*/>", "", sign) if filled else sign
    scaled = lines.replace("<svg ", f'<svg width="{side}" height="{side}" ', 1)
    color = ground[1] if filled else "transparent"
    return (
        f'<body style="margin:0;width:{size}px;height:{size}px;background:{color};display:flex;'
        f'align-items:center;justify-content:center">{scaled}</body>'
    )


def draw() -> None:
    sign = (STATIC / "favicon.svg").read_text("utf-8")
    (STATIC / "icons").mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        for name, (size, part, filled) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(drawing(sign, size, part, filled))
            page.screenshot(path=STATIC / "icons" / f"{name}.png", omit_background=not filled)
        browser.close()


if __name__ == "__main__":
    draw()
