"""`ClienteNotificaciones` in a page of its own against a real service, over a network that breaks."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Restaurant
from tests.browser.network import Network
from tests.browser.tickets import change, order, until

pytestmark = pytest.mark.browser

LIBRARY = Path(__file__).parents[2] / "static" / "js" / "notificaciones.js"
BARE = "delete window.Promise; delete window.fetch; delete window.EventSource; delete window.WebSocket;"
START = """
  window.seen = [];
  window.answers = [];
  window.start = function (options) {
    window.notif = new ClienteNotificaciones(options);
    notif.on('evento_pedido', function (e) { seen.push(e.pedido_id); });
    ['suscripcion_confirmada', 'desuscripcion_confirmada', 'acuse_confirmado', 'error'].forEach(function (name) {
      notif.on(name, function () { answers.push(name); });
    });
    notif.conectar();
  };"""
# Any document of the service will do. It must come from there: Chromium lets none of unknown origin reach this machine.
PAGE = "/api/auth/sesion"
COOK = "start({rol: 'cocinero', usuario_id: 1, intervaloPolling: 300})"
WAITER = "start({rol: 'mesero', usuario_id: 2, intervaloPolling: 300})"


@pytest.fixture
def restaurant(make_server: Any) -> Restaurant:
    return Restaurant(make_server(poll_seconds="0.3"))


@pytest.fixture
def network(restaurant: Restaurant) -> Iterator[Network]:
    with Network(restaurant.server.port) as network:
        yield network


@pytest.fixture(autouse=True)
def library(context: Any) -> None:
    context.add_init_script(LIBRARY.read_text("utf-8") + START)


@pytest.fixture
def pos(page: Any, restaurant: Restaurant, network: Network) -> Any:
    """A page behind the network, signed in as a cook. It starts its client by a script above."""
    restaurant.sign_in(page)
    page.goto(network.url + PAGE)
    return page


def sign_in_waiter(page: Any, restaurant: Restaurant) -> None:
    restaurant.server.create_user("ana", "mesero")
    answer = page.context.request.post(f"{restaurant.url}/api/auth/login", data={"username": "ana", "password": "1234"})
    assert answer.status == 200


def state(page: Any) -> dict[str, Any]:
    return page.evaluate("notif.getEstado()")


def wait_for(page: Any, mode: str) -> None:
    page.wait_for_function(f"notif.getEstado().{mode}")


def wait_for_orders(page: Any, *expected: int) -> None:
    until(page, lambda: len(page.evaluate("seen")) >= len(expected))
    assert page.evaluate("seen") == list(expected)


def test_a_stream_that_is_killed_gives_way_to_polling_and_comes_back(
    pos: Any, restaurant: Restaurant, network: Network
) -> None:
    pos.clock.install()
    pos.evaluate(COOK)
    wait_for(pos, "sse_activo")
    restaurant.publish(order(1))
    wait_for_orders(pos, 1)
    pos.context.route("**/stream/**", lambda route: route.abort())
    network.cut()
    restaurant.publish(order(2), order(3))
    wait_for(pos, "polling_activo")
    restaurant.publish(order(4))
    wait_for_orders(pos, 1, 2, 3, 4)
    pos.context.unroute("**/stream/**")
    pos.clock.fast_forward(17_000)
    wait_for(pos, "sse_activo")
    restaurant.publish(order(5))
    wait_for_orders(pos, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("missing", ["", "WebSocket", "EventSource"])
def test_an_order_is_followed_whichever_way_there_is(pos: Any, restaurant: Restaurant, missing: str) -> None:
    sign_in_waiter(pos, restaurant)
    calls: list[str] = []
    pos.on("request", lambda request: "/suscripciones/" in request.url and calls.append(request.method))
    if missing:
        pos.evaluate(f"delete window.{missing}; undefined")
    pos.evaluate(WAITER)
    pos.wait_for_function("notif.getEstado().sse_activo || notif.getEstado().polling_activo")
    if missing != "WebSocket":
        wait_for(pos, "websocket_activo")
    restaurant.publish(order(1), order(2))
    pos.evaluate("notif.suscribirPedido(1)")
    pos.wait_for_function("answers.length === 1")
    restaurant.publish(change(2, "en_cocina"), change(1, "en_cocina"))  # neither goes to waiters by itself
    wait_for_orders(pos, 1)
    pos.evaluate("notif.desuscribirPedido(1)")
    pos.wait_for_function("answers.length === 2")
    restaurant.publish(change(1, "en_mesa"), change(2, "listo"))
    wait_for_orders(pos, 1, 2)
    assert pos.evaluate("answers") == ["suscripcion_confirmada", "desuscripcion_confirmada"]
    assert state(pos)["websocket_activo"] is (missing != "WebSocket")
    assert calls == (["PUT", "DELETE"] if missing == "WebSocket" else [])


def test_a_socket_that_is_closing_is_no_complaint_and_loses_no_action(pos: Any, restaurant: Restaurant) -> None:
    sign_in_waiter(pos, restaurant)
    restaurant.publish(order(1))
    pos.evaluate(
        "() => { const Native = WebSocket; window.sockets = [];"
        "  window.WebSocket = function (url) { const ws = new Native(url); sockets.push(ws); return ws; } }"
    )
    pos.evaluate(WAITER)
    wait_for(pos, "websocket_activo")
    pos.evaluate("() => { sockets[0].close(); notif.suscribirPedido(1); }")
    pos.wait_for_function("answers.length === 1")
    assert pos.evaluate("answers") == ["suscripcion_confirmada"]
    wait_for(pos, "websocket_activo")


def test_offline_and_online(pos: Any, restaurant: Restaurant, network: Network) -> None:
    pos.evaluate(COOK)
    wait_for(pos, "sse_activo")
    wait_for(pos, "websocket_activo")
    restaurant.publish(order(1))
    wait_for_orders(pos, 1)
    pos.context.set_offline(True)
    network.up = False
    network.cut()
    pos.evaluate(
        "notif.acusarRecibo(1); notif.suscribirPedido(1); notif.desuscribirPedido(1); notif.suscribirPedido(7)"
    )
    pos.wait_for_function("!notif.getEstado().sse_activo && !notif.getEstado().websocket_activo")
    restaurant.publish(order(2))
    network.up = True
    pos.context.set_offline(False)
    wait_for_orders(pos, 1, 2)
    wait_for(pos, "sse_activo")
    wait_for(pos, "websocket_activo")
    until(pos, lambda: len(pos.evaluate("answers")) >= 3)
    assert restaurant.server.request("GET", "/api/pedidos/1")[2]["pedido"]["por_acusar"] == []
    assert sorted(set(pos.evaluate("answers"))) == [
        "acuse_confirmado", "desuscripcion_confirmada", "suscripcion_confirmada",
    ]  # fmt: skip


def test_a_frozen_tab_catches_up(pos: Any, restaurant: Restaurant, network: Network) -> None:
    pos.evaluate(COOK)
    wait_for(pos, "sse_activo")
    devtools = pos.context.new_cdp_session(pos)
    devtools.send("Page.enable")
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    restaurant.publish(order(1))
    network.cut()
    restaurant.publish(order(2))
    time.sleep(0.5)  # frozen for longer than an event takes
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    wait_for_orders(pos, 1, 2)


def test_a_reload_goes_on_from_the_cursor(pos: Any, restaurant: Restaurant) -> None:
    pos.evaluate(COOK)
    wait_for(pos, "sse_activo")
    restaurant.publish(order(1), order(2))
    wait_for_orders(pos, 1, 2)
    pos.goto("about:blank")
    restaurant.publish(order(3), order(4))
    pos.go_back()
    pos.evaluate(COOK)
    wait_for_orders(pos, 3, 4)


def test_two_tabs_of_one_user_follow_different_orders(pos: Any, restaurant: Restaurant, network: Network) -> None:
    sign_in_waiter(pos, restaurant)
    restaurant.publish(order(1), order(2))
    with pos.expect_popup() as opened:
        pos.evaluate(WAITER + f"; window.open('{PAGE}')")  # as duplicating a tab, this copies the session's storage
    other = opened.value
    other.evaluate(WAITER)
    for tab, followed in ((pos, 1), (other, 2)):
        wait_for(tab, "sse_activo")
        tab.evaluate(f"notif.suscribirPedido({followed})")
        tab.wait_for_function("answers.length === 1")
    restaurant.publish(change(1, "en_cocina"), change(2, "en_cocina"), order(3), change(3, "listo"))
    wait_for_orders(pos, 1, 3)
    wait_for_orders(other, 2, 3)


@pytest.mark.faults
@pytest.mark.parametrize("browser_of", ["today", "2013"])
def test_a_hundred_orders_over_a_network_that_breaks(
    pos: Any, restaurant: Restaurant, network: Network, browser_of: str
) -> None:
    if browser_of == "2013":
        pos.evaluate(BARE + " undefined")
    pos.evaluate(COOK)
    until(pos, lambda: state(pos)["cursor"] is not None)
    dice = random.Random(7)
    for number in range(1, 101):
        restaurant.publish(order(number))
        if dice.random() < 0.1:
            network.up = dice.random() < 0.5
            network.cut()
            time.sleep(0.1)
            network.up = True
            if browser_of == "today":
                pos.evaluate("window.dispatchEvent(new Event('online'))")
        time.sleep(dice.random() * 0.04)
    wait_for_orders(pos, *range(1, 101))


def test_a_page_of_another_site_uses_a_token(page: Any, make_server: Any) -> None:
    """No cookie goes there, and EventSource cannot send a header."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    with Network() as elsewhere:
        site = f"http://localhost:{elsewhere.port}"
        server = make_server(origins=site, poll_seconds="0.3")
        elsewhere.target_port = server.port
        page.goto(site + PAGE)
        page.evaluate(
            "([url, token]) => start({rol: 'cocinero', url: url, token: token, intervaloPolling: 300})",
            [server.url, server.token],
        )
        wait_for(page, "websocket_activo")
        wait_for(page, "polling_activo")
        page.evaluate("notif.suscribirPedido(1)")
        page.wait_for_function("answers.length === 1")
        server.publish({"eventos": [order(1)]})
        wait_for_orders(page, 1)
    assert [url for url in asked if server.token in url or "/stream/" in url] == []
    assert server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket" in asked


STOCK = """([url, auth, options]) => {
  window.heard = [];
  window.ways = [];
  window.socket = io(url, Object.assign({auth: auth}, options));
  socket.io.on('open', function () {
    ways.push(socket.io.engine.transport.name);
    socket.io.engine.on('upgrade', function (transport) { ways.push(transport.name); });
  });
  socket.on('connect', function () { socket.emit('conectar_usuario', {rol: 'cocinero'}); });
  socket.on('conexion_confirmada', function () { heard.push('conexion_confirmada'); });
  socket.on('evento_pedido', function (e) { heard.push(e.pedido_id); });
  socket.on('connect_error', function (error) { heard.push(error.message); });
}"""


@pytest.mark.parametrize("site", ["localhost", "127.0.0.1"])
def test_a_listed_page_uses_the_stock_client_with_its_default_options(page: Any, make_server: Any, site: str) -> None:
    """By polling and then by a websocket. A page of another site sends a token; one of another port the cookie, which
    it got by signing in from there."""
    with Network() as elsewhere:
        origin = f"http://{site}:{elsewhere.port}"
        server = make_server(origins=origin)
        server.create_user("marta", "manager")
        elsewhere.target_port = server.port
        page.goto(origin + PAGE)
        page.add_script_tag(url=server.url + "/socket.io/socket.io.js")
        sign_in = """async (url) => (await fetch(url + '/api/auth/login', {method: 'POST', credentials: 'include',
          headers: {'Content-Type': 'application/json'}, body: '{"username": "marta", "password": "1234"}'})).status"""
        by_cookie = site == "127.0.0.1"
        if by_cookie:
            assert page.evaluate(sign_in, server.url) == 200
        auth = {} if by_cookie else {"token": server.token}
        page.evaluate(STOCK, [server.url, auth, {"withCredentials": by_cookie}])
        until(page, lambda: page.evaluate("heard") == ["conexion_confirmada"])
        until(page, lambda: page.evaluate("ways") == ["polling", "websocket"])
        server.publish({"eventos": [order(1)]})
        until(page, lambda: page.evaluate("heard") == ["conexion_confirmada", 1])
        page.evaluate("socket.disconnect(); undefined")
        page.evaluate(STOCK, [server.url, auth, {"withCredentials": by_cookie, "transports": ["polling"]}])
        until(page, lambda: page.evaluate("heard") == ["conexion_confirmada"])
        server.publish({"eventos": [order(2)]})
        until(page, lambda: page.evaluate("heard") == ["conexion_confirmada", 2])
        assert page.evaluate("ways") == ["polling"]


def test_a_page_that_is_not_listed_gets_nothing_by_polls_nor_without_a_token(
    page: Any, make_server: Any, complaints: list[str]
) -> None:
    """A token in the websocket's own first packet is the page's to send, wherever it is from."""
    server = make_server(origins="http://127.0.0.1:1")
    token = {"token": server.token}
    heard = {}
    with Network(server.port) as elsewhere:
        page.goto(f"http://localhost:{elsewhere.port}{PAGE}")
        page.add_script_tag(url=server.url + "/socket.io/socket.io.js")
        for name, auth, transport in (
            ("polls", token, "polling"),
            ("nobody", {}, "websocket"),
            ("token", token, "websocket"),
        ):
            # Once: one that tries again complains once more, where it takes the test long to end it.
            page.evaluate(STOCK, [server.url, auth, {"transports": [transport], "reconnection": False}])
            until(page, lambda: page.evaluate("heard.length") > 0)
            heard[name] = page.evaluate("heard[0]")
            page.evaluate("socket.disconnect(); undefined")
    assert complaints.pop().startswith("Access to XMLHttpRequest")  # the browser tells why, to developers
    assert heard == {"polls": "xhr poll error", "nobody": "origen_no_permitido", "token": "conexion_confirmada"}
