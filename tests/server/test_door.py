"""Requests that could be read in two ways, or name no host: over a socket, on every way into the service."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.support.command_line import without_pauses
from tests.support.live_server import LiveServer
from tests.support.websocket_client import SOCKET_PATH

PUBLISH = "/api/notificaciones/eventos"
POLL = "/api/notificaciones/polling/manager"
STREAM = "/api/notificaciones/stream/manager"
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
# Each way in, with what its requests have beside Host.
WAYS = {
    "a page": ("GET /login", ()),
    "a file": ("GET /static/js/shared/dom.js", ()),
    "no address": ("GET /nada", ()),
    "the metrics": ("GET /metrics", ()),
    "a view": ("GET /api/pedidos", ("TOKEN",)),
    "a stream": (f"GET {STREAM}", ("TOKEN",)),
    "a poll": (f"GET {POLL}?cursor=CURSOR", ("TOKEN",)),
    "a publication": (f"POST {PUBLISH}", ("TOKEN", "BODY")),
    "a websocket": (f"GET {SOCKET_PATH}", ("TOKEN", *UPGRADE)),
}
BODY = json.dumps({"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0})
BAD_HOSTS = (
    "x" * 64, f"a.{'x' * 64}.example", "a..b", ".a", ".", "a b", "x:y", "x:99999", "x:-1", "[::1", "[:]", "[1::2::3]",
    "a@b", "a/b", "a,b", "ñ", "\xff", "x" * 300, "a%2eb", "http://a",
)  # fmt: skip
GOOD_HOSTS = (
    "", "x", "pos.example", "pos.example.", "POS_caja-1:5000", "192.168.1.9:5000", "[fd00::9]:5000", "[::ffff:1.2.3.4]",
    "x" * 63, "pos.example:", "xn--caf-dma.example:80",
)  # fmt: skip


SERVERS = ("hypercorn", "uvicorn")
# uvicorn reads the Host of an upgrade itself.
BY_HOST = [(server, way) for server in SERVERS for way in WAYS if (server, way) != ("uvicorn", "a websocket")]


@pytest.fixture(scope="module", params=SERVERS)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """After the tests it has logged no traceback."""
    settings = {"POS_NOTIF_SERVER": request.param, "POS_NOTIF_POLL_RATE": "0", "POS_NOTIF_STREAM_SECONDS": "0.05"}
    server = LiveServer(tmp_path_factory.mktemp("door") / "log.db", settings, forked=True).start()
    yield server
    assert server.stop() == 0
    assert [line for line in server.stderr_lines if "Traceback" in line or "ERROR" in line] == []


def ask(service: LiveServer, line: str, *headers: str, body: str = "") -> tuple[int, bytes]:
    """The status, and all that follows the head."""
    sent = [f"{line} HTTP/1.1", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as client:
        client.sendall("\r\n".join([*sent, "", body]).encode("latin1"))
        answer = client.makefile("rb")
        status = int(answer.readline().split()[1])
        length = 0
        while (header := answer.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, answer.read(length)


def enter(service: LiveServer, way: str, *headers: str) -> tuple[int, bytes]:
    line, more = WAYS[way]
    if "CURSOR" in line:
        line = line.replace("CURSOR", service.request("GET", POLL)[2]["cursor"])
    sent = [f"Authorization: Bearer {service.token}" if part == "TOKEN" else part for part in more if part != "BODY"]
    if "BODY" in more:
        sent.append("Content-Type: application/json")
    return ask(service, line, *headers, *sent, body=BODY if "BODY" in more else "")


def newest(service: LiveServer) -> str:
    return str(service.request("GET", "/api/pedidos")[2]["cursor"])


def assert_malformed(status: int, body: bytes) -> None:
    assert status == 400, body
    assert json.loads(body)["error"]["codigo"] == "solicitud_invalida"


# Host


@pytest.mark.parametrize(("service", "way"), BY_HOST, indirect=["service"])
def test_a_host_that_is_none_is_400_on_every_way(service, way):
    before = newest(service)
    for host in BAD_HOSTS:
        assert_malformed(*enter(service, way, f"Host: {host}"))
    assert newest(service) == before


@pytest.mark.parametrize(
    ("service", "way"), [(server, way) for server, way in BY_HOST if way != "no address"], indirect=["service"]
)
def test_a_host_as_machines_have_them_is_good_on_every_way(service, way):
    for host in GOOD_HOSTS:
        status, body = enter(service, way, f"Host: {host}")
        assert status in (200, 201, 101), (host, body)


def test_a_target_in_absolute_form_is_its_path(service):
    token = f"Authorization: Bearer {service.token}"
    status, body = ask(service, "GET http://pos.example:5000/healthz", "Host: x")
    assert (status, json.loads(body)["estado"]) == (200, "vivo")
    assert ask(service, "GET http://pos.example", "Host: x")[0] == 302
    cursor = newest(service)
    status, body = ask(service, f"GET http://x{POLL}?cursor={cursor}", "Host: x", token)
    assert (status, json.loads(body)["cursor"]) == (200, cursor)
    json_type = "Content-Type: application/json"
    assert ask(service, f"POST http://x{PUBLISH}", "Host: x", token, json_type, body=BODY)[0] == 201
    for target in ("http://[/", "http://a..b/", "http:///healthz", "http", "http:healthz", "http://x@y/healthz"):
        assert_malformed(*ask(service, f"GET {target}", "Host: x"))


# Names that no file has


@pytest.mark.parametrize("folder", ["/static/", "/static/js/", "/docs/"])
@pytest.mark.parametrize("name", ["x" * 255, "x" * 256, "x" * 10_000, "x/" * 4000, "%00", "%ff" * 200, "%c3%b1" * 128])
def test_a_name_that_no_file_can_have_is_404(service, folder, name):
    assert ask(service, f"GET {folder}{name}", "Host: x")[0] == 404


# Headers that come twice


@pytest.mark.parametrize(
    "header", ["Idempotency-Key: a", "Authorization: Bearer x", "Content-Type: text/plain", "Host: y"]
)
@pytest.mark.parametrize("way", WAYS)
def test_a_header_that_comes_twice_is_400_on_every_way(service, way, header):
    before = newest(service)
    name = header.partition(":")[0]
    mine = {"Host": "Host: x", "Authorization": "", "Content-Type": ""}.get(name, f"{name}: b")
    twice = [mine or f"{name}: z", header]
    others = [] if name == "Host" else ["Host: x"]
    status, body = enter(service, way, *others, *twice)
    if name == "Host" and service.settings["POS_NOTIF_SERVER"] == "uvicorn":
        assert status == 400  # by uvicorn's own words
    else:
        assert_malformed(status, body)
    assert newest(service) == before


@pytest.mark.parametrize("more", [(), ("Origin: http://x",)], ids=["the short way", "the view"])
def test_two_keys_make_no_two_events(service, more):
    token = f"Authorization: Bearer {service.token}"
    own = ["Host: x", token, "Content-Type: application/json", *more]
    before = newest(service)
    for keys in (("1", "2"), ("2", "1"), ("1", "1")):
        status, body = ask(service, f"POST {PUBLISH}", *own, *(f"Idempotency-Key: {key}" for key in keys), body=BODY)
        assert_malformed(status, body)
    assert newest(service) == before


@pytest.mark.parametrize("more", [(), ("Origin: http://x",)], ids=["the short way", "the view"])
def test_lists_that_come_in_two_headers_are_one(service, more):
    """Cookies are split by HTTP/2, tags by whoever likes."""
    service.create_user(f"ana{len(more)}-{service.settings['POS_NOTIF_SERVER']}", "manager")
    cookie = service.login(f"ana{len(more)}-{service.settings['POS_NOTIF_SERVER']}")
    cursor = newest(service)
    for cookies in ((cookie, "other=1"), ("other=1", cookie)):
        for tags in ((f'"{cursor}"', '"other"'), ('"other"', f'"{cursor}"')):
            lines = [*(f"Cookie: {each}" for each in cookies), *(f"If-None-Match: {tag}" for tag in tags)]
            assert ask(service, f"GET {POLL}?cursor={cursor}", "Host: x", *lines, *more)[0] == 304


# Addresses that are spelled otherwise


@pytest.mark.parametrize(
    "path",
    [
        "//metrics", "///metrics", "/%2fmetrics", "/%2Fmetrics", "//healthz", "/%2fapi/pedidos", "//api/pedidos",
        "/api%2fpedidos", "/api//pedidos", "/api/notificaciones%2fpolling/manager",
        "/api/notificaciones/polling%2Fmanager", "/api/notificaciones/stream%2fmanager",
        "/api/notificaciones%2feventos", "//static/favicon.svg",
        "/static//favicon.svg", "/static/js//shared/dom.js", "/static/js%2fshared/dom.js", "//login", "//docs",
        "/docs//swagger-ui.css", "http://x//metrics", "//openapi.json", "//", "/%2f",
    ],
)  # fmt: skip
def test_an_address_that_is_spelled_otherwise_is_404(service, path):
    token = f"Authorization: Bearer {service.token}"
    for method, more, body in (("GET", (), ""), ("POST", ("Content-Type: application/json",), BODY)):
        assert ask(service, f"{method} {path}", "Host: x", token, *more, body=body)[0] == 404


def test_a_websocket_is_at_its_own_address_alone(service):
    for path in (f"/{SOCKET_PATH}", SOCKET_PATH.replace("/?", "%2f?"), "/%2fsocket.io/?EIO=4&transport=websocket"):
        assert ask(service, f"GET {path}", "Host: x", f"Authorization: Bearer {service.token}", *UPGRADE)[0] == 404


# The access log


def test_nothing_of_an_address_moves_a_terminals_cursor(make_server):
    server = make_server()
    hostile = {
        "\u009b31m": "/%C2%9B31m", "\u2028": "/%E2%80%A8", "\u202e": "/%E2%80%AE", "\x7f": "/%7f",
        "\x1b[2J": "/%1b[2J", "\u0085": "/%c2%85", "\ufeff": "/%EF%BB%BF", "\U000e0001": "/%F3%A0%80%81",
        "\n": "/%0a",
    }  # fmt: skip
    for path in (*hostile.values(), "/ma%C3%B1ana%F0%9F%8C%AE"):
        ask(server, f"GET {path}", "Host: x")
    assert server.stop() == 0
    lines = [line.rstrip("\n") for line in server.stderr_lines if line.startswith("{") and without_pauses(line)]
    assert all(line.isprintable() for line in lines)
    told = {json.loads(line)["path"]: line for line in lines}  # of several workers in any order
    assert len(lines) == len(told)
    assert set(told) == {*(f"/{text}" for text in hostile), "/mañana🌮"}
    assert "mañana🌮" in told["/mañana🌮"]
