"""`/api/push` without sockets: what a page may ask, and what it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.push.conftest import CONTACT
from tests.support.in_process import InProcess, in_process
from tests.support.push_service import b64, unb64
from tests.support.waiting import eventually

SUBSCRIPTION, SEEN, TEST, LIST = (f"/api/push/{name}" for name in ("suscripcion", "vistos", "prueba", "suscripciones"))


@pytest.fixture
async def ringing(tmp_path, service) -> AsyncIterator[InProcess]:
    settings = {"push": ("webpush", "ntfy"), "push_contact": CONTACT, "push_hosts": (service.host,)}
    async with in_process(tmp_path / "log.db", ntfy_url="http://192.168.1.10:8080/", **settings) as service:
        await service.create_tokens()
        yield service


async def test_where_phones_are_not_rung_nothing_is_there(tmp_path):
    async with in_process(tmp_path / "log.db") as service:
        session = await service.sign_in("Ana", "mesero")
        answer = await service.call("GET", "/api/push", cookie=session)
        assert answer.json == {"activo": False, "clave_publica": None, "vias": []}
        for method, path in (
            ("PUT", SUBSCRIPTION), ("DELETE", SUBSCRIPTION), ("POST", TEST), ("POST", SEEN), ("GET", LIST),
        ):  # fmt: skip
            body = None if method == "GET" or path == TEST else {}
            assert (await service.call(method, path, body, cookie=session)).status == 404
        assert "pos_notif_push" not in (await service.call("GET", "/metrics")).text


async def test_what_a_page_is_told(ringing):
    session = await ringing.sign_in("Ana", "mesero")
    told = (await ringing.call("GET", "/api/push", cookie=session)).json
    assert (told["activo"], told["vias"]) == (True, ["webpush", "ntfy"])
    key = unb64(told["clave_publica"])
    assert (len(key), key[0]) == (65, 4)
    assert told["ntfy"]["url"] == "http://192.168.1.10:8080"
    assert len(told["ntfy"]["tema"]) == 24
    assert (await ringing.call("GET", "/api/push", cookie=session)).json == told
    other = (await ringing.call("GET", "/api/push", cookie=await ringing.sign_in("Luis", "mesero"))).json
    assert other["clave_publica"] == told["clave_publica"]
    assert other["ntfy"]["tema"] != told["ntfy"]["tema"]
    by_token = (await ringing.call("GET", "/api/push", token=ringing.manager)).json
    assert by_token == {name: told[name] for name in ("activo", "clave_publica", "vias")}
    assert (await ringing.call("GET", "/api/push")).status == 401


async def test_a_subscription_is_a_sessions_and_moves_to_who_signs_in_on_the_phone(ringing, service):
    ana, luis = await ringing.sign_in("Ana", "mesero"), await ringing.sign_in("Luis", "mesero")
    phone, tablet = service.browser("phone").body, service.browser("tablet").body
    made = await ringing.call("PUT", SUBSCRIPTION, phone, cookie=ana)
    assert made.status == 201
    again = await ringing.call("PUT", SUBSCRIPTION, phone, cookie=ana)
    assert (again.status, again.json) == (200, made.json)
    assert (await ringing.call("PUT", SUBSCRIPTION, tablet, cookie=ana)).status == 201
    moved = await ringing.call("PUT", SUBSCRIPTION, phone, cookie=luis)
    assert (moved.status, moved.json) == (200, made.json)
    listed = await ringing.call("GET", LIST, token=ringing.manager)
    assert [(row["username"], row["servicio"], row["ultimo_envio"], row["ultimo_error"]) for row in listed.json] == [
        ("Luis", "localhost", None, None), ("Ana", "localhost", None, None),
    ]  # fmt: skip
    for secret in (phone["endpoint"], phone["keys"]["p256dh"], phone["keys"]["auth"], "wpush"):
        assert secret not in listed.text
    assert (await ringing.call("GET", LIST, cookie=ana)).status == 403
    # Of another's, and of one that nobody knows, it says the same.
    for session in (ana, luis, luis):
        deleted = await ringing.call("DELETE", SUBSCRIPTION, {"endpoint": phone["endpoint"]}, cookie=session)
        assert deleted.status == 204
    await ringing.call("POST", "/api/auth/logout", cookie=ana)
    assert (await ringing.call("GET", LIST, token=ringing.manager)).json == []


async def test_a_renewed_address_of_a_device_takes_the_old_ones_place(ringing, service):
    session = await ringing.sign_in("Ana", "mesero")
    device = {"cliente": "6f1f4ea9-7a4e-4f4b-9f55-0a5a8f0e3d11"}
    for name in ("first", "second"):
        made = await ringing.call("PUT", SUBSCRIPTION, service.browser(name).body | device, cookie=session)
        assert made.status == 201
    assert [row["suscripcion_id"] for row in (await ringing.call("GET", LIST, token=ringing.manager)).json] == [
        made.json["suscripcion_id"]
    ]


async def test_what_is_refused(ringing, service):
    session = await ringing.sign_in("Ana", "mesero")
    good = service.browser("phone").body
    off_curve = b64(b"\4" + b"\1" * 64)
    for change, field in (
        ({"endpoint": "https://evil.com/x"}, "endpoint"),
        ({"endpoint": "https://localhost/" + "a" * 1024}, "endpoint"),
        ({"endpoint": 5}, "endpoint"),
        ({"keys": {**good["keys"], "p256dh": off_curve}}, "keys.p256dh"),
        ({"keys": {**good["keys"], "p256dh": good["keys"]["auth"]}}, "keys.p256dh"),
        ({"keys": {**good["keys"], "p256dh": "¿?"}}, "keys.p256dh"),
        ({"keys": {**good["keys"], "auth": b64(b"x" * 15)}}, "keys.auth"),
        ({"keys": {"auth": good["keys"]["auth"]}}, "keys.p256dh"),
        ({"keys": None}, "keys"),
    ):
        answer = await ringing.call("PUT", SUBSCRIPTION, good | change, cookie=session)
        assert (answer.status, list(answer.fields)) == (422, [field]), change
    large = await ringing.call("PUT", SUBSCRIPTION, good | {"x": "a" * 4096}, cookie=session)
    assert (large.status, large.code) == (413, "demasiado_grande")
    for method, path, body in (("PUT", SUBSCRIPTION, good), ("POST", TEST, None), ("POST", SEEN, {"evento_ids": [1]})):
        assert (await ringing.call(method, path, body, token=ringing.manager)).code == "rol_no_permitido"
    for ids in ([], [0], ["1"], [True], [1] * 101, None):
        assert (await ringing.call("POST", SEEN, {"evento_ids": ids}, cookie=session)).status == 422, ids
    assert (await ringing.call("POST", SEEN, {"evento_ids": [2**50]}, cookie=session)).json == {"vistos": 0}
    assert (await ringing.call("POST", TEST, cookie=session)).code == "sin_suscripcion"
    for number in range(20):
        assert (
            await ringing.call("PUT", SUBSCRIPTION, service.browser(f"b{number}").body, cookie=session)
        ).status == 201
    more = await ringing.call("PUT", SUBSCRIPTION, good, cookie=session)
    assert (more.status, more.code) == (409, "demasiadas_suscripciones")


async def test_an_address_at_another_port_or_name_is_refused(ringing, service):
    session = await ringing.sign_in("Ana", "mesero")
    body = service.browser("phone").body
    for endpoint in ("https://localhost:22/", "https://localhost/", "https://a..push.apple.com/SECRET"):
        answer = await ringing.call("PUT", SUBSCRIPTION, body | {"endpoint": endpoint}, cookie=session)
        assert (answer.status, list(answer.fields)) == (422, ["endpoint"])
    assert (await ringing.call("PUT", SUBSCRIPTION, body, cookie=session)).status == 201


async def test_what_the_settings_allow_no_more_is_not_called_though_it_was_stored(tmp_path, service, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    settings = {"push": ("webpush", "ntfy"), "push_contact": CONTACT, "push_wait_seconds": 0, "ntfy_url": service.url}

    async def listed() -> list[str]:
        return [row["servicio"] for row in (await rung.call("GET", LIST, token=manager)).json]

    async with in_process(tmp_path / "log.db", push_hosts=(service.host,), **settings) as rung:
        await rung.create_tokens()
        manager, session = rung.manager, await rung.sign_in("Ana", "mesero")
        topic = (await rung.call("GET", "/api/push", cookie=session)).json["ntfy"]["tema"]
        await rung.call("PUT", SUBSCRIPTION, service.browser("Ana").body, cookie=session)
        assert await listed() == ["localhost", "ntfy"]
    async with in_process(tmp_path / "log.db", push_hosts=("fcm.googleapis.com",), **settings) as rung:
        assert await listed() == ["ntfy"]
        await rung.app.notifier.notificar_nuevo_pedido({"id": 1, "items": []})
        await rung.app.notifier.notificar_pedido_listo(1, ["Flan"])
        await rung.call("POST", TEST, cookie=session)
        counts = rung.app.notifier.log.counts.push
        await asyncio.to_thread(eventually, lambda: counts["ntfy sent"] == 2)
        async with asyncio.timeout(60):
            while "pos_notif_push_queue 0.0" not in (await rung.call("GET", "/metrics")).text:
                await asyncio.sleep(0.02)
    assert service.requests == [topic] * 2
    # Nothing is lost by a host that was left out by mistake.
    async with in_process(tmp_path / "log.db", push_hosts=(service.host,), **settings) as rung:
        assert (await rung.call("POST", TEST, cookie=session)).status == 202
        await asyncio.to_thread(eventually, lambda: service.of("Ana"))


async def test_without_a_service_worker_no_page_asks_for_web_push(tmp_path):
    """The switch that takes installed pages back takes along what rings a browser."""
    settings = {"push_contact": CONTACT, "pwa": False, "ntfy_url": "http://192.168.1.10:8080"}
    async with in_process(tmp_path / "both.db", push=("webpush", "ntfy"), **settings) as service:
        session = await service.sign_in("Ana", "mesero")
        told = (await service.call("GET", "/api/push", cookie=session)).json
        assert (told["activo"], told["vias"], told["clave_publica"]) == (True, ["ntfy"], None)
        body = {"endpoint": "https://fcm.googleapis.com/x", "keys": {"p256dh": "BA", "auth": "AA"}}
        answer = await service.call("PUT", SUBSCRIPTION, body, cookie=session)
        assert (answer.status, list(answer.fields)) == (422, ["endpoint"])
    async with in_process(tmp_path / "one.db", push=("webpush",), **settings) as service:
        session = await service.sign_in("Ana", "mesero")
        told = (await service.call("GET", "/api/push", cookie=session)).json
        assert told == {"activo": False, "clave_publica": None, "vias": []}
