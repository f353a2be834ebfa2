"""Users, sessions, tokens, and what keeps a PIN from being guessed."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from pos_notif.accounts.accounts import Accounts, username_key
from pos_notif.errors import Invalid, NotFound
from pos_notif.web.errors import STATUS
from tests.support.in_process import HeldClock, in_process
from tests.support.logs import opened

MINUTES = 60


@pytest.fixture
async def service(tmp_path):
    clock = HeldClock()
    async with in_process(tmp_path / "log.db", clock) as running:
        running.clock = clock
        await running.accounts.create_user("Ana", "cocinero", "1234")
        await running.accounts.create_user("Beto", "mesero", "4321")
        yield running


# Signing in


async def test_login_answers_who_and_until_when(service):
    answer = await service.login("Ana")
    assert answer.status == 200
    assert answer.json == {
        "usuario_id": 1,
        "username": "Ana",
        "rol": "cocinero",
        "expira": "2025-11-24T22:00:00.000-06:00",
    }


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(service):
    attributes = (await service.login("Ana")).headers["Set-Cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} <= set(attributes)
    assert "Secure" not in attributes
    assert not any(attribute.startswith("Domain") for attribute in attributes)


@pytest.mark.parametrize(
    "by_https", [{"scheme": "https"}, {"headers": {"X-Forwarded-Proto": "https"}}], ids=["tls", "proxy"]
)
async def test_the_cookie_is_secure_over_https(service, by_https):
    answer = await service.call("POST", "/api/auth/login", {"username": "Ana", "password": "1234"}, **by_https)
    assert "Secure" in answer.headers["Set-Cookie"].split("; ")


@pytest.mark.parametrize(("username", "password"), [("Ana", "4321"), ("Nadie", "1234"), ("Ana", "12345")])
async def test_wrong_credentials_are_401_and_set_no_cookie(service, username, password):
    answer = await service.login(username, password)
    assert (answer.status, answer.code) == (401, "credenciales_invalidas")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "Ana"}, {"username": "Ana", "password": 1234}, {"username": "", "password": "1"}, [], "Ana"],
)
async def test_an_incomplete_login_is_422(service, body):
    assert (await service.call("POST", "/api/auth/login", body)).status == 422


@pytest.mark.parametrize("typed", ["josé núñez", "JOSÉ NÚÑEZ", "Jose\u0301 Nu\u0301n\u0303ez", "  José Núñez "])
async def test_a_name_is_one_however_it_is_typed(service, typed):
    await service.accounts.create_user("José Núñez", "cajero", "1234")
    answer = await service.login(typed)
    assert (answer.status, answer.json["username"]) == (200, "José Núñez")
    with pytest.raises(Invalid):
        await service.accounts.create_user(typed, "mesero", "1234")


async def test_names_that_differ_by_an_accent_are_two_people(service):
    await service.accounts.create_user("Jose", "cajero", "1234")
    await service.accounts.create_user("José", "mesero", "1234")
    assert (await service.login("jose")).json["rol"] == "cajero"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\nb", "a\tb", "a\u202eb", "\udcff", "a\0"])
async def test_names_that_would_deceive_are_refused(service, name):
    with pytest.raises(Invalid):
        await service.accounts.create_user(name, "mesero", "1234")
    with pytest.raises(Invalid):
        await service.accounts.create_token(name)


LOOK_ALIKE = {
    "a Cyrillic a": "\u0430na",
    "a Greek o": "Marc\u03bf",
    "an Armenian letter": "\u0570ana",
    "a joiner": "ana\u034f",
    "a zero-width space": "an\u200ba",
    "a soft hyphen": "an\u00ada",
    "a variation selector": "ana\ufe0f",
    "a Mongolian variation selector": "\u1820\u180b",
    "a tag": "ana\U000e0041",
    "a Hangul filler alone": "\u3164",
    "a halfwidth filler alone": "\uffa0",
    "a jamo filler": "\u1100\u1160",
    "a mark that joins no letter": "ana\u0332",
    "a dot that an i has already": "i\u0307ris",
    "a modifier letter alone": "\u02bc",
    "no letter": "._-'",
    "other punctuation": "ana@caja",
    "two spaces": "ana  luz",
    "a symbol": "ana \u2605",
    "another script's digit": "ana\u09ea",
    "too long once it is composed": "\ufdfa" * 8,
}


@pytest.mark.parametrize("name", LOOK_ALIKE.values(), ids=list(LOOK_ALIKE))
async def test_a_new_user_looks_like_no_other(service, name):
    with pytest.raises(Invalid) as refused:
        await service.accounts.create_user(name, "mesero", "1234")
    assert STATUS[type(refused.value)] == 422
    assert "un solo alfabeto" in refused.value.fields["username"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("María del Carmen O'Neil-Peña", None),
        ("caja_2.b", None),
        ("7", None),
        ("Анна", None),
        ("Ελένη 2", None),
        ("李小龙", None),
        ("अनिता", None),
        ("สมชาย", None),
        ("محمد", None),
        ("ＡＮＡ", "ANA"),
        (" Cafe\u0301 ", "Café"),
        ("ﬁda", "fida"),
    ],
)
async def test_a_name_of_one_script_is_a_name(service, given, stored):
    if given == "ＡＮＡ":
        await service.accounts.delete_user("Ana")
    await service.accounts.create_user(given, "mesero", "1234")
    answer = await service.login(given)
    assert (answer.status, answer.json["username"]) == (200, stored or given)


async def test_who_has_another_name_from_before_still_signs_in(service, tmp_path):
    old = ["\u0430na", "ana\u034f", "\u3164", "ana@caja", "Ana \u2605"]
    for number, name in enumerate(old):
        await service.accounts.create_user(f"anterior{number}", "mesero", "1234")
        with opened(tmp_path / "log.db") as connection:
            connection.execute(
                "UPDATE users SET username = ?, username_key = ? WHERE username = ?",
                (name, username_key(name), f"anterior{number}"),
            )
    for name in old:
        answer = await service.login(name)
        assert (answer.status, answer.json["username"]) == (200, name)
        await service.accounts.set_password(name, "4321")
        assert (await service.login(name, "4321")).status == 200
        await service.accounts.delete_user(name)


async def test_tokens_have_names_that_look_like_no_other_either(service, tmp_path):
    await service.accounts.create_token("POS (caja #1): a/b")
    for name in ("\u0440os", "pos\u034f", "\u3164", "()"):
        with pytest.raises(Invalid):
            await service.accounts.create_token(name)
    # One from before is taken by its own name first.
    secrets = {name: await service.accounts.create_token(name) for name in ("uno", "fi")}
    with opened(tmp_path / "log.db") as connection:
        connection.execute("UPDATE tokens SET name = '\ufb01' WHERE name = 'uno'")
    await service.accounts.revoke_token("\ufb01")
    assert await service.accounts.find_token(secrets["uno"]) is None
    assert await service.accounts.find_token(secrets["fi"]) is not None
    await service.accounts.revoke_token("\ufb01")
    assert await service.accounts.find_token(secrets["fi"]) is None


@pytest.mark.parametrize("name", ["\udcff", "a\0", "Nadie"])
async def test_what_is_nobodys_name_is_not_found(service, name):
    for change in (
        service.accounts.delete_user(name),
        service.accounts.set_role(name, "mesero"),
        service.accounts.revoke_token(name),
    ):
        with pytest.raises(NotFound):
            await change
    assert username_key("\udcff") == ""


@pytest.mark.parametrize("password", ["123", "", "x" * 1001, "12\udcff4"])
async def test_passwords_have_4_to_1000_characters(service, password):
    with pytest.raises(Invalid):
        await service.accounts.create_user("Caro", "mesero", password)
    with pytest.raises(Invalid):
        await service.accounts.set_password("Ana", password)


async def test_any_other_text_is_a_password(service):
    for password in ("1234", "    ", "contraseña 🌮", "x" * 1000):
        await service.accounts.set_password("Ana", password)
        assert (await service.login("Ana", password)).status == 200


async def test_a_token_is_found_by_its_name_however_composed(service):
    secret = await service.accounts.create_token(" Cafe\u0301 ")
    assert [token["name"] for token in await service.accounts.list_tokens()] == ["Café"]
    await service.accounts.revoke_token("Café")
    assert await service.accounts.find_token(secret) is None


# Sessions


async def test_logout_ends_the_session_on_the_server_too(service):
    cookie = (await service.login("Ana")).cookie
    other = (await service.login("Ana")).cookie
    answer = await service.call("POST", "/api/auth/logout", cookie=cookie)
    assert (answer.status, answer.body) == (204, b"")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 401
    assert (await service.call("GET", "/api/auth/sesion", cookie=other)).status == 200
    assert (await service.call("POST", "/api/auth/logout", cookie=cookie)).status == 401


async def test_sesion_answers_as_login(service):
    login = await service.login("Ana")
    answer = await service.call("GET", "/api/auth/sesion", cookie=login.cookie)
    assert (answer.status, answer.json) == (200, login.json)
    assert (await service.call("GET", "/api/auth/sesion")).code == "no_autenticado"


async def test_a_session_expires_to_the_millisecond(service):
    cookie = (await service.login("Ana")).cookie
    service.clock.advance(12 * 3600 - 0.001)
    assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 200
    service.clock.advance(0.001)
    assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 401
    assert await service.accounts.list_sessions() == []


async def test_expired_sessions_are_cleared_away(service, tmp_path):
    await service.login("Ana")
    service.clock.advance(13 * 3600)
    await service.login("Beto", "4321")
    with sqlite3.connect(tmp_path / "log.db") as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    connection.close()


async def test_session_hours_0_means_for_ever_and_almost_0_does_not(tmp_path):
    clock = HeldClock()
    for hours, alive in ((0, True), (1e-9, False)):
        async with in_process(tmp_path / f"{hours}.db", clock, session_hours=hours) as service:
            cookie = await service.sign_in("Ana", "cocinero")
            clock.advance(10 * 365 * 24 * 3600)
            assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == (200 if alive else 401)


async def test_a_session_survives_a_restart(tmp_path):
    async with in_process(tmp_path / "log.db") as service:
        cookie = await service.sign_in("Ana", "cocinero")
    async with in_process(tmp_path / "log.db") as service:
        assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).json["username"] == "Ana"


async def test_changes_of_a_user_end_its_sessions_and_nobody_elses(service):
    others = (await service.login("Beto", "4321")).cookie
    for change in (
        service.accounts.set_role("ANA", "cajero"),
        service.accounts.set_password("Ana", "1234"),
        service.accounts.delete_user("Ana"),
    ):
        cookie = (await service.login("Ana")).cookie
        assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 200
        await change
        assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 401
    assert (await service.login("Ana")).status == 401
    assert (await service.call("GET", "/api/auth/sesion", cookie=others)).status == 200


async def test_a_password_changed_while_the_old_one_is_checked_gives_no_session(service):
    login = asyncio.create_task(service.login("Ana"))
    await asyncio.sleep(0)
    await service.accounts._change_user("Ana", "UPDATE users SET password_hash = ? WHERE id = ?", "another")
    assert (await login).status == 401
    assert await service.accounts.list_sessions() == []


async def test_a_new_user_never_inherits_a_deleted_ones_sessions_or_keys(service):
    gone = (await service.accounts.login("Beto", "4321", ""))[0]
    await service.accounts.delete_user("Beto")
    await service.accounts.create_user("Beto", "mesero", "4321")
    back = (await service.accounts.login("Beto", "4321", ""))[0]
    assert back.publisher_key != gone.publisher_key


# Secrets


async def test_secrets_are_stored_hashed(service, tmp_path):
    token = await service.accounts.create_token("pos")
    cookie = (await service.login("Ana", "1234")).cookie
    await service.accounts.set_password("Beto", "una contraseña larga")
    with sqlite3.connect(tmp_path / "log.db") as connection:
        dump = "\n".join(connection.iterdump()).encode()
    connection.close()
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (token, cookie.partition("=")[2], "una contraseña larga"):
        assert secret.encode() not in dump
        assert secret.encode() not in files
    assert dump.count(b"$argon2id$") == 2


async def test_a_sessions_secret_is_no_token_and_a_tokens_no_cookie(service):
    """Also while they are remembered from a good use."""
    token = await service.accounts.create_token("pos")
    cookie = (await service.login("Ana")).cookie
    name, _, secret = cookie.partition("=")
    for _ in range(2):
        assert (await service.call("GET", "/api/auth/sesion", token=secret)).status == 401
        assert (await service.call("GET", "/api/auth/sesion", cookie=f"{name}={token}")).status == 401
        assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 200
        assert (await service.call("GET", "/api/auth/sesion", token=token)).status == 200


async def test_the_memory_of_known_secrets_is_bounded(service):
    accounts: Accounts = service.accounts
    token = await accounts.create_token("pos")
    for number in range(10_001):
        accounts._known["session", str(number).encode()] = await accounts.find_token(token)
    cookie = (await service.login("Ana")).cookie
    assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 200
    assert len(accounts._known) < 10
