"""The public HTTP API as any publisher would use it, with the standard library only. Blocks its thread."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
import uuid
from typing import Any

from .board import Json

TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0


class Refused(Exception):
    """The service answered what no repetition would change."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"the service refused the simulation's request: {status} {text}")


class Stopped(Exception):
    """`stop` was set before the request was answered."""


class Client:
    """Every request is repeated until it is answered, or until `stop` is set: then Stopped is raised."""

    def __init__(self, url: str, token: str, stop: threading.Event) -> None:
        self._url = url
        self._stop = stop
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        # A proxy of the environment is for the internet, not for this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def publish(self, draft: Json) -> bool:
        """Publishes the event, once however often it must be sent. False: the order's state no longer allows it."""
        try:
            self._request("/api/notificaciones/eventos", {**draft, "operacion_id": str(uuid.uuid4())})
        except Refused as refused:
            if refused.status != 409:
                raise
            return False
        return True

    def orders(self, view: str) -> list[Json]:
        orders: list[Json] = self._request(f"/api/pedidos?vista={view}")["pedidos"]
        return orders

    def _request(self, path: str, body: Json | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        pause = FIRST_PAUSE_SECONDS
        while True:
            if self._stop.is_set():
                raise Stopped
            request = urllib.request.Request(self._url + path, data, self._headers)  # noqa: S310 - http only
            try:
                with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    text = error.read().decode("utf-8", "replace")
                if error.code != 503 and not self._stop.is_set():
                    raise Refused(error.code, text) from error
            except (OSError, http.client.HTTPException, ValueError):
                pass  # no answer, or half of one: whether it was published is unknown, so the key is sent again
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
