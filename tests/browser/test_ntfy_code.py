"""The code by which a phone's ntfy app gets the topic, read as a camera's app reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import zxingcpp

from tests.browser.floor import WAITER, Floor

pytestmark = pytest.mark.browser

PIXELS = 4  # of a module's side
PARTS = """() => {
  const svg = document.querySelector('#ntfy-code svg'), [ground, modules] = svg.children;
  return {
    box: svg.getAttribute('viewBox'), path: modules.getAttribute('d'), dark: getComputedStyle(modules).fill,
    light: getComputedStyle(ground).fill, width: ground.getAttribute('width'), height: ground.getAttribute('height'),
  };
}"""


def picture(path: str, side: int) -> memoryview:
    """What the browser paints of the path, which is nothing but squares: a byte for each of its pixels."""
    squares = re.findall(r"M(\d+) (\d+)h1v1h-1z", path)
    assert "".join(f"M{column} {row}h1v1h-1z" for column, row in squares) == path
    pixels = bytearray(b"\xff") * (side * PIXELS) ** 2
    for column, row in squares:
        for line in range(int(row) * PIXELS, (int(row) + 1) * PIXELS):
            begin = line * side * PIXELS + int(column) * PIXELS
            pixels[begin : begin + PIXELS] = bytes(PIXELS)
    return memoryview(bytes(pixels)).cast("B", shape=[side * PIXELS, side * PIXELS])


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://avisos.pupuseria-la-ceiba.com.sv"])
def test_the_code_on_the_page_is_the_link_that_opens_the_topic(page: Any, make_server: Any, url: str) -> None:
    floor = Floor(make_server(push="ntfy", ntfy_url=url))
    floor.open(page, WAITER, "/pos")
    page.click("#ntfy-open")
    page.wait_for_selector("#ntfy-code svg")
    drawn = page.evaluate(PARTS)
    link = page.get_attribute("#ntfy-link", "href")
    plain = "?secure=false" if url.startswith("http:") else ""
    assert link == f"ntfy://{url.partition('://')[2]}/{page.inner_text('#ntfy-topic')}{plain}"
    side = int(drawn["box"].split()[2])
    assert drawn["box"] == f"0 0 {side} {side}"
    assert (drawn["width"], drawn["height"]) == (str(side), str(side))
    assert (drawn["dark"], drawn["light"]) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    assert [found.text for found in zxingcpp.read_barcodes(picture(drawn["path"], side))] == [link]
