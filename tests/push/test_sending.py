"""Phones are rung by a real service, at a push service on loopback that refuses what the RFCs forbid."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pos_notif.push import sender
from pos_notif.push.tables import read_cursor, save_cursor
from pos_notif.push.webpush_codec import MAX_TEXT_BYTES, encrypt
from tests.push.conftest import CONTACT
from tests.support.in_process import HeldClock, InProcess, in_process
from tests.support.live_server import LiveServer, run_cli
from tests.support.logs import opened
from tests.support.push_service import Browser, PushService, b64, unb64
from tests.support.waiting import eventually
from tests.support.whole_logs import make_log


def subscribe(server: LiveServer, browser: Browser, cookie: str) -> int:
    status, _, answer = server.request("PUT", "/api/push/suscripcion", browser.body, cookie=cookie)
    assert status in (200, 201), answer
    return answer["suscripcion_id"]


def phone(server: LiveServer, service: PushService, name: str, role: str = "mesero") -> tuple[str, Browser]:
    """A person with a phone that is to be rung: the session's cookie, and the browser."""
    server.create_user(name, role)
    cookie = server.login(name)
    browser = service.browser(name)
    subscribe(server, browser, cookie)
    return cookie, browser


def ready(server: LiveServer, order_id: int, **fields: Any) -> int:
    """An order is ready; returns the event."""
    server.new_order(order_id, mesa_numero=order_id, **fields)
    event = {"tipo": "pedido_listo", "pedido_id": order_id, "items_listos": ["Pupusa de queso"]}
    return server.publish(event)["id"]


def devices(server: LiveServer) -> dict[str, Any]:
    return {row["username"]: row for row in server.request("GET", "/api/push/suscripciones")[2]}


def counted(server: LiveServer, result: str, via: str = "webpush") -> float:
    text = server.request("GET", "/metrics", token=None)[2]
    line = next(line for line in text.splitlines() if f'pos_notif_push_total{{result="{result}",via="{via}"}}' in line)
    return float(line.split()[-1])


def queued(server: LiveServer) -> float:
    text = server.request("GET", "/metrics", token=None)[2]
    return float(text.partition("\npos_notif_push_queue ")[2].split()[0])


def test_a_ready_order_rings_its_waiters_phone_alone_and_no_secret_is_told_anywhere(make_ringing, service, tmp_path):
    server = make_ringing()
    _, browser = phone(server, service, "Ana")
    luis, _ = phone(server, service, "Luis")
    rosa, _ = phone(server, service, "Rosa", "manager")
    event = ready(server, 5, mesero="ana")
    [message] = eventually(lambda: service.of("Ana"))
    assert (message["urgency"], message["topic"]) == ("high", "pedido5")
    assert 0 < message["ttl"] <= 600
    assert message["web_push"] == 8030
    assert message["notification"] == {
        "title": "Mesa 5 lista", "body": "2× Pupusa de queso", "navigate": "/pos?pedido=5", "tag": "pedido-5",
        "lang": "es-SV",
    }  # fmt: skip
    assert message["evento_id"] == event
    assert message["cursor"].endswith(f"-{event}")
    # One that nobody is named for is every waiter's.
    ready(server, 6)
    eventually(lambda: len(service.of("Ana")) == 2 and service.of("Luis"))
    assert (len(service.of("Luis")), service.of("Rosa"), service.faults) == (1, [], [])
    told = eventually(lambda: (row := devices(server)["Ana"])["ultimo_envio"] and row)
    assert told["ultimo_error"] is None
    eventually(lambda: counted(server, "sent") == 3)
    # Who has signed out is rung no more.
    assert server.request("POST", "/api/auth/logout", cookie=luis)[0] == 204
    ready(server, 7)
    eventually(lambda: len(service.of("Ana")) == 3)
    # A test comes at once.
    assert server.request("POST", "/api/push/prueba", cookie=rosa)[0] == 202
    assert eventually(lambda: service.of("Rosa"))[0]["notification"]["tag"] == "prueba"
    with opened(server.database) as connection:
        private = connection.execute("SELECT private_key FROM push_keys").fetchone()[0]
    exported = tmp_path / "export.ndjson"
    run_cli("export", "--format", "ndjson", "--output", str(exported), database=server.database)
    state = json.dumps([
        server.request("GET", path, token=None if path == "/metrics" else "")[2]
        for path in ("/metrics", "/api/push", "/api/push/suscripciones", "/api/notificaciones/eventos", "/api/pedidos")
    ])  # fmt: skip
    server.stop()
    assert len(service.of("Luis")) == 1
    said = state + "".join(server.stderr_lines) + exported.read_text()
    secrets = [browser.endpoint, "wpush", *browser.body["keys"].values(), private.hex(), message["authorization"]]
    for secret in (*secrets, b64(private)):
        assert secret not in said


def test_what_a_push_service_answers(make_ringing, service):
    server = make_ringing()
    _, _ = phone(server, service, "Ana")
    luis, browser = phone(server, service, "Luis")
    phone(server, service, "Eva")
    service.answers = {"Ana": [500, 429, 201], "Luis": [403, 400, 413], "Eva": [410]}
    service.headers = {"Retry-After": "1"}
    ready(server, 1)
    eventually(lambda: service.of("Ana"))  # tried until it was taken
    eventually(lambda: "Eva" not in devices(server))
    assert "(403)" in eventually(lambda: devices(server)["Luis"]["ultimo_error"])
    assert [service.requests.count(name) for name in ("Ana", "Luis", "Eva")] == [3, 1, 1]
    # Three refusals in a row are enough.
    ready(server, 2)
    ready(server, 3)
    eventually(lambda: "Apagado" in (devices(server)["Luis"]["ultimo_error"] or ""))
    ready(server, 4)
    eventually(lambda: len(service.of("Ana")) == 4)
    assert service.requests.count("Luis") == 3
    eventually(lambda: [counted(server, result) for result in ("refused", "gone", "sent")] == [3, 1, 4])
    # Until the page asks again.
    subscribe(server, browser, luis)
    ready(server, 5)
    eventually(lambda: service.of("Luis"))
    eventually(lambda: devices(server)["Luis"]["ultimo_error"] is None)


def test_what_another_node_has_sent_meanwhile_is_not_sent_again(make_ringing, service):
    """As by a node that was frozen or cut off with messages that waited, and hears of the others' records first."""
    server = make_ringing()
    phone(server, service, "Ana")
    phone(server, service, "Luis")
    let_go = threading.Event()
    service.answers = {"Ana": [lambda: (let_go.wait(60), 201)[1]]}
    events = [ready(server, number) for number in range(1, 5)]
    eventually(lambda: "Ana" in service.requests and len(service.of("Luis")) == 4)  # each is told after Ana
    with opened(server.database) as connection:  # the others' record
        connection.execute("UPDATE push_subscriptions SET done_id = ?", (events[2],))
    let_go.set()
    eventually(lambda: len(service.of("Ana")) == 2 and queued(server) == 0)
    assert [message["evento_id"] for message in service.of("Ana")] == [events[0], events[3]]


def test_a_node_that_led_before_does_not_take_the_cursor_back(tmp_path):
    log = make_log(tmp_path / "log.db")
    with opened(log) as connection:
        for event_id, found in ((7, 7), (3, 7), (9, 9)):
            save_cursor(connection, event_id)
            assert read_cursor(connection) == found


@pytest.mark.faults
def test_a_process_that_is_killed_while_it_sends_repeats_that_one_message(make_ringing, service):
    server = make_ringing()
    phone(server, service, "Ana")
    ready(server, 1)
    eventually(lambda: devices(server)["Ana"]["ultimo_envio"])

    def die() -> int:
        server.kill()  # it has been sent, and nobody knows
        return 201

    service.answers = {"Ana": [die]}
    ready(server, 2)
    eventually(lambda: len(service.of("Ana")) == 2)
    server.start()
    eventually(lambda: len(service.of("Ana")) == 3)
    ready(server, 3)
    eventually(lambda: len(service.of("Ana")) == 4)
    # On the phone it takes its own place.
    assert [message["notification"]["tag"] for message in service.of("Ana")] == [
        "pedido-1", "pedido-2", "pedido-2", "pedido-3",
    ]  # fmt: skip


def test_of_several_processes_one_sends_and_a_page_is_heard_at_each(make_ringing, service):
    server = make_ringing(workers="2", push_wait_seconds="5")
    ana, _ = phone(server, service, "Ana")
    phone(server, service, "Luis")
    events = [ready(server, number) for number in range(1, 7)]
    for event in events:  # by whichever process, whose connections take turns
        assert server.request("POST", "/api/push/vistos", {"evento_ids": [event]}, cookie=ana)[0] == 200
    eventually(lambda: len(service.of("Luis")) == 6)
    assert [message["evento_id"] for message in service.of("Luis")] == events
    # On a machine that took longer than that some were too late, which is told by how many there are.
    eventually(lambda: counted(server, "seen") == 6 - len(service.of("Ana")) > 0)


def test_ntfy_gets_each_users_topic_as_long_as_somebody_is_signed_in(make_ringing, service):
    server = make_ringing(push="ntfy", ntfy_url=service.url, ntfy_token="tk_abc")
    server.create_user("Ana", "mesero")
    ana = server.login("Ana")
    topic = server.request("GET", "/api/push", cookie=ana)[2]["ntfy"]["tema"]
    ready(server, 5)
    [message] = eventually(lambda: service.of(topic))
    assert message == {
        "to": topic, "topic": topic, "title": "Mesa 5 lista", "message": "2× Pupusa de queso", "priority": 5,
        "tags": ["bell"], "sequence_id": "pedido-5", "click": f"{server.url}/pos?pedido=5",
        "authorization": "Bearer tk_abc",
    }  # fmt: skip
    row = eventually(lambda: (found := devices(server)["Ana"])["ultimo_envio"] and found)
    assert (row["suscripcion_id"], row["servicio"]) == (None, "ntfy")
    service.answers = {topic: [404]}  # a server that was set up anew: the topic stays the user's
    ready(server, 6)
    assert "(404)" in eventually(lambda: devices(server)["Ana"]["ultimo_error"])
    server.request("POST", "/api/auth/logout", cookie=ana)
    server.create_user("Luis", "mesero")
    luis = server.request("GET", "/api/push", cookie=server.login("Luis"))[2]["ntfy"]["tema"]
    ready(server, 7)
    eventually(lambda: service.of(luis))
    assert (service.requests.count(topic), service.faults) == (2, [])
    told = json.dumps([
        server.request("GET", path, token=None if path == "/metrics" else "")[2]
        for path in ("/metrics", "/api/push", "/api/push/suscripciones", "/api/notificaciones/eventos")
    ])  # fmt: skip
    server.stop()
    for secret in (topic, luis, "tk_abc"):
        assert secret not in told + "".join(server.stderr_lines)


def test_a_backup_keeps_the_key_that_all_subscriptions_hang_on(make_ringing, service, tmp_path):
    server = make_ringing()
    phone(server, service, "Ana")
    key = server.request("GET", "/api/push")[2]["clave_publica"]
    assert run_cli("push", "keys", database=server.database).stdout == f"{key}\n"
    run_cli("backup", str(tmp_path / "copy.db"), database=server.database)
    server.stop()
    run_cli("restore", str(tmp_path / "copy.db"), database=server.database)
    server.start()
    assert server.request("GET", "/api/push", cookie=server.login("Ana"))[2]["clave_publica"] == key
    assert devices(server) == {}  # everybody signs in again


def test_a_record_holds_3993_bytes_and_no_more(service):
    browser = service.browser("Ana")
    body = encrypt(b"x" * MAX_TEXT_BYTES, browser.point, browser.auth)
    assert len(body) == 4096
    assert browser.decrypt(body) == b"x" * MAX_TEXT_BYTES
    assert len(unb64(browser.body["keys"]["p256dh"])) == 65


@contextlib.asynccontextmanager
async def rung_in_process(path: Path, service: PushService, clock: HeldClock | None = None) -> AsyncIterator[InProcess]:
    """The service in this process, with a ready order of which Ana's phone is to hear."""
    settings = {"push": ("webpush",), "push_contact": CONTACT, "push_hosts": (service.host,), "push_wait_seconds": 0}
    async with in_process(path, clock, **settings) as ringing:
        await ringing.create_tokens()
        session = await ringing.sign_in("Ana", "mesero")
        await ringing.call("PUT", "/api/push/suscripcion", service.browser("Ana").body, cookie=session)
        await ringing.app.notifier.notificar_nuevo_pedido({"id": 1, "items": []})
        await ringing.app.notifier.notificar_pedido_listo(1, ["Flan"])
        yield ringing


async def noted(ringing: InProcess, field: str) -> dict[str, Any]:
    """Ana's phone, once this is known of it: what came of a message is noted after it was counted."""
    async with asyncio.timeout(60):
        while True:
            [row] = (await ringing.call("GET", "/api/push/suscripciones", token=ringing.manager)).json
            if row[field] is not None:
                return row
            await asyncio.sleep(0.02)


async def test_what_no_push_service_takes_in_time_is_dropped_and_counted(tmp_path, service, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    clock = HeldClock(int(time.time() * 1000))  # which the signature tells
    # So long it takes until it has refused, and nobody needs the message any more.
    service.answers = {"Ana": [lambda: (clock.advance(600), 503)[1], 201]}
    async with rung_in_process(tmp_path / "log.db", service, clock) as ringing:
        counts = ringing.app.notifier.log.counts.push
        await asyncio.to_thread(eventually, lambda: counts["webpush late"])
        row = await noted(ringing, "ultimo_error")
        assert (row["ultimo_envio"], service.received) == (None, [])
        assert row["ultimo_error"] == "Llegó tarde y no se envió: el servicio de avisos respondió 503."
        metrics = (await ringing.call("GET", "/metrics")).text
        assert 'pos_notif_push_total{result="late",via="webpush"} 1.0' in metrics
        assert "pos_notif_push_queue 0.0" in metrics


async def test_what_a_proxy_before_the_push_service_answers_is_tried_again(tmp_path, service, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)  # as of a program that logs all that it is told
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    monkeypatch.setattr(sender, "FIRST_WAIT_SECONDS", 0.01)
    service.answers = {"Ana": [502, 503, 504, 201]}
    async with rung_in_process(tmp_path / "log.db", service) as ringing:
        counts = ringing.app.notifier.log.counts.push
        await asyncio.to_thread(eventually, lambda: service.of("Ana"))
        await asyncio.to_thread(eventually, lambda: counts["webpush sent"])
        row = await noted(ringing, "ultimo_envio")
    assert (service.requests, dict(counts)) == (["Ana"] * 4, {"webpush sent": 1})
    assert row["ultimo_error"] is None
    assert "wpush" not in caplog.text


async def test_a_retry_is_not_sooner_than_it_was_asked_for_and_no_redirect_is_followed(tmp_path, service, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    monkeypatch.setattr(sender, "FIRST_WAIT_SECONDS", 0.01)
    asked = []

    def answer(status: int) -> Callable[[], int]:
        return lambda: (asked.append(time.monotonic()), status)[1]

    service.answers = {"Ana": [answer(429), answer(307)]}
    service.headers = {"Retry-After": "1", "Location": f"{service.url}/wpush/Luis"}
    async with rung_in_process(tmp_path / "log.db", service) as ringing:
        counts = ringing.app.notifier.log.counts.push
        await asyncio.to_thread(eventually, lambda: counts["webpush refused"])
        row = await noted(ringing, "ultimo_error")
    assert asked[1] - asked[0] >= 1
    assert service.requests == ["Ana"] * 2
    assert row["ultimo_error"] == "El servicio de avisos rechazó el mensaje (307)."


async def test_phones_that_fail_together_are_not_tried_again_together(tmp_path, service, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    monkeypatch.setattr(sender, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(sender, "SPREAD", 500)  # up to 5 s, so that a busy machine is not what spreads them
    again: list[float] = []

    def note() -> int:
        again.append(time.monotonic())
        return 201

    async with rung_in_process(tmp_path / "log.db", service) as ringing:
        luis = await ringing.sign_in("Luis", "mesero")
        for number in range(8):
            browser = service.browser(f"phone{number}")
            service.answers[browser.name] = [500, note]
            await ringing.call("PUT", "/api/push/suscripcion", browser.body, cookie=luis)
        await ringing.app.notifier.notificar_pedido_listo(1, ["Flan"])
        await asyncio.to_thread(eventually, lambda: len(again) == 8)
    assert max(again) - min(again) > 0.5


async def test_a_session_whose_time_is_over_is_rung_no_more(tmp_path, service, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    clock = HeldClock(int((time.time() - 6 * 3600) * 1000))  # what is signed is good for half a day
    async with rung_in_process(tmp_path / "log.db", service, clock) as ringing:
        counts = ringing.app.notifier.log.counts.push
        await asyncio.to_thread(eventually, lambda: counts["webpush sent"] == 1)
        clock.advance(6 * 3600)
        luis = await ringing.sign_in("Luis", "mesero")
        await ringing.call("PUT", "/api/push/suscripcion", service.browser("Luis").body, cookie=luis)
        clock.advance(6 * 3600 + 1)  # nobody signs in after that, which would delete what is over
        for _ in range(2):
            await ringing.app.notifier.notificar_pedido_listo(1, ["Flan"])
        await asyncio.to_thread(eventually, lambda: counts["webpush sent"] == 3)
        rows = (await ringing.call("GET", "/api/push/suscripciones", token=ringing.manager)).json
    assert service.requests == ["Ana", "Luis", "Luis"]
    assert [row["username"] for row in rows] == ["Luis"]
