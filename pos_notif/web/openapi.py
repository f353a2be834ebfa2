"""`/openapi.json`: what quart-schema makes of the views, and what it cannot say: answers that are not JSON, headers,
which routes need no sign-in, and that every route may answer with the JSON error."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

from quart_schema.openapi import OpenAPIProvider

from .documented import FILE_TYPE, HEADERS, OTHER_ANSWERS
from .schemas import Error

_JSON = "application/json"
_COMPONENT = "#/components/schemas/"
_RETRY_AFTER = {"Retry-After": {"description": "segundos", "schema": {"type": "integer"}}}
_MEANING = {
    "200": "Bien",
    "201": "Creado",
    "202": "Se hará; sin cuerpo",
    "204": "Hecho; sin cuerpo",
    "304": "El cursor es el mismo",
    "400": "El cuerpo no es JSON",
    "401": "Sin sesión o token, o no son válidos",
    "403": "Origen ajeno, o el rol no lo permite",
    "404": "No existe",
    "409": "No concuerda con el estado del pedido",
    "413": "Demasiado grande",
    "415": "El cuerpo debe ser JSON",
    "422": "Hay campos que no son válidos",
    "429": "Demasiados intentos; vea Retry-After",
    "503": "El registro no está disponible; vea Retry-After",
}


class OpenApi(OpenAPIProvider):
    """Names what one operation answers with under several statuses, the error first of all: of schemas that stand
    there twice generators of clients make two classes of one name, and give up."""

    def build_paths(self, rule: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        error = self.build_response_object(Error, None)[0]["content"]
        view = self._app.view_functions[rule.endpoint]
        for operations in paths.values():
            for operation in operations.values():
                answers = {str(status): answer for status, answer in operation["responses"].items()}
                for status, content_type in getattr(view, OTHER_ANSWERS, {}).items():
                    # Of a stream it would be each event's schema (OpenAPI 3.2): they are in docs/protocol.md.
                    schema = {} if content_type == "text/event-stream" else {"type": "string"}
                    content = {content_type: {"schema": schema}} if content_type else {}
                    answers[str(status)] = {"description": "", **({"content": content} if content else {})}
                for status, answer in answers.items():
                    answer["description"] = answer["description"] or _MEANING.get(status, "")
                default = {"description": "Otro error", "content": copy.deepcopy(error)}
                operation["responses"] = {**dict(sorted(answers.items())), "default": default}
                components.update(_name_shared(operation["responses"], components))
                for status in ("429", "503"):
                    if _is_error(answers.get(status)):
                        answers[status]["headers"] = _RETRY_AFTER
                operation["parameters"] = operation["parameters"] + [
                    {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
                    for name, meaning in getattr(view, HEADERS, {}).items()
                ]
                operation["tags"] = sorted(operation.get("tags", []))
                if hasattr(view, FILE_TYPE):
                    file = {"schema": {"type": "string", "format": "binary"}}
                    operation["requestBody"] = {"content": {getattr(view, FILE_TYPE): file}}
                if "requestBody" in operation:
                    operation["requestBody"]["required"] = True
                if getattr(view, "is_public", False):
                    operation["security"] = []
        return paths, components


def _is_error(answer: Any) -> bool:
    return answer is not None and answer["content"][_JSON]["schema"] == {"$ref": _COMPONENT + Error.__name__}


def _name_shared(answers: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Puts a reference for each JSON schema that several answers have, or another one as a part of it, and returns
    those schemas by their titles."""
    contents = [answer["content"][_JSON] for answer in answers.values() if _JSON in answer.get("content", {})]
    titles = Counter(content["schema"]["title"] for content in contents)
    named = {}
    for content in contents:
        title = content["schema"]["title"]
        if titles[title] > 1 or title == Error.__name__ or title in components:
            named[title] = content["schema"]
            content["schema"] = {"$ref": _COMPONENT + title}
    return named
