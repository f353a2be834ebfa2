"""/openapi.json: valid OpenAPI 3.1, with every route of the API and what it may answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.in_process import in_process

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
PUBLIC = {"/api/auth/login", "/api/auth/personas", "/healthz", "/readyz", "/metrics"}


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db") as running:
        yield running


@pytest.fixture
async def document(service) -> dict[str, Any]:
    answer = await service.call("GET", "/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.json


@pytest.fixture
def operations(document) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): operation for path, item in document["paths"].items() for method, operation in item.items()}


def nodes(value: Any):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def test_it_says_what_it_is(document):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "pos_notif"
    assert document["info"]["version"]
    assert set(document) <= {"openapi", "info", "paths", "components", "security", "tags", "servers"}


def test_it_lists_every_route_and_no_page(service, operations):
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in service.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api") or rule.rule in ("/healthz", "/readyz", "/metrics")
    }
    assert set(operations) == served


def test_operations_are_well_formed(operations):
    """OpenAPI 3.1, sections 4.8.10 to 4.8.17."""
    identifiers = []
    for (method, path), operation in operations.items():
        assert method in METHODS
        assert path.startswith("/")
        assert operation["summary"].endswith(".")
        identifiers.append(operation["operationId"])
        parameters = operation["parameters"]
        assert len({(parameter["in"], parameter["name"]) for parameter in parameters}) == len(parameters)
        in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        for parameter in parameters:
            assert parameter["in"] in ("path", "query", "header", "cookie")
            assert "schema" in parameter
            assert parameter["in"] != "path" or parameter["required"] is True
        for status, answer in operation["responses"].items():
            assert re.fullmatch("[1-5][0-9][0-9]|default", status)
            assert answer["description"]
            for content_type, content in answer.get("content", {}).items():
                assert "/" in content_type
                assert isinstance(content["schema"], dict)
    assert len(set(identifiers)) == len(identifiers)


def test_every_reference_leads_somewhere(document):
    references = [node["$ref"] for node in nodes(document) if isinstance(node, dict) and "$ref" in node]
    assert references
    for reference in references:
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        assert isinstance(target, dict)


def test_security_schemes_are_defined_and_public_routes_say_so(document, operations):
    schemes = document["components"]["securitySchemes"]
    assert schemes == {
        "token": {"scheme": "bearer", "type": "http"},
        "sesion": {"in": "cookie", "name": "pos_notif_sesion", "type": "apiKey"},
    }
    assert document["security"] == [{"token": []}, {"sesion": []}]
    for (_, path), operation in operations.items():
        assert operation.get("security") == ([] if path in PUBLIC else None), path


def test_every_route_has_its_error_statuses(operations):
    for (method, path), operation in operations.items():
        statuses = set(operation["responses"])
        assert any(status.startswith("2") for status in statuses), path
        expected = {"default"}
        if path not in PUBLIC:
            expected |= {"401"}
        if method != "get":
            expected |= {"403", "415"}
        if "requestBody" in operation:
            expected |= {"400", "413", "415", "422"}
        if path.startswith("/api") and "/stream/" not in path:
            expected |= {"503"}
        if "{" in path:
            expected |= {"404"}
        if path == "/api/auth/login":
            expected |= {"401", "429"}
        assert expected <= statuses, path
    assert set(operations["get", "/api/notificaciones/stream/{rol}"]["responses"]) == {
        "200", "401", "403", "404", "default",
    }  # fmt: skip


def test_errors_are_one_component_with_their_shape(document, operations):
    for operation in operations.values():
        for status, answer in operation["responses"].items():
            if status[0] in "45d" and "estado" not in str(answer):
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    schemas = document["components"]["schemas"]
    assert schemas["Error"]["properties"] == {"error": {"$ref": "#/components/schemas/ErrorBody"}}
    assert {"codigo", "mensaje", "campos"} == set(schemas["ErrorBody"]["properties"])


def test_no_operation_has_two_schemas_of_one_name(operations):
    """Generators make a class of each, by its operation and title, and give up at the second."""
    for (_, path), operation in operations.items():
        contents = [answer["content"].values() for answer in operation["responses"].values() if "content" in answer]
        titles = [content["schema"]["title"] for found in contents for content in found if "title" in content["schema"]]
        assert len(titles) == len(set(titles)), path


def test_headers_that_clients_send_and_get_are_described(operations):
    def sent(method: str, path: str) -> set[str]:
        return {found["name"] for found in operations[method, path]["parameters"] if found["in"] == "header"}

    assert sent("post", "/api/notificaciones/eventos") == {"Idempotency-Key"}
    assert sent("get", "/api/notificaciones/stream/{rol}") == {"Last-Event-ID"}
    assert sent("get", "/api/notificaciones/polling/{rol}") == {"If-None-Match"}
    for (_, path), operation in operations.items():
        for status in {"429", "503"} & operation["responses"].keys():
            assert ("Retry-After" in operation["responses"][status].get("headers", {})) is (path != "/readyz"), path


def test_the_stream_is_described_as_one(operations):
    answer = operations["get", "/api/notificaciones/stream/{rol}"]["responses"]["200"]
    assert list(answer["content"]) == ["text/event-stream"]
    assert "content" not in operations["post", "/api/auth/logout"]["responses"]["204"]


def test_one_event_is_published_as_well_as_a_batch(operations):
    body = operations["post", "/api/notificaciones/eventos"]["requestBody"]["content"]["application/json"]["schema"]
    one, batch = body["anyOf"]
    assert len(one["oneOf"]) == 7
    assert batch == {"$ref": "#/components/schemas/Batch"}


def test_what_is_published_is_told_apart_by_its_type(document):
    batch = [node for node in nodes(document) if isinstance(node, dict) and "discriminator" in node]
    assert batch
    assert set(batch[0]["discriminator"]["mapping"]) == {
        "nuevo_pedido", "pedido_listo", "cambio_estado", "item_modificado", "pedido_cancelado", "cambio_mesa",
        "alerta_stock",
    }  # fmt: skip


async def test_answers_are_as_described(service, operations):
    """The names of the JSON answers, against real ones."""
    token = await service.accounts.create_token("pos")
    order = {"tipo": "nuevo_pedido", "pedido": {"id": 7, "items": []}}
    await service.call("POST", "/api/notificaciones/eventos", order, token=token)
    for path, example in {
        "/api/auth/sesion": "/api/auth/sesion",
        "/api/notificaciones/estado": "/api/notificaciones/estado",
        "/api/notificaciones/polling/{rol}": "/api/notificaciones/polling/manager",
        "/api/pedidos": "/api/pedidos",
        "/api/pedidos/{pedido_id}": "/api/pedidos/7",
        "/healthz": "/healthz",
        "/readyz": "/readyz",
    }.items():
        answer = await service.call("GET", example, token=token)
        schema = operations["get", path]["responses"][str(answer.status)]["content"]["application/json"]["schema"]
        assert set(schema.get("required", [])) <= set(answer.json) <= set(schema["properties"]), path


async def test_the_page_shows_this_document(service):
    page = await service.call("GET", "/docs")
    assert page.status == 200
    assert "/docs/swagger-ui-bundle.js" in page.text
    assert "'/openapi.json'" in (await service.call("GET", "/static/js/other/docs.js")).text
