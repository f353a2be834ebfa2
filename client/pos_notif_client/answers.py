"""What the service answers to the questions that the old POS asked of its own memory."""

from __future__ import annotations

import contextlib
import http.client
import os
import threading
import time
import uuid
from typing import Any, Dict

from . import Salida

Json = Dict[str, Any]

# Every till has old pages that ask each few seconds; the service answers one client once a second.
_FRESH_SECONDS, _AWAY_SECONDS = 1.0, 5.0
_SECONDS = 1.0  # how long one may take
# The old POS calls a role by its room too.
ROLES = {"cocina": "cocinero", "meseros": "mesero", "cajeros": "cajero", "managers": "manager"}


class Answers:
    """What the service said last to the old pages' questions: one question a second, whoever asks, and none for five
    seconds after it was away, so that no thread of the POS waits for it."""

    def __init__(self, outbox: Salida) -> None:
        self._outbox = outbox
        self._begin()

    def _begin(self) -> None:
        # A child of a fork may have its parent's lock, which nobody frees.
        self._pid, self._lock = os.getpid(), threading.Lock()
        self._client = uuid.uuid4()
        self._known: dict[str, tuple[float, Any]] = {}
        self._away_until = 0.0

    def events(self, role: str) -> list[Json]:
        """Returns a role's events of the last five minutes, the newest hundred."""
        role = ROLES.get(role, role)
        if role not in ROLES.values():
            return []
        answer = self._ask(f"/api/notificaciones/polling/{role}?cliente={self._client}")
        return list(answer["eventos"]) if answer is not None else []

    def connections(self) -> Json:
        """Returns who is connected to the service."""
        answer = self._ask("/api/notificaciones/estado")
        return answer if answer is not None else {"total_conexiones": 0, "por_rol": {}, "conexiones": []}

    def order(self, order_id: int) -> Json | None:
        """Returns an order as the service has it now; None where it has none, and where it is away."""
        with self._mine():
            begun = time.monotonic()
            if begun < self._away_until:
                return None
            answer = self._get(f"/api/pedidos/{order_id}")
            # An order that it does not know is told at once.
            if answer is None and time.monotonic() - begun >= _SECONDS:
                self._away_until = time.monotonic() + _AWAY_SECONDS
            return answer["pedido"] if answer is not None else None

    def _mine(self) -> threading.Lock:
        if self._pid != os.getpid():
            self._begin()
        return self._lock

    def _ask(self, path: str) -> Any:
        with self._mine():
            now = time.monotonic()
            until, answer = self._known.get(path, (0.0, None))
            if now < until or now < self._away_until:
                return answer if now < until else None
            answer = self._get(path)
            if answer is None:
                self._away_until = time.monotonic() + _AWAY_SECONDS
            else:
                self._known[path] = (time.monotonic() + _FRESH_SECONDS, answer)
            return answer

    def _get(self, path: str) -> Any:
        try:
            with contextlib.closing(self._outbox.connect(_SECONDS)) as service:
                status, _, answer = self._outbox.ask(service, path)
        except (
            OSError,
            http.client.HTTPException,
            ValueError,
        ):  # ValueError: this process has no address, it only stores
            return None
        return answer if status == 200 else None
