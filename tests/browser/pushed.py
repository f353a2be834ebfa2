"""Messages as the service pushes them, which Chromium's worker gets by its debugging protocol: it cannot subscribe
without Google."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.browser.floor import WAITER, Floor
from tests.browser.tickets import until

# Chromium forgets a notification that is asked for while it is being shown: how many have been is counted.
# What this script, the worker's or a page's, has shown.
COUNT_SHOWN = """(() => {
  const show = ServiceWorkerRegistration.prototype.showNotification;
  self.shown = 0;
  ServiceWorkerRegistration.prototype.showNotification = function (...all) {
    return show.apply(this, all).then(() => { self.shown += 1; });
  };
})()"""


def message(order_id: int, event_id: int, title: str = "Mesa 5, listo") -> str:
    said = {
        "title": title, "body": "2× Pupusa de queso", "navigate": f"/pos?pedido={order_id}",
        "tag": f"pedido-{order_id}", "lang": "es-SV",
    }  # fmt: skip
    return json.dumps({"web_push": 8030, "notification": said, "evento_id": event_id, "cursor": "x"})


def receive(device: Any, floor: Floor) -> tuple[Any, Any, Callable[[str], None]]:
    """The waiter's page, its worker, and what has a message pushed to it: until that is shown."""
    page = device.pages[0]
    device.grant_permissions(["notifications"], origin=floor.url)
    devtools = device.new_cdp_session(page)
    registrations: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(one["registrationId"] for one in event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    floor.open(page, WAITER, "/pos")
    until(page, lambda: bool(registrations) and page.evaluate("!!navigator.serviceWorker.controller"))
    (worker,) = device.service_workers
    worker.evaluate(COUNT_SHOWN)

    def push(data: str) -> None:
        before = worker.evaluate("shown")
        about = {"origin": floor.url, "registrationId": registrations[0], "data": data}
        devtools.send("ServiceWorker.deliverPushMessage", about)
        until(page, lambda: worker.evaluate("shown") == before + 1)

    return page, worker, push
