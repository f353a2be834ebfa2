"""What a phone's notification rings for, and that a message that has come is always shown: a browser takes the
permission back from a page that is told something and shows nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.floor import Floor
from tests.browser.pushed import COUNT_SHOWN, message, receive
from tests.browser.tickets import until

pytestmark = pytest.mark.browser

# What is shown, and whether it rings where something of its tag is shown already. A browser that is busy has a minute
# to say what is there.
NOTE = """(() => {
  const later = self.setTimeout;
  self.patience = 60;
  self.setTimeout = (call, ms) => later(call, ms * self.patience);
  const show = ServiceWorkerRegistration.prototype.showNotification;
  self.noted = [];
  ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
    self.noted.push([title, options.tag, options.renotify]);
    return show.call(this, title, options);
  };
})()"""
SHOWN = "() => registration.getNotifications().then(all => all.map(one => [one.title, one.tag]))"
# As if what was shown last had been told so many ms ago, however long a busy machine has taken.
AGED = """ms => registration.getNotifications().then(all => {
  const last = Math.max(...all.map(one => one.data.at));
  Date.prototype.getTime = () => last + ms;
})"""


@pytest.fixture
def phone(device: Any, pushing: Floor) -> tuple[Any, Any, Any]:
    page, worker, push = receive(device, pushing)
    worker.evaluate(NOTE)
    page.evaluate(COUNT_SHOWN)
    return page, worker, push


def publish_ready(floor: Floor, pedido: dict[str, Any]) -> int:
    """By one event, as a POS does it."""
    event = {"tipo": "pedido_listo", "pedido_id": pedido["id"], "items_listos": ["Pupusa de queso"]}
    return floor.server.publish(event)["id"]


def rings(worker: Any) -> list[bool]:
    return [renotify for _, _, renotify in worker.evaluate("noted")]


def is_shown(page: Any, worker: Any, *expected: list[str]) -> None:
    until(page, lambda: sorted(worker.evaluate(SHOWN)) == sorted(expected))


def test_another_order_rings_at_once_and_the_same_one_never_again(phone: Any) -> None:
    page, worker, push = phone
    for order_id, event_id in ((5, 7), (7, 9), (8, 11)):
        text = message(order_id, event_id, f"La cocina NO ha visto el pedido {order_id}")
        push(text.replace(f'"pedido-{order_id}"', '"acuse"'))
        is_shown(page, worker, [f"La cocina NO ha visto el pedido {order_id}", "acuse"])
    assert rings(worker) == [False, True, True]  # the first rings by itself: nothing is shown yet
    # The last one once more, as after a kill between the sending and the cursor, and however late.
    push(text.replace('"pedido-8"', '"acuse"'))
    worker.evaluate(AGED, 3_600_000)
    push(text.replace('"pedido-8"', '"acuse"'))
    assert rings(worker)[3:] == [False, False]


def test_what_the_page_has_shown_rings_no_second_time_and_the_next_event_does(phone: Any, pushing: Floor) -> None:
    page, worker, push = phone
    pedido = pushing.place()
    tag = f"pedido-{pedido['id']}"
    ready = publish_ready(pushing, pedido)
    until(page, lambda: page.evaluate("shown") == 1)
    push(message(pedido["id"], ready, "Mesa 5 lista"))
    is_shown(page, worker, ["Mesa 5 lista", tag])
    push(message(pedido["id"], ready + 3, "Mesa 5 lista otra vez"))
    # By a tap in the kitchen another event comes first than the one that phones are told of.
    other = pushing.place(mesa_numero=6)
    pushing.act(other, "listo")
    until(page, lambda: page.evaluate("shown") == 2)
    [told] = [event["id"] for event in pushing.events(other["id"]) if event["tipo"] == "pedido_listo"]
    worker.evaluate(AGED, 1)
    push(message(other["id"], told, "Mesa 6 lista"))
    assert rings(worker) == [False, True, False]


def test_a_second_order_rings_right_after_the_page_has_shown_the_first(phone: Any, pushing: Floor) -> None:
    """Of one that is ready, changed, and ready again within half a minute."""
    page, worker, push = phone
    pedido = pushing.place()
    ready = publish_ready(pushing, pedido)
    until(page, lambda: page.evaluate("shown") == 1)
    worker.evaluate(AGED, 1)
    push(message(pedido["id"], ready + 3, "Mesa 5 lista otra vez"))
    assert rings(worker) == [True]


def test_of_what_says_no_event_the_time_decides(phone: Any) -> None:
    page, worker, push = phone
    # As a page of an earlier version has shown it.
    shown = "registration.showNotification('Mesa 5', {tag: 'pedido-5', data: {at: Date.now(), navigate: '/pos'}})"
    page.evaluate(f"navigator.serviceWorker.ready.then(registration => {shown})")  # ends once it is shown
    worker.evaluate(AGED, 1)
    push(message(5, 7, "Mesa 5 lista"))
    is_shown(page, worker, ["Mesa 5 lista", "pedido-5"])
    page.evaluate(f"navigator.serviceWorker.ready.then(registration => {shown})")
    worker.evaluate(AGED, 31_000)
    push(message(5, 7, "Mesa 5 lista"))
    # Two tests, or two that nobody can read, are two.
    for _ in range(2):
        push("no JSON")
        until(page, lambda: ["Hay novedades", "novedades"] in worker.evaluate(SHOWN))
    assert rings(worker) == [False, True, False, True]


@pytest.mark.parametrize("look", ["() => Promise.reject(new Error('no'))", "() => new Promise(() => {})", "undefined"])
def test_what_has_come_is_shown_though_the_browser_does_not_say_what_is_shown(phone: Any, look: str) -> None:
    page, worker, push = phone
    push(message(5, 7))
    worker.evaluate(
        f"() => {{ self.patience = 1; self.really = ServiceWorkerRegistration.prototype.getNotifications;"
        f"  ServiceWorkerRegistration.prototype.getNotifications = {look}; }}"
    )
    push(message(5, 8, "Mesa 5, otra vez"))  # ends once it is shown
    worker.evaluate("() => { ServiceWorkerRegistration.prototype.getNotifications = self.really; }")
    is_shown(page, worker, ["Mesa 5, otra vez", "pedido-5"])
    assert rings(worker)[1] is True


@pytest.mark.parametrize("data", ["", "null", '{"notification": null}', '{"notification": {"tag": "", "title": ""}}'])
def test_what_nobody_can_read_is_shown_too(phone: Any, data: str) -> None:
    page, worker, push = phone
    for _ in range(2):
        push(data)
        is_shown(page, worker, ["Hay novedades", "novedades"])
