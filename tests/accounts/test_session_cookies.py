"""The session's cookie: one for each port of a host, and which of several counts."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

import pytest

from tests.support.in_process import InProcess, in_process
from tests.support.live_server import LiveServer
from tests.support.websocket_client import SioClient

WHO = "/api/auth/sesion"
POLL = "/api/notificaciones/polling/manager"


class Browser:
    """It sends a host's cookies to all of its ports, as browsers do."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def ask(self, server: LiveServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        request = urllib.request.Request(server.url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None

    def sign_in(self, server: LiveServer, name: str) -> None:
        assert self.ask(server, "POST", "/api/auth/login", {"username": name, "password": "1234"})[0] == 200

    def who(self, server: LiveServer) -> str | None:
        status, answer = self.ask(server, "GET", WHO)
        return answer["username"] if status == 200 else None


def test_two_services_on_one_host_sign_nobody_out(make_server):
    one, other = make_server(), make_server()
    one.create_user("Ana", "manager")
    other.create_user("Beto", "manager")
    browser = Browser()
    browser.sign_in(one, "Ana")
    browser.sign_in(other, "Beto")
    assert (browser.who(one), browser.who(other)) == ("Ana", "Beto")
    cursor = browser.ask(one, "GET", POLL)[1]["cursor"]
    assert browser.ask(one, "GET", f"{POLL}?cursor={cursor}")[0] == 200
    assert browser.ask(other, "POST", "/api/auth/logout")[0] == 204
    assert (browser.who(one), browser.who(other)) == ("Ana", None)
    browser.sign_in(other, "Beto")
    assert browser.ask(one, "POST", "/api/auth/logout")[0] == 204
    assert (browser.who(one), browser.who(other)) == (None, "Beto")


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db") as running:
        yield running


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("pos.example", "pos_notif_sesion"),
        ("pos.example:5000", "pos_notif_sesion_5000"),
        ("[fd00::9]:81", "pos_notif_sesion_81"),
        ("[fd00::9]", "pos_notif_sesion"),
        ("pos.example:", "pos_notif_sesion"),
        ("", "pos_notif_sesion"),
    ],
)
async def test_the_name_has_the_port_of_the_host(service, host, name):
    await service.accounts.create_user("Ana", "mesero", "1234")
    body = {"username": "Ana", "password": "1234"}
    answer = await service.call("POST", "/api/auth/login", body, headers={"Host": host})
    assert answer.cookie.partition("=")[0] == name
    out = await service.call("POST", "/api/auth/logout", cookie=answer.cookie, headers={"Host": host})
    assert out.status == 204
    assert out.cookie == f"{name}="


async def secrets(service: InProcess, *names: str) -> list[str]:
    return [(await service.sign_in(name, "manager")).partition("=")[2] for name in names]


async def told(service: InProcess, cookie: str, host: str = "pos.example:5000") -> str | None:
    """Who it is by a view, by the short way of polls and by a page alike."""
    headers = {"Host": host}
    answer = await service.call("GET", WHO, cookie=cookie, headers=headers)
    who = answer.json["username"] if answer.status == 200 else None
    cursor = service.app.notifier.log.cursor(0)
    poll = await service.call("GET", f"{POLL}?cursor={cursor}", cookie=cookie, headers=headers)
    page = await service.call("GET", "/", cookie=cookie, headers=headers)
    assert (poll.status, page.status) == ((200, 200) if who else (401, 302))
    assert who is None or who in page.text
    return who


async def test_of_several_the_first_that_is_somebodys_counts_that_of_the_port_before_all(service):
    ana, beto, carla = await secrets(service, "Ana", "Beto", "Carla")
    own, bare, other = "pos_notif_sesion_5000", "pos_notif_sesion", "pos_notif_sesion_5001"
    assert await told(service, f"{bare}={ana}") == "Ana"  # of before, or by way of a proxy
    assert await told(service, f"{bare}={ana}; {own}={beto}") == "Beto"
    assert await told(service, f"{other}={carla}; {bare}={ana}; {own}={beto}") == "Beto"
    assert await told(service, f"{other}={carla}; {bare}={ana}; {own}=wrong") == "Carla"
    assert await told(service, f"{own}=wrong; {own}={beto}; {bare}={ana}") == "Beto"
    assert await told(service, f"{own}=; {bare}={ana}") == "Ana"
    assert await told(service, f"{own}=wrong; {bare}=wrong") is None
    assert await told(service, f"x_{own}={beto}; theme=dark") is None
    assert await told(service, f"{bare}={ana}; {own}={beto}", "pos.example") == "Ana"


async def test_eight_of_them_are_looked_up(service):
    ana, beto = await secrets(service, "Ana", "Beto")
    wrong = [f"pos_notif_sesion_{port}=wrong" for port in range(1, 9)]
    assert await told(service, "; ".join([*wrong[:7], f"pos_notif_sesion={ana}"])) == "Ana"
    assert await told(service, "; ".join([*wrong, f"pos_notif_sesion={ana}"])) is None
    assert await told(service, "; ".join([*wrong, f"pos_notif_sesion_5000={beto}"])) == "Beto"


async def test_signing_out_ends_the_one_that_counted(service):
    ana, beto = await secrets(service, "Ana", "Beto")
    cookie = f"pos_notif_sesion_5000=wrong; pos_notif_sesion_7={beto}; pos_notif_sesion={ana}"
    out = await service.call("POST", "/api/auth/logout", cookie=cookie, headers={"Host": "pos.example:5000"})
    assert (out.status, out.headers.getlist("Set-Cookie")[1:], out.cookie) == (204, [], "pos_notif_sesion_7=")
    assert await told(service, cookie) == "Ana"
    token = await service.accounts.create_token("pos")
    out = await service.call("POST", "/api/auth/logout", token=token, cookie=cookie)
    assert (out.status, "Set-Cookie" in out.headers) == (204, False)


def test_a_socket_takes_the_same(server):
    server.create_user("Ana", "manager")
    server.create_user("Beto", "manager")
    ana, beto = (server.login(name).partition("=")[2] for name in ("Ana", "Beto"))
    own = f"pos_notif_sesion_{server.port}"
    for cookie, name in (
        (f"pos_notif_sesion={ana}; {own}={beto}", "Beto"),
        (f"pos_notif_sesion={ana}; {own}=wrong", "Ana"),
        (f"{own}=wrong", None),
    ):
        with SioClient(server.port, headers={"Cookie": cookie}) as client:
            assert client.greeting.startswith('40{"sid"') == (name is not None)
            if name is not None:
                client.call("conectar_usuario", {})
                state = server.request("GET", "/api/notificaciones/estado")[2]
                assert [row["username"] for row in state["conexiones"] if row["conectado"]][-1] == name
