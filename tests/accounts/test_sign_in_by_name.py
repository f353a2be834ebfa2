"""What the sign-in page needs beside a PIN: who there is, where that may be told, and how many tries are left."""

from __future__ import annotations

import pytest

from tests.support.in_process import HeldClock, in_process

PATH = "/api/auth/personas"


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db", HeldClock()) as running:
        await running.accounts.create_user("Ana", "cocinero", "1234")
        yield running


async def test_names_are_told_to_nobody_unless_the_restaurant_wants_it(service):
    answer = await service.call("GET", PATH)
    elsewhere = await service.call("GET", "/api/auth/nada")
    assert (answer.status, answer.json) == (elsewhere.status, elsewhere.json)
    assert answer.code == "no_encontrado"
    assert (await service.call("GET", PATH, cookie=(await service.login("Ana")).cookie)).status == 404


async def test_where_it_does_everybody_is_listed_by_role_and_name_and_nothing_else_of_them(tmp_path):
    async with in_process(tmp_path / "log.db", login_names=True) as service:
        assert (await service.call("GET", PATH)).json == []
        people = {"Rosa": "manager", "Sofía": "mesero", "Karla": "mesero", "Marta": "cajero", "Juan": "cocinero"}
        for name, role in people.items():
            await service.accounts.create_user(name, role, "1234")
        answer = await service.call("GET", PATH)
        assert answer.json == [
            {"username": "Juan", "rol": "cocinero"},
            {"username": "Karla", "rol": "mesero"},
            {"username": "Sofía", "rol": "mesero"},
            {"username": "Marta", "rol": "cajero"},
            {"username": "Rosa", "rol": "manager"},
        ]
        assert answer.headers["Cache-Control"] == "no-store"
        await service.accounts.delete_user("Karla")
        assert "Karla" not in (await service.call("GET", PATH)).text


@pytest.mark.parametrize("name", ["Ana", "Nadie"])
async def test_a_wrong_pin_says_how_many_tries_are_left_whoever_it_is(service, name):
    answers = [await service.login(name, "0000") for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    left = [answer.json["error"].get("intentos_restantes") for answer in answers]
    assert left == [4, 3, 2, 1, 0, None]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None] * 4 + ["900", "900"]
    assert answers[0].json["error"] == {
        "codigo": "credenciales_invalidas", "mensaje": "El usuario o el PIN no coinciden.", "intentos_restantes": 4,
    }  # fmt: skip


async def test_the_right_pin_begins_the_count_anew(service):
    for _ in range(3):
        await service.login("Ana", "0000")
    assert (await service.login("Ana")).status == 200
    assert (await service.login("Ana", "0000")).json["error"]["intentos_restantes"] == 4


async def test_a_new_pin_lets_in_who_was_locked_out(service):
    for _ in range(6):
        refused = await service.login("Ana", "0000")
    assert refused.status == 429
    await service.accounts.set_password("Ana", "9876")
    assert (await service.login("Ana", "1234")).json["error"]["intentos_restantes"] == 4
    assert (await service.login("Ana", "9876")).status == 200
