"""Reads a JSON body and query parameters. What is refused is the protocol's (docs/protocol.md, sections 4 and 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, cast

from quart import request
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

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


async def read_file(content_types: Collection[str], most_bytes: int) -> bytes:
    """Returns the body of a request that sends a file. What is larger is not read to its end. Raises
    UnsupportedMediaType or TooLarge."""
    if request.mimetype not in content_types:
        raise UnsupportedMediaType(f"El cuerpo debe ser el archivo (Content-Type: {', '.join(content_types)}).")
    too_large = TooLarge(f"El archivo pasa de {most_bytes // 1024**2} MiB.")
    if (request.content_length or 0) > most_bytes:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(request.body_timeout):
            async for part in request.body:
                content += part
                if len(content) > most_bytes:
                    raise too_large
    except TimeoutError as error:
        raise RequestTimeout from error
    except RequestEntityTooLarge as error:
        raise too_large from error
    return bytes(content)


def is_rehearsal(sent: Collection[str]) -> bool:
    """Tells whether a request asks what would be, by `ensayo=1`; `sent` is what it has of `ensayo`. Raises Invalid."""
    # Whoever writes anything there means a rehearsal: what is not understood must not be done in earnest.
    if any(value != "1" for value in sent):
        raise Invalid(fields={"ensayo": "debe ser 1, o faltar"})
    return bool(sent)


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
