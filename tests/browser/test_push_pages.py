"""A device that rings with the page closed, from the page's side: what is shown by the service worker, what a tap asks
for, what is missing, and what a visible page says that it has rung for."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NTFY
from tests.browser.floor import COOK, MANAGER, WAITER, Floor, unusable
from tests.browser.pushed import COUNT_SHOWN, message, receive
from tests.browser.tickets import until
from tests.support.logs import opened

pytestmark = pytest.mark.browser

SHOWN = """() => registration.getNotifications().then(all => all.map(one => [one.title, one.body, one.tag]))"""
TAP = """tag => registration.getNotifications({tag}).then(([one]) => {
  const event = new NotificationEvent('notificationclick', {notification: one});
  self.dispatchEvent(event);
})"""
LEADS_TO = "tag => registration.getNotifications({tag}).then(([one]) => one.data.navigate)"
# As a browser that has ended a subscription and hands out another, which Chromium does not without Google.
CHANGED = """([old, fresh]) => {
  self.made = [];
  self.answered = [];
  self.reallyFetch = self.reallyFetch || self.fetch;
  self.fetch = (address, options) => self.reallyFetch(address, options).then(answer => {
    self.answered.push([options.method, address, answer.status]);
    return answer;
  });
  Object.defineProperty(self.registration, 'pushManager', {configurable: true, value: {
    getSubscription: () => Promise.resolve(null),
    subscribe: options => {
      self.made.push(options);
      return Promise.resolve({toJSON: () => fresh});
    },
  }});
  const event = new ExtendableEvent('pushsubscriptionchange');
  if (old) { event.oldSubscription = old; }
  self.dispatchEvent(event);
}"""
# A point of P-256: the curve's generator.
KEY = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
# As a browser whose push service nobody reaches; without one Chromium refuses at once or waits, as it likes.
NEVER = """
  PushManager.prototype.subscribe = function () {
    window.subscribing = true;
    return new Promise(function () {});
  };
"""
HTTP_IN_A_LAN = "Object.defineProperty(window, 'isSecureContext', {value: false});"
IPHONE_IN_A_TAB = "delete window.PushManager; Object.defineProperty(navigator, 'standalone', {value: false});"
HEARD = "posNotif.Sound.prototype.isHeard = function () { return true; };"


def test_the_worker_shows_what_is_pushed_once_and_a_tap_leads_to_the_order(device: Any, pushing: Floor) -> None:
    page, worker, push = receive(device, pushing)
    pedido = pushing.place()
    push(message(pedido["id"], 7))
    push(message(pedido["id"], 7))  # again, as after a kill between the sending and the cursor
    push("no JSON")
    # A tap leads to no other site, whoever has written the message.
    push(message(9, 9).replace("/pos?pedido=9", "https://example.com/pos?pedido=9"))
    assert worker.evaluate(LEADS_TO, "pedido-9") == "/pos"
    assert worker.evaluate(LEADS_TO, f"pedido-{pedido['id']}") == f"/pos?pedido={pedido['id']}"
    worker.evaluate("registration.getNotifications({tag: 'pedido-9'}).then(([one]) => one.close())")
    until(page, lambda: len(worker.evaluate(SHOWN)) == 2)
    assert sorted(worker.evaluate(SHOWN)) == [
        ["Hay novedades", "", "novedades"],
        ["Mesa 5, listo", "2× Pupusa de queso", f"pedido-{pedido['id']}"],
    ]
    # A tap takes the open page there, without loading it anew.
    page.evaluate("window.same = true")
    worker.evaluate(TAP, f"pedido-{pedido['id']}")
    expect(page.locator("#detail-body")).to_contain_text("Pupusa de queso")
    assert page.evaluate("[location.hash, window.same]") == [f"#pedido-{pedido['id']}", True]
    # The page's own notification of the same order is the same one.
    until(page, lambda: len(worker.evaluate(SHOWN)) == 1)  # the order's was closed by the tap
    page.evaluate(COUNT_SHOWN)
    pushing.act(pedido, "listo")
    page.wait_for_selector(f"#ready [data-pedido-id='{pedido['id']}']", state="attached")
    until(page, lambda: page.evaluate("shown") == 1)
    push(message(pedido["id"], 8))
    push(message(pedido["id"], 9, "Mesa 12, listo"))
    only = ["Mesa 12, listo", "2× Pupusa de queso", f"pedido-{pedido['id']}"]
    until(page, lambda: sorted(worker.evaluate(SHOWN)) == [["Hay novedades", "", "novedades"], only])
    # Opened by a notification.
    page.goto(f"{pushing.url}/pos?pedido={pedido['id']}")
    expect(page.locator("#detail-body")).to_contain_text("Pupusa de queso")
    assert page.evaluate("location.pathname + location.search + location.hash") == f"/pos#pedido-{pedido['id']}"


def test_a_subscription_that_the_browser_has_ended_is_made_anew_by_the_worker_for_who_is_signed_in(
    device: Any, pushing: Floor
) -> None:
    page = device.pages[0]
    pushing.open(page, WAITER, "/pos")
    until(page, lambda: page.evaluate("!!navigator.serviceWorker.controller"))
    (worker,) = device.service_workers
    page.goto(pushing.url + "/static/js/sw.js")  # none of our pages is open

    def subscription(number: int) -> dict[str, Any]:
        keys = {"p256dh": KEY, "auth": "AAECAwQFBgcICQoLDA0ODw"}
        return {"endpoint": f"https://fcm.googleapis.com/fcm/send/{number}", "expirationTime": None, "keys": keys}

    def changed(old: Any, fresh: Any, answered: list[list[Any]]) -> list[Any]:
        """Returns by what the worker has subscribed, once it has asked the service this."""
        worker.evaluate(CHANGED, [old, fresh])
        until(page, lambda: worker.evaluate("answered") == answered)
        return worker.evaluate("made")

    def endpoints() -> list[str]:
        with opened(pushing.server.database) as connection:
            return [found for (found,) in connection.execute("SELECT endpoint FROM push_subscriptions ORDER BY id")]

    # A browser that does not say which one it has ended: by the service's key.
    kept = "/api/push/suscripcion"
    made = changed(None, subscription(1), [["GET", "/api/push", 200], ["PUT", kept, 201]])
    known = pushing.server.request("GET", "/api/push")[2]["clave_publica"]
    assert made == [{"userVisibleOnly": True, "applicationServerKey": known}]
    assert endpoints() == [subscription(1)["endpoint"]]
    # One that does: by that one's key, and in its place.
    old = {**subscription(1), "options": {"applicationServerKey": "as before"}}
    made = changed(old, subscription(2), [["PUT", kept, 201], ["DELETE", kept, 204]])
    assert made == [{"userVisibleOnly": True, "applicationServerKey": "as before"}]
    assert endpoints() == [subscription(2)["endpoint"]]
    # For nobody who has signed out.
    device.clear_cookies()
    changed(old, subscription(3), [["PUT", kept, 401]])
    assert endpoints() == [subscription(2)["endpoint"]]


def test_a_tap_asks_and_what_never_settles_is_given_up_and_what_is_missing_is_said(device: Any, pushing: Floor) -> None:
    page = device.pages[0]
    page.add_init_script(NEVER)
    device.grant_permissions(["notifications"], origin=pushing.url)
    pushing.open(page, WAITER, "/pos")
    expect(page.locator("#avisarme")).to_have_text("Avisarme")
    expect(page.locator("#allow")).to_be_hidden()
    page.clock.install()
    page.evaluate("globalThis.__pwClock.controller.pauseAt(Date.now() + 1000)")  # in one call
    page.click("#avisarme")
    expect(page.locator("#avisarme")).to_be_disabled()
    until(page, lambda: page.evaluate("window.subscribing === true"))  # its twenty seconds have begun
    page.clock.run_for(19_900)
    expect(page.locator("#avisarme")).to_be_disabled()
    page.clock.run_for(200)
    expect(page.locator("#push-said")).to_contain_text("no contestó en 20 segundos: hace falta internet")
    expect(page.locator("#avisarme")).to_be_enabled()
    page.clock.resume()
    # The code of the restaurant's own ntfy server, as its app opens it.
    page.click("#ntfy-open")
    expect(page.locator("#ntfy-code svg path")).to_have_count(1)
    topic = page.inner_text("#ntfy-topic")
    assert page.get_attribute("#ntfy-link", "href") == f"ntfy://127.0.0.1:9/{topic}?secure=false"
    page.click("#ntfy-test")
    expect(page.locator("#push-said")).to_contain_text("debe sonar en unos segundos")
    assert unusable(page) == []
    device.clear_permissions()
    # Without a secure page, in an iPhone's tab, where nobody may ask.
    for script, said in (
        (HTTP_IN_A_LAN, "la dirección no es segura"),
        (IPHONE_IN_A_TAB, "Añadir a pantalla de inicio"),
        ("Object.defineProperty(Notification, 'permission', {value: 'denied'});", "Los avisos están bloqueados"),
    ):
        other = device.new_page()
        other.add_init_script(script)
        other.goto(pushing.url + "/pos")
        expect(other.locator("#push-state")).to_contain_text(said)
        expect(other.locator("#avisarme")).to_be_hidden()
        other.close()


def test_a_visible_page_says_what_it_has_rung_for_and_a_silent_one_does_not(page: Any, pushing: Floor) -> None:
    seen: list[list[int]] = []
    page.on(
        "request", lambda sent: seen.append(sent.post_data_json["evento_ids"]) if sent.url.endswith("/vistos") else None
    )
    pushing.open(page, WAITER, "/pos")
    page.wait_for_selector("#push:not([hidden])")
    silent = pushing.act(pushing.place(mesa_numero=1), "listo")
    page.wait_for_selector(f"#ready [data-pedido-id='{silent['id']}']")
    page.evaluate(HEARD)
    heard = pushing.act(pushing.place(mesa_numero=2), "listo")
    until(page, lambda: bool(seen))
    ready = [event["id"] for event in pushing.events(heard["id"]) if event["tipo"] == "pedido_listo"]
    assert seen == [ready]


def test_the_manager_sees_who_is_rung_and_nothing_pretends_where_nobody_is(
    page: Any, pushing: Floor, floor: Floor
) -> None:
    topic = pushing.call("GET", "/api/push", who=WAITER)["ntfy"]
    assert topic["url"] == NTFY
    pushing.open(page, MANAGER, "/manager")
    expect(page.locator("#phones [data-aviso=Karla]")).to_contain_text("ntfy")
    assert topic["tema"] not in page.inner_text("#phones-rows")
    page.context.clear_cookies()
    for who, path in ((WAITER, "/pos"), (MANAGER, "/manager")):
        floor.open(page, who, path)
        expect(page.locator("#push")).to_be_hidden()
    assert floor.call("GET", "/api/push", who=COOK)["activo"] is False
