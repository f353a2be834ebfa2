"""The public HTTP API as the screens use it, with the standard library only. It blocks its thread."""

from __future__ import annotations

import http.client
import itertools
import json
import logging
import threading
import urllib.error
import urllib.request
import uuid
from typing import Any

from .people import Deed, Json, Person

TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0
# The log cannot be written just now; somebody has tried wrong PINs from this address.
_LATER = (429, 503)
# Somebody was faster; the dish is sold out; the order is gone.
_ORDINARY = (404, 409)
_logger = logging.getLogger(__name__)


class Refused(Exception):
    """The service answered what no repetition would change."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"the service refused the simulation's request: {status} {text}")


class Stopped(Exception):
    """`stop` was set before the request was answered."""


class Client:
    """Looks with the token, and acts in a session of each person. Every request is repeated until it is answered, or
    until `stop` is set: then Stopped is raised. Of several addresses, which serve one log, each gets its share of the
    requests. Several threads may use it."""

    def __init__(self, url: str, token: str, stop: threading.Event, *others: str) -> None:
        self._urls = itertools.cycle((url, *others))
        self._stop = stop
        self._token = {"Authorization": f"Bearer {token}"}
        self._cookies: dict[Person, str] = {}
        self._signing_in = threading.Lock()
        # A proxy of the environment is for the internet, not for this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def orders(self, view: str) -> list[Json]:
        orders: list[Json] = self._request("GET", f"/api/pedidos?vista={view}", self._token)[0]["pedidos"]
        return orders

    def menu(self) -> list[Json]:
        products: list[Json] = self._request("GET", "/api/productos", self._token)[0]["productos"]
        return products

    def do(self, deed: Deed) -> Json | None:
        """Does the deed once, however often it must be sent. Returns the order as it is then, or None where there is
        none or the deed was refused. Raises Refused only where the person cannot sign in."""
        body = {**deed.body, "operacion_id": str(uuid.uuid4())} if deed.keyed else deed.body
        try:
            order: Json | None = self._in_session(deed, body).get("pedido")
        except Refused as refused:
            if refused.status == 401:
                raise
            if refused.status not in _ORDINARY:
                _logger.warning("%s", refused)  # a person's doing, such as a dish at a price beyond all sums
            return None
        return order

    def _in_session(self, deed: Deed, body: Json) -> Any:
        is_new = deed.person not in self._cookies
        try:
            return self._request(deed.method, deed.path, {"Cookie": self.cookie(deed.person)}, body)[0]
        except Refused as refused:
            if refused.status != 401 or is_new:
                raise
            self.forget(deed.person)  # it has expired, or somebody ended it
            return self._in_session(deed, body)

    def cookie(self, person: Person) -> str:
        """Returns the cookie of the person's session, which is begun where there is none. Raises Refused, Stopped."""
        with self._signing_in:
            if person not in self._cookies:
                credentials = {"username": person.username, "password": person.pin}
                _, headers = self._request("POST", "/api/auth/login", {}, credentials)
                self._cookies[person] = headers["Set-Cookie"].split(";")[0]
            return self._cookies[person]

    def forget(self, person: Person) -> None:
        """Forgets a session that is over."""
        self._cookies.pop(person, None)

    def _request(self, method: str, path: str, headers: dict[str, str], body: Json | None = None) -> tuple[Any, Any]:
        """Returns the answer's JSON and headers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**headers, "Content-Type": "application/json"}
        pause = FIRST_PAUSE_SECONDS
        while True:
            if self._stop.is_set():
                raise Stopped
            request = urllib.request.Request(next(self._urls) + path, data, headers, method=method)  # noqa: S310 - http only
            try:
                with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                    return json.load(answer), answer.headers
            except urllib.error.HTTPError as error:
                with error:
                    text = error.read().decode("utf-8", "replace")
                if error.code not in _LATER and not self._stop.is_set():
                    raise Refused(error.code, text) from error
            except (OSError, http.client.HTTPException, ValueError):
                pass  # no answer, or half of one: whether it was done is unknown, so the key is sent again
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
