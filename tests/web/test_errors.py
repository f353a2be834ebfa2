"""One shape of error on the API, a page elsewhere, and nothing of the inside in either."""

from __future__ import annotations

import re
import sqlite3

import pytest

from pos_notif import errors
from pos_notif.web.errors import HTTP_CODES, STATUS
from tests.support.in_process import in_process

EVENTS = "/api/notificaciones/eventos"
LOGIN = "/api/auth/login"
JSON = {"Content-Type": "application/json"}
ORDER = {"tipo": "nuevo_pedido", "pedido": {"id": 7, "items": []}}


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db", max_body_bytes=65_536) as running:
        await running.create_tokens()
        yield running


@pytest.fixture
async def broken(tmp_path):
    """With a view that fails on each side."""

    async def fail():
        raise RuntimeError("secret detail at 10.0.0.1")

    async with in_process(tmp_path / "log.db") as running:
        running.app._got_first_request = False
        running.app.add_url_rule("/api/falla", view_func=fail, endpoint="fails")
        running.app.add_url_rule("/falla", view_func=fail, endpoint="fails too")
        yield running


def check_shape(answer, status, code):
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    [(name, error)] = answer.json.items()
    assert name == "error"
    assert error["codigo"] == code
    assert error["mensaje"].endswith(".")
    assert set(error) <= {"codigo", "mensaje", "campos", "estado", "permitidas", "intentos_restantes"}
    assert all(isinstance(text, str) for text in error.get("campos", {}).values())


@pytest.mark.parametrize(
    ("status", "code", "method", "path", "body", "headers"),
    [
        (400, "json_invalido", "POST", EVENTS, b"{", JSON),
        (400, "json_invalido", "POST", LOGIN, b"", JSON),
        (400, "json_invalido", "POST", LOGIN, b'{"username": NaN}', JSON),
        (400, "json_invalido", "POST", LOGIN, b"\xff", JSON),
        (401, "credenciales_invalidas", "POST", LOGIN, {"username": "x", "password": "y"}, {}),
        (401, "no_autenticado", "GET", "/api/pedidos", None, {"Authorization": "Bearer x"}),
        (403, "rol_no_permitido", "GET", "/api/notificaciones/estado", None, {"as": "mesero"}),
        (403, "origen_no_permitido", "POST", EVENTS, ORDER, {"Origin": "null"}),
        (404, "no_encontrado", "GET", "/api/nada", None, {}),
        (404, "no_encontrado", "GET", "/api/pedidos/99", None, {}),
        (404, "no_encontrado", "GET", "/api/pedidos/x", None, {}),
        (404, "no_encontrado", "GET", "/api/notificaciones/stream/jefe", None, {}),
        (405, "metodo_no_permitido", "PUT", EVENTS, ORDER, {}),
        (409, "transicion_invalida", "POST", EVENTS, {"tipo": "cambio_estado", "pedido_id": 8, "estado": "listo"}, {}),
        (413, "demasiado_grande", "POST", EVENTS, b" " * 70_000, JSON),
        (413, "demasiado_grande", "POST", LOGIN, b" " * 70_000, JSON),
        (415, "tipo_no_soportado", "POST", EVENTS, b"{}", {}),
        (422, "datos_invalidos", "POST", EVENTS, {"tipo": "nuevo_pedido"}, {}),
        (422, "datos_invalidos", "POST", LOGIN, b'{"username": "\\udcff", "password": "1234"}', JSON),
        (422, "datos_invalidos", "POST", LOGIN, b"[" * 3_000 + b"]" * 3_000, JSON),
    ],
)
async def test_every_refusal_has_the_shape_of_the_contract(service, status, code, method, path, body, headers):
    closed = {"tipo": "cambio_estado", "pedido_id": 8, "estado": "cerrado"}
    await service.call("POST", EVENTS, closed, token=service.manager)
    token = service.tokens[headers.get("as", "manager")]
    answer = await service.call(
        method, path, body, token=token, headers={k: v for k, v in headers.items() if k != "as"}
    )
    check_shape(answer, status, code)


async def test_429_has_the_shape_too_and_says_when(service):
    for _ in range(6):
        answer = await service.call("POST", LOGIN, {"username": "x", "password": "yyyy"})
    check_shape(answer, 429, "demasiados_intentos")
    assert 0 < int(answer.headers["Retry-After"]) <= 900


async def test_503_has_the_shape_too_and_nothing_of_sqlite(service, tmp_path):
    await service.app.notifier.log.database._writer.run(
        lambda connection: connection.execute("PRAGMA busy_timeout = 50")
    )
    lock = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        answer = await service.call("POST", EVENTS, ORDER, token=service.manager)
        check_shape(answer, 503, "registro_no_disponible")
        assert int(answer.headers["Retry-After"]) > 0
        assert "locked" not in answer.text
    finally:
        lock.close()
    assert (await service.call("POST", EVENTS, ORDER, token=service.manager)).status == 201


async def test_a_stream_that_cannot_be_signed_in_now_is_told_to_come_back(service):
    """After a 503 an EventSource would give up for good."""
    await service.app.notifier.log.database.close()
    answer = await service.call("GET", "/api/notificaciones/stream/cocinero", token=service.manager)
    assert (answer.status, answer.body) == (200, b"retry: 2000\n\n")
    assert answer.headers["Content-Type"].startswith("text/event-stream")


async def test_500_shows_no_internals_and_is_logged(broken, caplog):
    answer = await broken.call("GET", "/api/falla")
    check_shape(answer, 500, "error_interno")
    page = await broken.call("GET", "/falla")
    assert (page.status, page.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    for text in (answer.text, page.text):
        assert not re.search("secret|RuntimeError|Traceback|10.0.0.1|quart", text, re.IGNORECASE)
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "RuntimeError: secret detail" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nada", 404), ("GET", "/apiary", 404), ("GET", "/cocina/", 404), ("POST", "/cocina", 405)],
)
async def test_elsewhere_it_is_a_page(service, method, path, status):
    answer = await service.call(method, path)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f'<p class="start__code num">{status}</p>' in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    if status == 405:
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
async def test_what_machines_ask_answers_json(service, path):
    check_shape(await service.call("POST", path), 405, "metodo_no_permitido")


@pytest.mark.parametrize(
    "path", ["/nada/<script>alert(1)</script>", "/<img src=x onerror=alert(1)>", "/%00", "/%ff%fe"]
)
async def test_a_path_is_never_echoed(service, path):
    for prefix in ("", "/api"):
        answer = await service.call("GET", prefix + path)
        assert answer.status == 404
        assert "alert(1)" not in answer.text


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"X-HTTP-Method-Override": "POST"}},
        {"headers": {"X-HTTP-Method": "DELETE"}},
        {"headers": {"X-Method-Override": "PUT"}},
    ],
)
async def test_no_header_overrides_the_method(service, how):
    answer = await service.call("GET", "/api/auth/sesion", token=service.manager, **how)
    assert (answer.status, answer.json["username"]) == (200, "manager")
    assert (await service.call("GET", "/api/auth/logout?_method=POST", **how)).status == 405


async def test_head_and_options_are_sane_everywhere(service):
    for rule in service.app.url_map.iter_rules():
        if rule.endpoint == "static" or rule.websocket:
            continue
        path = (
            rule.rule.replace("<rol>", "cocinero").replace("<pedido_id>", "1").replace("<path:name>", "swagger-ui.css")
        )
        options = await service.call("OPTIONS", path)
        assert (options.status, options.body) == (200, b""), path
        allowed = set(options.headers["Allow"].split(", "))
        # A word may stand where another rule has an id.
        same = [
            other
            for other in service.app.url_map.iter_rules()
            if re.fullmatch(re.sub(r"<\w+>", "[^/]+", other.rule), rule.rule)
        ]
        assert allowed == set().union(*(other.methods for other in same)), path
        head = await service.call("HEAD", path, token=service.manager)
        if "GET" not in allowed:
            assert head.status == 405, path
        elif "/stream/" not in path:
            get = await service.call("GET", path, token=service.manager)
            assert head.status == get.status, path
            assert head.headers["Content-Type"] == get.headers["Content-Type"], path


def test_every_domain_error_has_a_status_and_a_spanish_text():
    def every(kind):
        return {kind, *(below for child in kind.__subclasses__() for below in every(child))}

    # On a socket, there is no status; and what only others are made of has no text.
    assert every(errors.DomainError) - {errors.DomainError, errors.TryLater, errors.UnknownAction} == set(STATUS)
    codes = [kind.code for kind in STATUS if kind is not errors.EngineAway]  # to a client it is the log that is away
    assert len(set(codes)) == len(codes)
    for code, message in [(kind.code, kind.message) for kind in STATUS] + list(HTTP_CODES.values()):
        assert re.fullmatch("[a-z_]+", code)
        assert message.endswith(".")
