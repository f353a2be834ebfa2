"""The pages: who gets which, what protects them, and that nothing they load comes from elsewhere."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from html import unescape
from pathlib import Path

import pytest

from pos_notif.resources import resource
from pos_notif.web.security_headers import content_security_policy
from tests.support.in_process import in_process
from tests.support.logs import opened
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

SCREENS = {
    "/cocina": "cocinero",
    "/pos": "mesero",
    "/caja": "cajero",
    "/manager": "manager",
    "/manager/registro": "manager",
    "/manager/menu": "manager",
}
PAGES = ("/", "/login", *SCREENS, "/docs")


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db", restaurant_name='Comedor "Ñ" <b>') as running:
        yield running


# Who gets which


@pytest.mark.parametrize("path", ["/", *SCREENS])
async def test_without_a_session_a_page_sends_to_the_login(service, path):
    for who in ({}, {"cookie": "pos_notif_sesion=wrong"}, {"token": await service.accounts.create_token("pos")}):
        answer = await service.call("GET", path, **who)
        assert (answer.status, answer.headers["Location"]) == (302, f"/login?next={path}")


async def test_the_login_sends_who_is_signed_in_on(service):
    cook, waiter = await service.sign_in("Ana", "cocinero"), await service.sign_in("Beto", "mesero")
    for cookie, query, target in [
        (cook, "", "/cocina"),
        (waiter, "", "/pos"),
        (await service.sign_in("Caro", "cajero"), "", "/caja"),
        (await service.sign_in("Dora", "manager"), "", "/manager"),
        (cook, "?next=/", "/"),
        (waiter, "?next=/cocina", "/cocina"),
        (cook, "?next=/cocina%3Fa%3Db%26c", "/cocina?a=b&c"),
    ]:
        answer = await service.call("GET", f"/login{query}", cookie=cookie)
        assert (answer.status, answer.headers["Location"]) == (302, target)


async def test_the_kitchens_page_knows_when_an_order_is_late_and_how_long_it_can_be_recalled(tmp_path):
    async with in_process(tmp_path / "log.db", warn_minutes=4, late_minutes=9.5, ready_minutes=7.5) as service:
        page = await service.call("GET", "/cocina", cookie=await service.sign_in("Ana", "cocinero"))
    assert 'data-warn-minutes="4" data-late-minutes="9.5" data-ready-minutes="7.5"' in page.text


async def test_the_waiters_page_knows_after_how_long_an_unseen_order_gives_alarm_and_that_none_is_wanted(tmp_path):
    for seconds, told in ((7.5, "7.5"), (0, "0")):
        async with in_process(tmp_path / f"{told}.db", ack_seconds=seconds) as service:
            page = await service.call("GET", "/pos", cookie=await service.sign_in("Beto", "mesero"))
        assert f'data-ack-seconds="{told}"' in page.text


OPEN_REDIRECTS = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "http://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "/\u2028/evil.example",
    "//evil.example/%2f..",
    "//[::1",
    "/.//evil.example\\",
]


@pytest.mark.parametrize("target", OPEN_REDIRECTS)
async def test_next_never_leads_to_another_site(service, target):
    cookie = await service.sign_in("Ana", "cocinero")
    for encoded in (target, "".join(f"%{byte:02X}" for byte in target.encode())):
        path = f"/login?next={encoded}" if encoded.isascii() and encoded.isprintable() else None
        if path is None or " " in path:
            continue
        answer = await service.call("GET", path, cookie=cookie)
        assert (answer.status, answer.headers["Location"]) == (302, "/cocina")
        assert 'data-next=""' in (await service.call("GET", path)).text


async def test_a_doubly_encoded_next_stays_here(service):
    cookie = await service.sign_in("Ana", "cocinero")
    location = (await service.call("GET", "/login?next=%252F%252Fevil.example", cookie=cookie)).headers["Location"]
    assert location == "/cocina"
    location = (await service.call("GET", "/login?next=/%252Fevil.example", cookie=cookie)).headers["Location"]
    assert location.startswith("/%2Fevil")  # a path of ours, which is 404


@pytest.mark.parametrize("path", SCREENS)
async def test_a_role_without_the_page_gets_a_403_page(service, path):
    for role in ("cocinero", "mesero", "cajero", "manager"):
        answer = await service.call("GET", path, cookie=await service.sign_in(role, role))
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.status == (200 if role in (SCREENS[path], "manager") else 403)
        assert ("Esta pantalla no es para su usuario." in answer.text) == (answer.status == 403)


async def test_the_start_page_lists_what_the_role_may_open(service):
    for role in ("manager", "cocinero", "mesero", "cajero"):
        page = (await service.call("GET", "/", cookie=await service.sign_in(role, role))).text
        for path, owner in SCREENS.items():
            assert (f'href="{path}"' in page) == (role in (owner, "manager"))


async def test_a_page_of_a_person_is_never_stored(service):
    cookie = await service.sign_in("Ana", "manager")
    for path in ("/", *SCREENS):
        assert (await service.call("GET", path, cookie=cookie)).headers["Cache-Control"] == "no-store"


async def test_names_are_escaped(service, tmp_path):
    cookie = await service.sign_in("Ana", "mesero")
    with opened(tmp_path / "log.db") as connection:  # from when a name could be anything
        connection.execute("UPDATE users SET username = ?", ('<img src=x onerror="alert(1)">',))
    page = (await service.call("GET", "/", cookie=cookie)).text
    assert "<img" not in page
    assert "&lt;img" in page
    page = (await service.call("GET", "/login?next=/%22%3E%3Cscript%3E")).text
    assert "<script>" not in page
    assert "<b>" not in page


# What protects them


@pytest.mark.parametrize("path", [*PAGES, "/nada"])
async def test_security_headers(service, path):
    cookie = await service.sign_in("Ana", "manager")
    headers = (await service.call("GET", path, cookie=cookie, headers={"Host": "192.168.1.20:5000"})).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'" if path == "/docs" else "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self' ws://192.168.1.20:5000 wss://192.168.1.20:5000",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("host", ["[fd00::1]:5000", "a; script-src *", "a b", "*", "a:b", "ñ.example", ""])
def test_a_host_that_the_policy_cannot_name_adds_nothing_to_it(host):
    assert " connect-src 'self'; " in content_security_policy("/", host)


async def test_the_api_and_files_are_not_sniffed_either(service):
    for path in ("/api/pedidos", "/api/nada", "/static/css/base.css", "/docs/swagger-ui.css", "/sw.js"):
        assert (await service.call("GET", path)).headers["X-Content-Type-Options"] == "nosniff"
    assert (await service.call("GET", "/api/pedidos")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("template", sorted(path.name for path in resource("templates").iterdir()))
def test_templates_hold_no_inline_script_or_style(template):
    text = (resource("templates") / template).read_text("utf-8")
    for script in re.findall(r"<script\b[^>]*>", text, re.IGNORECASE):
        assert 'src="/' in script or 'src="{{ together(' in script
    assert not re.search(r"<script\b[^>]*>\s*[^<\s]", text, re.IGNORECASE)
    assert not re.search(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=|javascript:", text, re.IGNORECASE)
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize(
    "path",
    ["/static/../schema.sql", "/static/%2e%2e/schema.sql", "/static/..%2fschema.sql", "/docs/../app.py",
     "/docs/%2e%2e/__init__.py", "/docs/..%2f__init__.py", "/docs//etc/passwd", "/static//etc/passwd", "/static/",
     "/docs/", "/static/css"],
)  # fmt: skip
async def test_files_are_served_from_their_folder_only(service, path):
    assert (await service.call("GET", path)).status == 404


# Nothing from elsewhere


async def test_everything_that_a_page_loads_is_served_here(service):
    manager = await service.sign_in("Ana", "manager")
    loaded = set()
    for path in PAGES:
        for cookie in (manager, None):
            page = (await service.call("GET", path, cookie=cookie)).text
            tags = re.findall(r"<(?:script|link|img|source|iframe)\b[^>]*>", page)
            loaded |= {unescape(url) for tag in tags for url in re.findall(r'\b(?:src|href)="([^"]*)"', tag)}
    assert len(loaded) > 10
    for url in loaded:
        assert url.startswith("/")
        assert not url.startswith("//")
        assert (await service.call("GET", url)).status == 200, url


@pytest.mark.parametrize("path", sorted(resource("static").rglob("*.css")), ids=lambda path: path.name)
def test_styles_load_nothing_from_elsewhere(path: Path):
    assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", path.read_text("utf-8"))


async def test_swagger_ui_asks_no_validator_on_the_internet(service):
    """Its badge would ask validator.swagger.io about every address but localhost."""
    assert "validatorUrl: null" in (await service.call("GET", "/static/js/other/docs.js")).text
    css = (await service.call("GET", "/docs/swagger-ui.css")).text
    assert not re.search(r"url\(\s*['\"]?(https?:)?//", css)


async def test_old_files_are_not_kept_over_an_upgrade(service):
    page = (await service.call("GET", "/login")).text
    versions = set(re.findall(r'"/static/[^"?]+\?v=([0-9a-f]{12})"', page))
    assert len(versions) == 1
    assert len(re.findall(r'"/static/', page)) == len(re.findall(r'"/static/[^"]+\?v=', page))


# Health


async def test_healthz_and_readyz_need_no_sign_in(service):
    for path, state in (("/healthz", "vivo"), ("/readyz", "listo")):
        answer = await service.call("GET", path)
        assert (answer.status, answer.json["estado"]) == (200, state)
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def locked(tmp_path, service):
    """Another process is writing, and does not end."""
    lock = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    yield lock
    lock.close()


async def test_readyz_is_503_within_2_s_while_another_holds_the_lock(service, locked):
    with Stopwatch() as watch:
        answer = await service.call("GET", "/readyz")
    assert (answer.status, answer.json["estado"]) == (503, "registro_no_disponible")
    assert watch.seconds < 3
    assert (await service.call("GET", "/healthz")).status == 200
    locked.close()
    assert (await service.call("GET", "/readyz")).status == 200


async def test_checks_side_by_side_hold_up_the_writer_once(service, locked):
    writer = service.app.notifier.log.database._writer
    await writer.run(lambda connection: connection.execute("PRAGMA busy_timeout = 400"))
    with Stopwatch() as watch:
        answers = await asyncio.gather(*(service.call("GET", "/readyz") for _ in range(10)))
    assert {answer.status for answer in answers} == {503}
    assert watch.seconds < 1.6


async def test_readyz_is_503_while_the_log_cannot_be_written(service):
    writer = service.app.notifier.log.database._writer
    await writer.run(lambda connection: connection.execute("PRAGMA query_only = 1"))
    answer = await service.call("GET", "/readyz")
    assert (answer.status, answer.json["estado"]) == (503, "registro_no_disponible")
    assert "readonly" in answer.json["detalle"]
    await writer.run(lambda connection: connection.execute("PRAGMA query_only = 0"))
    assert (await service.call("GET", "/readyz")).status == 200


async def test_readyz_is_503_while_stopping(service):
    await service.app.end_connections()
    answer = await service.call("GET", "/readyz")
    assert (answer.status, answer.json["estado"]) == (503, "deteniendose")


async def test_readyz_appends_nothing(service):
    before = service.app.notifier.log.bounds
    await service.call("GET", "/readyz")
    assert await service.app.notifier.log.store.refresh() == before


def test_readyz_of_a_running_service_follows_a_real_lock(server):
    assert server.request("GET", "/readyz", token=None)[0] == 200
    lock = sqlite3.connect(server.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        assert server.request("GET", "/readyz", token=None)[0] == 503
    finally:
        lock.close()
    eventually(lambda: server.request("GET", "/readyz", token=None)[0] == 200)


async def test_who_has_to_sign_in_goes_on_where_a_notification_led(service):
    """Its address names the order; what is no address of ours is left out."""
    for asked, following in (
        ("/pos?pedido=5", "/login?next=/pos%3Fpedido%3D5"),
        ("/manager/registro?tipo=a%26b&x=%0A", "/login?next=/manager/registro%3Ftipo%3Da%2526b%26x%3D%250A"),
        ("/pos?", "/login?next=/pos"),
    ):
        answer = await service.call("GET", asked)
        assert (answer.status, answer.headers["Location"]) == (302, following)
    page = (await service.call("GET", "/login?next=/pos%3Fpedido%3D5")).text
    assert 'data-next="/pos?pedido=5"' in page
