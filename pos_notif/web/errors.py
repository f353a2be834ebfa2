"""One table from error code to HTTP status, and the answers: JSON on the API, a page elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from quart import (
    Quart,
    Request,
    Response,
    Websocket,
    current_app,
    has_websocket_context,
    render_template,
    request,
    websocket,
)
from werkzeug.exceptions import HTTPException

from .. import errors
from ..wire import sse
from ..wire.json_text import dump
from .answers import json_answer

logger = logging.getLogger("pos_notif")

STATUS: dict[type[errors.DomainError], int] = {
    errors.BadJson: 400,
    errors.MalformedRequest: 400,
    errors.NotAuthenticated: 401,
    errors.BadCredentials: 401,
    errors.RoleNotAllowed: 403,
    errors.OriginNotAllowed: 403,
    errors.NotFound: 404,
    errors.OrderExists: 409,
    errors.InvalidTransition: 409,
    errors.StaleVersion: 409,
    errors.SoldOut: 409,
    errors.MenuChanged: 409,
    errors.NodeNameTaken: 409,
    errors.TooManySubscriptions: 409,
    errors.NoSubscription: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Invalid: 422,
    errors.KeyReused: 422,
    errors.OrderTooLarge: 422,
    errors.TooManyAttempts: 429,
    errors.TooManyRequests: 429,
    errors.LogUnavailable: 503,
    errors.EngineAway: 503,
    errors.NoCapacity: 503,
}
# What the framework itself refuses.
HTTP_CODES = {
    400: (errors.MalformedRequest.code, errors.MalformedRequest.message),
    404: (errors.NotFound.code, "No existe esa dirección."),
    405: ("metodo_no_permitido", "Ese método no se puede usar en esta dirección."),
    408: ("tiempo_agotado", "La solicitud tardó demasiado en llegar."),
    413: (errors.TooLarge.code, errors.TooLarge.message),
    414: (errors.TooLarge.code, "La dirección es demasiado larga."),
    415: (errors.UnsupportedMediaType.code, errors.UnsupportedMediaType.message),
    431: (errors.TooLarge.code, "Las cabeceras de la solicitud son demasiado grandes."),
}
# What is sent to these appends to the log; following an order and signing in do not.
_PUBLISHING_PATHS = ("/api/notificaciones/eventos", "/api/notificaciones/acuses", "/api/pedidos", "/api/productos")
RETRY_AFTER_SECONDS = 2
STREAM_PATH = "/api/notificaciones/stream/"
# On every answer under /api, where the view says nothing else.
API_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
# What says how the service is.
HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_MACHINE_PATHS = HEALTH_PATHS | {"/openapi.json", "/cluster/registro", "/cluster/copia"}


def is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def register(app: Quart) -> None:
    app.register_error_handler(errors.DomainError, answer_to)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def refusal(error: errors.DomainError) -> tuple[int, dict[str, str]]:
    """Returns the status, and the headers that say more; what only the operator should know is logged."""
    headers = {}
    if isinstance(error, errors.TryLater) or (isinstance(error, errors.BadCredentials) and error.retry_after):
        headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, errors.LogUnavailable):
        if not isinstance(error, errors.EngineAway):  # which is told once, when the engine goes
            logger.error("the event log is not available: %s", error.reason)
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif isinstance(error, errors.NoCapacity):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif isinstance(error, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return STATUS.get(type(error), 500), headers


def whole_refusal(error: errors.DomainError) -> tuple[int, dict[str, str], bytes]:
    """Returns status, headers and body, for an answer of the API that does not go through Quart."""
    status, headers = refusal(error)
    return whole_answer(status, error_json(error.told()), headers)


def whole_answer(
    status: int, body: str, headers: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, dict[str, str], bytes]:
    """Returns status, headers and body of a JSON answer of the API, as it is when it comes from a view."""
    whole = body.encode()
    sized = {"Content-Type": "application/json", "Content-Length": str(len(whole))}
    return status, {**headers, **sized, **API_HEADERS}, whole


def unexpected(error: Exception, method: str, path: str) -> errors.DomainError:
    """Returns what the client is told of a fault of ours: nothing of its inside, which is logged."""
    logger.error("unexpected error in %s %r", method, path, exc_info=error)
    return errors.DomainError()


def error_json(told: dict[str, Any]) -> str:
    return dump({"error": told})


def http_told(status: int) -> dict[str, Any]:
    """Returns the error object of what the framework or the server refuses."""
    code, message = HTTP_CODES.get(status, ("error_http", f"La solicitud no se pudo atender ({status})."))
    return {"codigo": code, "mensaje": message}


async def answer_to(error: errors.DomainError) -> Response:
    """Returns what the client of the present request is told of an error."""
    status, headers = refusal(error)
    _count_failure(error)
    if isinstance(error, errors.LogUnavailable) and _asked().path.startswith(STREAM_PATH):
        # Nobody could be asked who this is, but a browser that gets a 503 here would never come back.
        return Response(sse.retry(RETRY_AFTER_SECONDS * 1000), content_type="text/event-stream; charset=utf-8")
    return await _answer(status, error.told(), headers)


async def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:  # a redirect
        return error.get_response()  # type: ignore[return-value]
    status = error.code or 500
    methods = getattr(error, "valid_methods", None)
    return await _answer(status, http_told(status), {"Allow": ", ".join(sorted(methods))} if methods else {})


async def _unexpected(error: Exception) -> Response:
    asked = _asked()
    told = unexpected(error, asked.method, asked.path)
    _count_failure(told)
    return await _answer(500, told.told(), {})


def _count_failure(error: errors.DomainError) -> None:
    """Counts an error of a request that was to publish or do something, whatever it is."""
    if has_websocket_context() or request.method not in ("POST", "PATCH"):
        return
    if request.path.startswith(_PUBLISHING_PATHS):
        cast(Any, current_app).notifier.log.counts.failed_publications[error.code] += 1


def _asked() -> Request | Websocket:
    """Returns what is being answered: a websocket that goes nowhere is refused like any request."""
    return websocket if has_websocket_context() else request


async def _answer(status: int, told: dict[str, Any], headers: dict[str, str]) -> Response:
    path = _asked().path
    if is_api(path) or path in _MACHINE_PATHS or has_websocket_context():
        return json_answer(error_json(told), status, headers)
    title = told["mensaje"]
    page = await render_template("error.html", code=status, title=title, message=_ADVICE.get(status, ""))
    return Response(page, status, headers=headers, content_type="text/html; charset=utf-8")


_ADVICE = {
    403: "Entre con otro usuario o pida permiso al encargado.",
    404: "Revise la dirección o vuelva al inicio.",
    500: "Ya quedó anotado. Intente de nuevo en un momento.",
    503: "Intente de nuevo en un momento.",
}
