"""`/openapi.json`: what quart-schema makes of the views, and what it cannot say: answers that are not JSON, which
routes need no sign-in, and that every route may answer with the JSON error."""

from __future__ import annotations

from typing import Any

from quart_schema.openapi import OpenAPIProvider

from .documented import OTHER_ANSWERS

_ERROR = {
    "type": "object",
    "properties": {"error": {"$ref": "#/components/schemas/ErrorBody"}},
    "required": ["error"],
}
_MEANING = {
    "200": "Bien",
    "201": "Creado",
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
    def build_paths(self, rule: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
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
                default = {"description": "Otro error", "content": {"application/json": {"schema": _ERROR}}}
                operation["responses"] = {**dict(sorted(answers.items())), "default": default}
                operation["tags"] = sorted(operation.get("tags", []))
                if "requestBody" in operation:
                    operation["requestBody"]["required"] = True
                if getattr(view, "is_public", False):
                    operation["security"] = []
        return paths, components
