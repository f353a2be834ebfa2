"""Reads a JSON body and query parameters. What is refused is the protocol's (docs/protocol.md, sections 4 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from quart import request
from werkzeug.exceptions import RequestEntityTooLarge

from ..errors import Invalid, NotFound, TooLarge, UnsupportedMediaType
from ..log.subscriptions import client_name
from ..wire.json_limits import BODY, MAX_ID, check_json
from ..wire.json_text import parse


async def read_body() -> bytes:
    """Returns the body of a request that says it is JSON. Raises UnsupportedMediaType or TooLarge."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return cast(bytes, await request.get_data())
    except RequestEntityTooLarge as error:
        raise TooLarge("El cuerpo pasa del tamaño permitido.") from error


async def read_object() -> dict[str, Any]:
    """Returns the JSON object that was sent. Raises UnsupportedMediaType, TooLarge, BadJson or Invalid."""
    value = parse(await read_body())
    if not isinstance(value, dict):
        raise Invalid(fields={BODY: "debe ser un objeto"})
    check_json(value)
    return value


def check_no_body() -> None:
    """Raises UnsupportedMediaType where a request that needs no body has a form's: it is refused as everywhere."""
    if request.mimetype not in ("", "application/json"):
        raise UnsupportedMediaType


def whole_number(args: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """Reads a number from `low` to `high`, which need not have been sent. Raises Invalid."""
    text = args.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise Invalid(fields={name: f"debe ser un número entero de {low} a {high}"})
    return int(text)


def path_id(text: str, what: str) -> int:
    """Reads an id in an address. Raises NotFound for what can be none."""
    if not (text.isascii() and text.isdigit() and len(text) < 17 and 1 <= int(text) <= MAX_ID):
        raise NotFound(f"No existe {what}.")
    return int(text)


def client_id(args: Mapping[str, str], name: str = "cliente") -> str | None:
    return client_name(args.get(name))
