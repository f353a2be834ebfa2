"""A service that is slow in the worst of ways: what the till asks of it by the drop-in ends all the same."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pos_notif_client import Salida, answers
from pos_notif_client.flask_socketio import NotificadorPedidos, configurar
from tests.support.waiting import eventually

ORDER = {"items": [{"id": 1, "producto_nombre": "Pupusa", "cantidad": 1}]}
DRIP_SECONDS = 0.3  # a fraction of what a question may take
DRIPS = 200  # a minute of them: a call that waits for the last one is no slow machine's


class SlowService:
    """Answers each question by what `answer(path)` gives: bytes at once, or None and then by bytes that drip, or that
    never come. What is published it leaves without an answer."""

    def __init__(self, drips: bool) -> None:
        self.paths: list[str] = []
        self.answer: Callable[[str], bytes | None] = lambda _: None
        self.dripped = self.cut = 0  # answers that were given to their end, and those whose asker went
        self._drips = drips
        self._ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._socket.accept()
                threading.Thread(target=self._talk, args=(accepted,), daemon=True).start()

    def _talk(self, accepted: socket.socket) -> None:
        with accepted, contextlib.suppress(OSError):
            method, path, *_ = accepted.recv(65536).decode().split()
            if method == "POST":
                self._ended.wait()
                return
            self.paths.append(path)
            answer = self.answer(path)
            if answer is not None:
                accepted.sendall(answer)
                return
            accepted.settimeout(DRIP_SECONDS)
            for drop in range(DRIPS):
                if self._drips:
                    accepted.sendall(b"HTTP/1.1 200 OK\r\nX: "[drop : drop + 1] or b"x")
                with contextlib.suppress(TimeoutError):
                    if not accepted.recv(1):
                        self.cut += 1
                        return
                if self._ended.is_set():
                    return
            self.dripped += 1


@pytest.fixture(params=[False, True], ids=["silent", "dripping"])
def slow(request: pytest.FixtureRequest) -> Iterator[SlowService]:
    service = SlowService(request.param)
    yield service
    service.close()


@pytest.fixture
def outbox(slow: SlowService, tmp_path: Path) -> Iterator[Salida]:
    """One that knows of no order, so that each first call about one asks the service."""
    configured = configurar(slow.url, "pn_x", str(tmp_path / "salida.db"), leer_pedido=lambda _: ORDER)
    yield configured
    configured.cerrar(0)


def change(order_id: int) -> Any:
    return NotificadorPedidos.notificar_cambio_estado_pedido(None, order_id, "en_cocina")


@pytest.mark.parametrize(
    "call",
    [
        lambda: change(5),
        lambda: NotificadorPedidos.obtener_eventos_pendientes("cocina"),
        NotificadorPedidos.obtener_estado_conexiones,
    ],
    ids=["an order", "pending events", "connections"],
)
def test_a_call_ends_long_before_the_answer_does_and_the_next_asks_nothing(slow, outbox, monkeypatch, call):
    monkeypatch.setattr(answers, "_AWAY_SECONDS", 3600.0)
    call()
    assert slow.dripped == 0
    eventually(lambda: slow.cut == 1)  # nor is the connection kept, or a thread with it
    call()
    assert change(6)
    assert NotificadorPedidos.obtener_eventos_pendientes("cocina") == []
    assert len(slow.paths) == 1


def test_who_waits_for_an_answer_keeps_nobody_else(slow, outbox, monkeypatch):
    monkeypatch.setattr(answers, "_SECONDS", 3600.0)
    slow.answer = lambda path: b"HTTP/1.1 404 NOT FOUND\r\nContent-Length: 0\r\n\r\n" if "/pedidos/" in path else None
    with ThreadPoolExecutor(2) as threads:
        pages = [threads.submit(NotificadorPedidos.obtener_eventos_pendientes, "cocina") for _ in range(2)]
        eventually(lambda: slow.paths)
        assert change(5)
        assert not any(page.done() for page in pages)
        assert slow.dripped == 0
        slow.close()
    assert [page.result() for page in pages] == [[], []]
    assert len([path for path in slow.paths if "polling" in path]) == 1  # one asks for both


def test_what_took_too_long_is_asked_again_when_the_service_may_be_there(slow, outbox, monkeypatch):
    monkeypatch.setattr(answers, "_AWAY_SECONDS", 0.0)
    assert NotificadorPedidos.obtener_eventos_pendientes("cocina") == []
    body = b'{"eventos": [{"id": 1}]}'
    slow.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    monkeypatch.setattr(answers, "_SECONDS", 60.0)  # a busy machine's
    assert NotificadorPedidos.obtener_eventos_pendientes("cocina") == [{"id": 1}]
