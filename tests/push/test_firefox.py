"""To a real browser whose page is closed: Firefox subscribes at a push service on loopback, is told by it, and shows
it."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.push.test_sending import devices, ready, subscribe
from tests.support.engines.firefox import Firefox
from tests.support.logs import opened
from tests.support.mozilla_push import MozillaPush
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

SIGN_IN = """
  var request = new XMLHttpRequest();
  request.open('POST', '/api/auth/login', false);
  request.setRequestHeader('Content-Type', 'application/json');
  request.send(JSON.stringify({username: '%s', password: '1234'}));
  return request.status;"""
SHOWN = """
  return navigator.serviceWorker.getRegistration('/').then(function (registration) {
    return registration ? registration.getNotifications() : [];
  }).then(function (shown) {
    return shown.map(function (one) { return [one.title, one.body, one.tag]; });
  });"""
ENDPOINTS = "SELECT endpoint FROM push_subscriptions"
NO_PAGE = "/static/js/sw.js"


@pytest.fixture
def mozilla(service):
    if not shutil.which("firefox-esr"):
        reason = "needs Firefox (Debian: apt-get install -y firefox-esr)"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    with MozillaPush(service) as mozilla:
        yield mozilla


@pytest.fixture
def firefox(mozilla):
    firefox = Firefox({
        "dom.push.serverURL": mozilla.url,
        "dom.push.testing.allowInsecureServerURL": True,
        "dom.push.retryBaseInterval": 100,
        "permissions.default.desktop-notification": 1,  # as if somebody had tapped "Allow"
        # Who drives it has it neither ask a push service nor, without a desktop, show anything.
        "remote.prefs.recommended": False,
        "alerts.useSystemBackend": False,
    })  # fmt: skip
    yield firefox
    firefox.close()


def sign_in(tab, server, name):
    """As a person does, and then opens the own page."""
    tab.goto(server.url + NO_PAGE)
    assert tab.run(SIGN_IN % name) == 200
    tab.goto(server.url + "/pos")


def ask(tab):
    touch(tab, "avisarme")


def touch(tab, button):
    eventually(lambda: tab.run(f"return document.getElementById('{button}').offsetParent !== null;"))
    tab.tap(f"#{button}")


def test_a_ready_order_rings_a_browser_whose_page_is_closed(make_ringing, service, mozilla, firefox):
    server = make_ringing()
    server.create_user("Ana", "mesero")
    tab = firefox.tab()
    sign_in(tab, server, "Ana")
    ask(tab)
    eventually(lambda: devices(server))
    assert [key.rstrip("=") for key in mozilla.keys] == [server.request("GET", "/api/push")[2]["clave_publica"]]
    tab.goto(server.url + NO_PAGE)
    ready(server, 5)
    shown = eventually(lambda: tab.run(SHOWN))
    assert shown == [["Mesa 5 lista", "2× Pupusa de queso", "pedido-5"]]
    # What is told again takes its own place.
    server.publish({"tipo": "pedido_listo", "pedido_id": 5, "items_listos": ["Pupusa de queso"], "parcial": True})
    eventually(lambda: len(mozilla.acked) == 2)
    assert [one[2] for one in tab.run(SHOWN)] == ["pedido-5"]
    assert (mozilla.acked, service.faults) == ([100, 100], [])
    # The browser's push service has lost its subscriptions: no page is open, and it is rung all the same.
    mozilla.forget()
    eventually(lambda: len(mozilla.keys) == 2 and len(service.browsers) == 1)
    assert mozilla.keys[0] == mozilla.keys[1]
    [renewed] = service.browsers
    with opened(server.database) as connection:
        eventually(lambda: [row[0].rpartition("/")[2] for row in connection.execute(ENDPOINTS)] == [renewed])
    ready(server, 7)
    eventually(lambda: mozilla.acked == [100] * 3)
    eventually(lambda: "pedido-7" in [one[2] for one in tab.run(SHOWN)])
    # By another key of the service nothing reaches that subscription: the page that is loaded next asks for a new one.
    [old] = service.browsers
    server.stop()
    with opened(server.database) as connection:
        connection.execute("DELETE FROM push_keys")
    server.start()
    tab.goto(server.url + "/pos")
    eventually(lambda: len(service.browsers) == 1 and old not in service.browsers)
    eventually(lambda: len(mozilla.keys) == 3 and [row["ultimo_envio"] for row in devices(server).values()] == [None])
    known = server.request("GET", "/api/push")[2]["clave_publica"]
    assert [key.rstrip("=") == known for key in mozilla.keys] == [False, False, True]
    tab.goto(server.url + NO_PAGE)
    ready(server, 6)
    eventually(lambda: mozilla.acked == [100] * 4)
    eventually(lambda: "pedido-6" in [one[2] for one in tab.run(SHOWN)])
    assert (list(devices(server)), service.faults) == (["Ana"], [])


def test_a_page_tells_its_subscription_again_whoever_signs_in_and_ends_it(make_ringing, service, mozilla, firefox):
    server = make_ringing()
    for name in ("Ana", "Luis"):
        server.create_user(name, "mesero")
    tab = firefox.tab()
    sign_in(tab, server, "Ana")
    ask(tab)
    eventually(lambda: list(devices(server)) == ["Ana"])
    # The service has lost it, as by an older backup: the next load of a page tells it again.
    with opened(server.database) as connection:
        connection.execute("DELETE FROM push_subscriptions")
    assert devices(server) == {}
    tab.goto(server.url + "/pos")
    eventually(lambda: list(devices(server)) == ["Ana"])
    # Who signs in on the phone takes it over, by the same subscription and without a tap.
    sign_in(tab, server, "Luis")
    eventually(lambda: list(devices(server)) == ["Luis"])
    assert (len(mozilla.keys), len(service.browsers)) == (1, 1)
    # Probar rings.
    touch(tab, "push-test")
    eventually(lambda: mozilla.acked == [100])
    eventually(lambda: "prueba" in [one[2] for one in tab.run(SHOWN)])
    # Ya no avisarme: the service has forgotten it, and so has the browser.
    touch(tab, "push-stop")
    eventually(lambda: devices(server) == {} and not service.browsers)
    eventually(lambda: tab.run("return document.getElementById('avisarme').offsetParent !== null;"))
    requests = len(service.requests)
    server.create_user("Rosa", "mesero")
    other = service.browser("Rosa")
    subscribe(server, other, server.login("Rosa"))
    ready(server, 5)  # everybody's
    eventually(lambda: service.of("Rosa"))
    assert (service.requests[requests:], mozilla.acked) == (["Rosa"], [100])
