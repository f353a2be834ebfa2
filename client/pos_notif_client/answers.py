"""What the service answers to the questions that the old POS asked of its own memory."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import time
import uuid
from typing import Any, Dict

from . import Salida

Json = Dict[str, Any]

# Every till has old pages that ask each few seconds; the service answers one client once a second.
_FRESH_SECONDS, _AWAY_SECONDS = 1.0, 5.0
_SECONDS = 1.0  # how long one may take, all in all
# The old POS calls a role by its room too.
ROLES = {"cocina": "cocinero", "meseros": "mesero", "cajeros": "cajero", "managers": "manager"}


class _Question:
    """One question to the service, which a thread of its own asks: a socket's time-out is for each byte of an answer,
    and none ends the look-up of a name. Any number of threads may wait for its answer."""

    def __init__(self, outbox: Salida, path: str) -> None:
        self.is_late = False
        self._outbox, self._path, self._end = outbox, path, time.monotonic() + _SECONDS
        self._service: http.client.HTTPConnection | None = None
        self._answer: Any = None
        self._is_over = threading.Event()
        with contextlib.suppress(RuntimeError):  # no thread begins where the interpreter ends
            threading.Thread(target=self._ask, name="pos-notif-pregunta", daemon=True).start()
            return
        self._is_over.set()

    def answer(self) -> Any:
        """Returns what the service answers, and None where it refuses or has not answered whole in time."""
        if not self._is_over.wait(max(0.0, self._end - time.monotonic())):
            self.is_late = True
            connected = self._service.sock if self._service is not None else None
            if connected is not None:
                with contextlib.suppress(OSError):  # the thread that reads it may have closed it just now
                    connected.shutdown(socket.SHUT_RDWR)
            return None
        return self._answer

    def _ask(self) -> None:
        # ValueError: this process has no address, it only stores.
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            self._service = self._outbox.connect(_SECONDS)
            with contextlib.closing(self._service):
                status, _, answer = self._outbox.ask(self._service, self._path)
                self._answer = answer if status == 200 else None
        self._is_over.set()


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
        self._asked: dict[str, _Question] = {}  # of which there is no answer yet
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
            if time.monotonic() < self._away_until:
                return None
        question = _Question(self._outbox, f"/api/pedidos/{order_id}")
        answer = question.answer()
        if question.is_late:  # one that it does not know is told at once
            self._away_until = time.monotonic() + _AWAY_SECONDS
        return answer["pedido"] if answer is not None else None

    def _mine(self) -> threading.Lock:
        """Returns the lock of what is known here, which nobody holds while the service is asked."""
        if self._pid != os.getpid():
            self._begin()
        return self._lock

    def _ask(self, path: str) -> Any:
        """Returns the answer to a question that many may have at once, of whom one asks."""
        with self._mine():
            now = time.monotonic()
            until, answer = self._known.get(path, (0.0, None))
            if now < until or now < self._away_until:
                return answer if now < until else None
            question = self._asked.get(path) or _Question(self._outbox, path)
            self._asked[path] = question
        answer = question.answer()
        with self._lock:
            if self._asked.get(path) is question:
                del self._asked[path]
                if answer is None:
                    self._away_until = time.monotonic() + _AWAY_SECONDS
                else:
                    self._known[path] = (time.monotonic() + _FRESH_SECONDS, answer)
        return answer
