"""What an OpenAPI document promises, a line each: without the words of descriptions, and without what only differs by
the version of the library that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def shape(document: dict[str, Any]) -> Iterator[str]:
    for path, item in sorted(document["paths"].items()):
        for method, operation in sorted(item.items()):
            yield f"{method.upper()} {path} {operation.get('operationId', '')} {operation.get('tags', [])}"
            for parameter in operation.get("parameters", []):
                needed = " required" if parameter.get("required") else ""
                yield f"  {parameter['in']} {parameter['name']}: {_schema(parameter.get('schema', {}))}{needed}"
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"  body {kind}: {_schema(content.get('schema', {}))}"
            errors = [status for status, answer in operation["responses"].items() if _is_error(answer)]
            for status, answer in sorted(operation["responses"].items()):
                if status not in errors:
                    contents = answer.get("content", {}).items()
                    yield f"  {status}: " + ", ".join(
                        f"{kind} {_schema(found.get('schema', {}))}" for kind, found in contents
                    )
            yield f"  errors: {' '.join(sorted(errors))}"
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        yield f"schema {name}: {_schema(schema)}"
    for name, scheme in sorted(document.get("components", {}).get("securitySchemes", {}).items()):
        yield f"security {name}: {sorted(scheme.items())}"


def _is_error(answer: dict[str, Any]) -> bool:
    content = answer.get("content", {})
    return list(content) == ["application/json"] and _schema(content["application/json"]["schema"]) == "Error"


_LIMITS = (
    "enum", "const", "minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems",
    "format",
)  # fmt: skip


def _schema(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            # From Python 3.14 on the order is that of whichever union of these was made first: it means nothing.
            return " | ".join(sorted(map(_schema, schema[name]), key=lambda part: (part == "null", part)))
    limits = "".join(f" {name}={schema[name]}" for name in _LIMITS if name in schema)
    kind = schema.get("type", "any")
    if "properties" in schema:
        required = schema.get("required", [])
        parts = (
            f"{name}{'' if name in required else '?'}: {_schema(part)}" for name, part in schema["properties"].items()
        )
        return "{" + "; ".join(parts) + "}"
    if "items" in schema:
        return f"[{_schema(schema['items'])}]{limits}"
    return f"{kind}{limits}"
