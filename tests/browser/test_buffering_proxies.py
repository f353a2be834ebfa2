"""The kitchen behind proxies that keep back what they should pass on: no order waits, and the page says how it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import proxies
from tests.browser.conftest import Restaurant
from tests.browser.proxies import Policy, Proxy
from tests.browser.tickets import order, ticket, until

pytestmark = pytest.mark.browser

# What the page has said of its connection, from its first script on: modes, and words of the banner. And how many
# questions of its are not answered yet.
REMEMBER = """
  window.modes = [];
  window.banners = [];
  window.asking = 0;
  (function () {
    var send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      asking++;
      this.addEventListener('loadend', function () { asking--; });
      send.call(this, body);
    };
  }());
  new MutationObserver(function () {
    var plate = document.getElementById('conexion'), banner = document.getElementById('banner');
    var mode = plate && plate.getAttribute('data-modo');
    if (mode && mode !== modes[modes.length - 1]) { modes.push(mode); }
    if (banner && !banner.hidden) { banners.push(banner.textContent); }
  }).observe(document, { attributes: true, childList: true, subtree: true });"""


@pytest.fixture
def proxy(restaurant: Restaurant, complaints: list[str]) -> Iterator[Proxy]:
    with Proxy(restaurant.server.port) as proxy:
        yield proxy
    complaints[:] = [text for text in complaints if "WebSocket" not in text]  # it refuses them


def open_kitchen(page: Any, restaurant: Restaurant, proxy: Proxy) -> None:
    restaurant.sign_in(page)
    page.add_init_script(REMEMBER)
    page.clock.install()
    page.goto(proxy.url + "/cocina")


def mode(page: Any) -> str:
    return page.get_attribute("#conexion", "data-modo")


def pass_time(page: Any, milliseconds: int) -> None:
    """The page lives through it at once, but not while it waits for an answer: that comes in real time, which a busy
    machine takes, and what the page has asked it would give up."""
    passes = """
      async ms => {
        if (asking) { return false; }
        await globalThis.__pwClock.controller.fastForward(ms);
        return true;
      }"""
    until(page, lambda: page.evaluate(passes, milliseconds))


def comes(page: Any, restaurant: Restaurant, number: int) -> None:
    restaurant.publish(order(number))
    until(page, lambda: ticket(page, number).count() == 1)


@pytest.mark.long
@pytest.mark.parametrize(
    "policy",
    [proxies.half_a_second, proxies.the_greeting, proxies.all_but_the_newest, proxies.nothing_until_the_end],
)
def test_orders_come_by_polling_and_the_page_says_so(
    page: Any, restaurant: Restaurant, proxy: Proxy, policy: Policy
) -> None:
    proxy.policy = policy
    open_kitchen(page, restaurant, proxy)
    until(page, lambda: mode(page) == "polling")
    comes(page, restaurant, 1)
    for number in (2, 3, 4):  # the stream is tried again and again, and never taken for good
        tried = proxy.streams
        pass_time(page, 17_000)
        until(page, lambda tried=tried: proxy.streams > tried)
        pass_time(page, 11_000)  # as long as a greeting is waited for
        page.wait_for_timeout(600)  # the proxy's own half second is over
        comes(page, restaurant, number)
    modes = page.evaluate("modes")
    assert modes[modes.index("polling") :] == ["polling"]
    assert page.evaluate("banners") == []
    proxy.policy = proxies.everything
    pass_time(page, 17_000)
    until(page, lambda: mode(page) == "sse", seconds=120)
    comes(page, restaurant, 5)


def test_a_stream_that_goes_mute_later_is_noticed_by_its_silence(
    page: Any, restaurant: Restaurant, proxy: Proxy
) -> None:
    open_kitchen(page, restaurant, proxy)
    until(page, lambda: mode(page) == "sse")
    comes(page, restaurant, 1)
    proxy.policy = proxies.the_greeting
    proxy.cut()
    until(page, lambda: mode(page) == "polling")
    comes(page, restaurant, 2)
