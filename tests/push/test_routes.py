"""`/api/push` without sockets: what a page may ask, and what it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.push.conftest import CONTACT
from tests.support.in_process import InProcess, in_process
from tests.support.push_service import b64, unb64

SUBSCRIPTION, SEEN, TEST, LIST = (f"/api/push/{name}" for name in ("suscripcion", "vistos", "prueba", "suscripciones"))


@pytest.fixture
async def ringing(tmp_path) -> AsyncIterator[InProcess]:
    settings = {"push": ("webpush", "ntfy"), "push_contact": CONTACT, "push_hosts": ("localhost",)}
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
