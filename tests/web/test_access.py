"""Who may: origins, sign-in, roles and the order of the checks; and how soon a revocation bites."""

from __future__ import annotations

import pytest
import pytest_asyncio

from pos_notif.events import ROLES
from tests.support.in_process import in_process

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN = "http://pos.example"
LISTED = "https://listed.example"
FOREIGN = "https://evil.example"
ORDER = {"tipo": "nuevo_pedido", "pedido": {"id": 7, "items": [{"producto_nombre": "Pupusa", "cantidad": 1}]}}

# What the libraries of web views and event sources add to a request, lower case as browsers ask for it.
LIBRARIES = {
    "accept", "authorization", "cache-control", "content-type", "idempotency-key", "if-none-match", "last-event-id",
    "pragma", "x-requested-with",
}  # fmt: skip
# Every route of the API with an example of a path, and who may use it.
ROUTES = {
    ("POST", "/api/auth/login"): "anyone",
    ("GET", "/api/auth/personas"): "anyone",
    ("POST", "/api/auth/logout"): "signed in",
    ("GET", "/api/auth/sesion"): "signed in",
    ("GET", "/api/notificaciones/stream/cocinero"): "cocinero",
    ("GET", "/api/notificaciones/polling/cocinero"): "cocinero",
    ("POST", "/api/notificaciones/eventos"): "manager",
    ("GET", "/api/notificaciones/eventos"): "manager",
    ("GET", "/api/notificaciones/eventos.csv"): "manager",
    ("GET", "/api/notificaciones/eventos.ndjson"): "manager",
    ("GET", "/api/notificaciones/descargas"): "manager",
    ("GET", "/api/notificaciones/estado"): "manager",
    ("PUT", "/api/notificaciones/suscripciones/7"): "signed in",
    ("DELETE", "/api/notificaciones/suscripciones/7"): "signed in",
    ("POST", "/api/notificaciones/acuses"): "a kitchen's session",
    ("GET", "/api/cifras"): "manager",
    ("GET", "/api/meseros"): "mesero",
    ("GET", "/api/pedidos"): "signed in",
    ("GET", "/api/pedidos/7"): "signed in",
    ("POST", "/api/pedidos"): "mesero cajero",
    ("POST", "/api/pedidos/7/acciones"): "signed in",
    ("GET", "/api/productos"): "signed in",
    ("POST", "/api/productos"): "manager",
    ("PATCH", "/api/productos/7"): "cocinero",
    ("POST", "/api/productos/importar"): "manager",
    ("GET", "/api/productos/exportar"): "manager",
    ("GET", "/api/push"): "signed in",
    ("PUT", "/api/push/suscripcion"): "a person's session",
    ("DELETE", "/api/push/suscripcion"): "a person's session",
    ("POST", "/api/push/prueba"): "a person's session",
    ("POST", "/api/push/vistos"): "a person's session",
    ("GET", "/api/push/suscripciones"): "manager",
}


def template(path: str) -> str:
    number = "/<producto_id>" if "/productos/" in path else "/<pedido_id>"
    return path.replace("/cocinero", "/<rol>").replace("/7", number)


def as_an_id(path: str) -> str:
    """The example whose route the address is another one of, where its last word is taken for an id."""
    return path.rpartition("/")[0] + "/7"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory):
    """One for them all, with a cook and a manager: what they do is refused, or changes nothing for the others."""
    folder, phones = (
        tmp_path_factory.mktemp("access"),
        {"push": ("webpush",), "push_contact": "mailto:ana@pupuseria.com.sv"},
    )
    async with in_process(folder / "log.db", origins=(LISTED,), login_names=True, **phones) as running:
        await running.create_tokens()
        assert (await running.call("POST", "/api/notificaciones/eventos", ORDER, token=running.manager)).status == 201
        for username, role in (("Ana", "cocinero"), ("Eva", "manager")):
            await running.accounts.create_user(username, role, "1234")
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def manager_cookie(service):
    return (await service.login("Eva")).cookie


async def method(service, route, **how):
    """HEAD for GET: the checks are the same, and a stream's has an end."""
    return await service.call("HEAD" if route[0] == "GET" else route[0], route[1], **how)


# Tokens and roles


async def test_the_table_of_routes_is_complete(service):
    served = {
        (name, rule.rule)
        for rule in service.app.url_map.iter_rules()
        if rule.rule.startswith("/api")
        for name in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {(name, template(path)) for name, path in ROUTES} == served


@pytest.mark.parametrize("route", ROUTES)
async def test_a_token_is_accepted_on_every_route_by_its_role(service, route):
    for role, token in service.tokens.items():
        if ROUTES[route] == "anyone":
            continue
        status = (await method(service, route, token=token)).status
        allowed = ROUTES[route] == "signed in" or role in ROUTES[route].split()
        allowed = allowed or (role == "manager" and "session" not in ROUTES[route])
        assert (status != 403) == allowed, role
        assert status not in (401, 404, 405, 500)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_session_is_accepted_like_a_token(service, route):
    cook = (await service.login("Ana")).cookie  # one of the routes ends it
    status = (await method(service, route, cookie=cook)).status
    assert (status == 403) == (ROUTES[route] in ("manager", "mesero", "mesero cajero"))
    assert status not in (401, 404, 405, 500)


@pytest.mark.parametrize("route", [route for route, who in ROUTES.items() if who != "anyone"])
@pytest.mark.parametrize("secret", ["", "pn_wrong", "Bearer", "ñ", "x" * 5000], ids=range(5))
async def test_a_wrong_token_is_401_and_does_not_fall_back_to_the_cookie(service, manager_cookie, route, secret):
    headers = {"Authorization": f"Bearer {secret}"}
    assert (await method(service, route, headers=headers, cookie=manager_cookie)).status == 401


async def test_401_says_how_to_sign_in(service):
    answer = await service.call("GET", "/api/pedidos")
    assert (answer.status, answer.code, answer.headers["WWW-Authenticate"]) == (401, "no_autenticado", "Bearer")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_the_schemes_name_has_no_case(service, scheme):
    headers = {"Authorization": f"{scheme} {service.manager}"}
    assert (await service.call("GET", "/api/pedidos", headers=headers)).status == 200


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Digest"])
async def test_another_scheme_is_no_token(service, scheme):
    headers = {"Authorization": f"{scheme} {service.manager}"}
    assert (await service.call("GET", "/api/pedidos", headers=headers)).status == 401


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "authorization", "Authorization", "auth", "key"])
async def test_no_token_is_accepted_in_a_url(service, name):
    for value in (service.manager, f"Bearer%20{service.manager}"):
        for path in ("/api/pedidos", "/api/notificaciones/stream/cocinero"):
            assert (await service.call("HEAD", f"{path}?{name}={value}")).status == 401
    assert (await service.call("GET", f"/api/pedidos/{service.manager}")).status == 401


async def test_a_session_cookie_in_the_url_is_none(service, manager_cookie):
    assert (await service.call("GET", f"/api/pedidos?{manager_cookie}")).status == 401


# Origins


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("pos.example", None),
        ("pos.example", "http://pos.example"),
        ("pos.example", "https://pos.example"),  # behind a TLS proxy that passes Host on
        ("pos.example:443", "https://pos.example"),
        ("pos.example:80", "http://pos.example"),
        ("POS.example", "http://pos.example"),
        ("192.168.1.9:5000", "http://192.168.1.9:5000"),
        ("[fd00::9]:5000", "http://[fd00::9]:5000"),
        ("pos.example", LISTED),
    ],
)
async def test_own_and_listed_origins_may_write(service, host, origin):
    headers = {"Host": host, **({"Origin": origin} if origin else {})}
    answer = await service.call("POST", "/api/auth/logout", token=service.manager, headers=headers)
    assert answer.status == 204


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("pos.example", "null"),
        ("pos.example", FOREIGN),
        ("pos.example", "https://evil-pos.example"),
        ("pos.example", "https://pos.example.evil"),
        ("pos.example", "https://sub.pos.example"),
        ("pos.example", "http://pos.example:5000"),
        ("pos.example:5000", "http://pos.example"),
        ("pos.example:5000", "http://pos.example:5001"),
        ("pos.example:80", "https://pos.example"),
        ("pos.example", "http://pos.example@evil.example"),
        ("pos.example", "http://evil@pos.example"),
        ("pos.example", "http://pos.example/"),
        ("pos.example", "http://pos.example, https://evil.example"),
        ("pos.example", "pos.example"),
        ("pos.example", "ftp://pos.example"),
        ("pos.example", "file://"),
        ("pos.example", "http://"),
        ("pos.example", "http://[::1"),
        ("pos.example", "http://pos.example:x"),
        ("", "http://"),
        ("pos.example", "https://LISTED.example"),
        ("pos.example", "http://listed.example"),
        ("pos.example", "https://listed.example:8443"),
        ("pos.example", "https://evil-listed.example"),
        ("pos.example", "https://listed.example.evil"),
    ],
)
async def test_foreign_origins_may_not_write(service, manager_cookie, host, origin):
    answer = await service.call(
        "POST", "/api/notificaciones/eventos", ORDER, cookie=manager_cookie, headers={"Host": host, "Origin": origin}
    )
    assert (answer.status, answer.code) == (403, "origen_no_permitido")
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_foreign_page_may_read_by_get_but_its_script_sees_nothing(service):
    answer = await service.call("GET", "/api/pedidos", token=service.manager, origin=FOREIGN)
    assert answer.status == 200
    assert not [name for name, _ in answer.headers.items() if name.lower().startswith("access-control")]
    assert "Origin" in answer.headers["Vary"]


# CORS


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/pedidos", None, 200),
        ("HEAD", "/api/notificaciones/stream/cocinero", None, 200),
        ("POST", "/api/auth/logout", None, 204),
        ("POST", "/api/notificaciones/eventos", b"{", 400),
        ("GET", "/api/pedidos/99", None, 404),
        ("GET", "/api/nada", None, 404),
        ("PUT", "/api/pedidos", None, 405),
        ("POST", "/api/notificaciones/eventos", {"tipo": "?"}, 422),
        ("GET", "/api/notificaciones/polling/cocinero?limite=0", None, 422),
    ],
)
async def test_a_listed_origin_can_read_every_answer(service, method, path, body, status):
    headers = {"Content-Type": "application/json"}
    answer = await service.call(method, path, body, token=service.manager, origin=LISTED, headers=headers)
    assert answer.status == status
    assert_shared(answer)


def assert_shared(answer):
    assert answer.headers["Access-Control-Allow-Origin"] == LISTED
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers.getlist("Access-Control-Allow-Origin") == [LISTED]
    assert "Origin" in answer.headers["Vary"]


async def test_a_listed_origin_can_read_the_refusals(service):
    assert_shared(await service.call("GET", "/api/pedidos", origin=LISTED))
    forbidden = await service.call("GET", "/api/notificaciones/estado", token=service.tokens["mesero"], origin=LISTED)
    assert forbidden.status == 403
    assert_shared(forbidden)
    for _ in range(6):
        answer = await service.call("POST", "/api/auth/login", {"username": "x", "password": "y"}, origin=LISTED)
        assert_shared(answer)
    assert answer.status == 429
    assert "retry-after" in answer.headers["Access-Control-Expose-Headers"].lower()


@pytest.mark.parametrize("route", ROUTES)
async def test_preflight_needs_no_sign_in(service, route):
    asks = {
        "Access-Control-Request-Method": route[0],
        "Access-Control-Request-Headers": ",".join([*LIBRARIES, "x-evil"]),
    }
    answer = await service.call("OPTIONS", route[1], origin=LISTED, headers=asks)
    assert answer.status == 200
    assert_shared(answer)
    assert route[0] in answer.headers["Access-Control-Allow-Methods"]
    assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == LIBRARIES
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    refused = await service.call("OPTIONS", route[1], origin=FOREIGN, headers=asks)
    assert not [name for name, _ in refused.headers.items() if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "path", ["/", "/login", "/cocina", "/healthz", "/openapi.json", "/docs", "/static/favicon.svg"]
)
async def test_only_the_api_is_shared(service, path):
    answer = await service.call("GET", path, origin=LISTED)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", ["capacitor://localhost", "ionic://localhost", "tauri://localhost", "app://pos:81"])
async def test_a_page_of_an_app_may_be_listed(tmp_path, origin):
    async with in_process(tmp_path / "log.db", origins=(origin,)) as service:
        await service.create_tokens()
        answer = await service.call("POST", EVENTS, ORDER, token=service.manager, origin=origin)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (201, origin)
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        assert (await service.call("OPTIONS", EVENTS, origin=origin, headers=asks)).headers[
            "Access-Control-Allow-Origin"
        ] == origin
        for other in ("capacitor://elsewhere", "http://elsewhere", f"{origin}:1", origin.replace("://", "s://")):
            answer = await service.call("POST", EVENTS, ORDER, token=service.manager, origin=other)
            assert (answer.status, answer.code) == (403, "origen_no_permitido")


async def test_cors_is_off_by_default(tmp_path):
    async with in_process(tmp_path / "log.db") as service:
        for path in ("/api/pedidos", "/api/nada"):
            answer = await service.call("GET", path, origin=LISTED)
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert "Vary" not in answer.headers
        answer = await service.call("POST", "/api/auth/login", {}, origin=LISTED)
        assert (answer.status, answer.code) == (403, "origen_no_permitido")


# The order of the checks

EVENTS = "/api/notificaciones/eventos"
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
LARGE = b"[" + b" " * 70_000


async def test_an_unknown_path_and_a_wrong_method_come_before_everything(service):
    for path in ("/api/nada", "/api/pedidos/7/nada", "/api//pedidos", "/api/pedidos/", "/api", "/api/"):
        for token in (None, service.manager):
            answer = await service.call("POST", path, LARGE, token=token, origin=FOREIGN, headers=TEXT)
            assert (answer.status, answer.code) == (404, "no_encontrado")
    for name, path in ROUTES:
        for wrong in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"} - {
            name for name, other in ROUTES if other in (path, as_an_id(path))
        }:
            answer = await service.call(wrong, path, origin=FOREIGN)
            assert (answer.status, answer.code) == (405, "metodo_no_permitido")
            assert {name, "OPTIONS"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", [path for name, path in ROUTES if name == "POST"])
async def test_then_the_origin_then_who(service, path):
    """Before the body, whatever is wrong with that."""
    for token in (None, "wrong", service.tokens["mesero"], service.manager):
        answer = await service.call("POST", path, LARGE, token=token, origin=FOREIGN, headers=TEXT)
        assert (answer.status, answer.code) == (403, "origen_no_permitido")
    if ROUTES["POST", path] != "anyone":
        assert (await service.call("POST", path, LARGE, headers=TEXT)).status == 401


async def test_who_then_what_then_the_role(service):
    for kind in ("stream", "polling"):
        base = f"/api/notificaciones/{kind}"
        assert (await service.call("HEAD", f"{base}/nadie")).status == 401
        for role in ROLES:
            assert (await service.call("HEAD", f"{base}/nadie", token=service.tokens[role])).status == 404
            for other in ROLES:
                allowed = role in (other, "manager")
                answer = await service.call("HEAD", f"{base}/{other}", token=service.tokens[role])
                assert answer.status == (200 if allowed else 403)
    bad = "/api/notificaciones/polling/{}?limite=0&espera=x"
    for role, status in (("nadie", 404), ("mesero", 403), ("cocinero", 422)):
        assert (await service.call("GET", bad.format(role), token=service.tokens["cocinero"])).status == status


async def test_then_the_body_in_the_order_of_the_contract(tmp_path):
    async with in_process(tmp_path / "log.db", max_body_bytes=65_536) as service:
        await service.create_tokens()

        async def status(body, headers, role="manager"):
            token = service.tokens[role]
            return (await service.call("POST", EVENTS, body, token=token, headers=headers)).status

        assert await status(LARGE, TEXT, role="mesero") == 403
        assert await status(LARGE, TEXT) == 415
        assert await status(LARGE, {}) == 415
        assert await status(LARGE, JSON) == 413
        assert await status(b"{", JSON) == 400
        assert await status(b'{"tipo": "?"}', JSON) == 422
        assert await status(ORDER, {}) == 201
        assert await status(ORDER, {}) == 409

        async def login_status(body, headers):
            return (await service.call("POST", "/api/auth/login", body, headers=headers)).status

        assert await login_status(LARGE, TEXT) == 415
        assert await login_status(LARGE, JSON) == 413
        assert await login_status(b"{", JSON) == 400
        assert await login_status(b"{}", JSON) == 422


@pytest.mark.parametrize("more", [{}, {"Origin": OWN}], ids=["the short way", "the view"])
async def test_a_byte_order_mark_before_json_is_taken(service, more):
    mark, event = "\ufeff".encode(), b'{"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso"}'
    headers = {**JSON, **more, "Host": "pos.example"}
    assert (await service.call("GET", "/api/pedidos", token=service.manager)).status == 200  # it is known now
    keyed = {**headers, "Idempotency-Key": f"marked {len(more)}"}
    first = await service.call("POST", EVENTS, mark + event, token=service.manager, headers=keyed)
    again = await service.call("POST", EVENTS, event, token=service.manager, headers=keyed)
    assert (first.status, again.status, again.json["id"]) == (201, 200, first.json["id"])
    for wrong in (mark + mark + event, event + mark, mark, b"{" + mark + event[1:], event.decode().encode("utf-16")):
        answer = await service.call("POST", EVENTS, wrong, token=service.manager, headers=headers)
        assert (answer.status, answer.code) == (400, "json_invalido")


async def test_a_byte_order_mark_before_any_body_is_taken(service):
    mark = "\ufeff".encode()
    signed_in = await service.call(
        "POST", "/api/auth/login", mark + b'{"username": "Ana", "password": "1234"}', headers=JSON
    )
    assert signed_in.status == 200
    receipt = await service.call(
        "POST", "/api/notificaciones/acuses", mark + b'{"evento_ids": [1]}', cookie=signed_in.cookie, headers=JSON
    )
    assert receipt.status == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""]
)
async def test_only_json_bodies(service, content_type):
    """The other types are what a foreign page's form can send without asking."""
    body = b'{"username": "Ana", "password": "1234"}'
    answer = await service.call("POST", "/api/auth/login", body, headers={"Content-Type": content_type})
    assert (answer.status, answer.code) == (415, "tipo_no_soportado")


async def test_json_with_a_charset_is_json(service):
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    body = b'{"username": "Ana", "password": "1234"}'
    assert (await service.call("POST", "/api/auth/login", body, headers=headers)).status == 200
