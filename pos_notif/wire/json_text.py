"""Reads and writes JSON, strict where readers differ (RFC 8259)."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

import msgspec
from pydantic_core import to_json

from ..errors import BadJson, Invalid
from .json_limits import BODY


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson(f"El cuerpo no es JSON válido: {name} no existe en JSON.")


_FAST: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()
Encoded = msgspec.Raw
"""This is JSON that is there already, within a value that is to be encoded."""
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(body: bytes) -> Any:
    """Returns the value of a body in UTF-8, before which a byte order mark may stand. Raises BadJson (NaN and Infinity
    included), or Invalid for nesting or numbers beyond what the parser takes."""
    try:
        # It takes a fifth of the time of `json`. What it takes, `json` takes for the same; what it refuses, a lone
        # surrogate among it, `json` reads or says what is wrong with.
        return _FAST.decode(body)
    except (ValueError, RecursionError):
        return _parse_slowly(body)


def _parse_slowly(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise BadJson(f"El cuerpo no es JSON válido (línea {error.lineno}, columna {error.colno}).") from error
    except UnicodeDecodeError as error:
        raise BadJson("El cuerpo no es UTF-8 válido.") from error
    except RecursionError as error:
        raise too_deep() from error
    except ValueError as error:  # Python's limit on the digits of an integer
        raise Invalid(fields={BODY: "tiene un número demasiado grande"}) from error


def too_deep() -> Invalid:
    """Returns the refusal of a body that nests deeper than can be read or written."""
    return Invalid(fields={BODY: "tiene demasiados niveles"})


def load(stored: str) -> Any:
    """Returns the value of a JSON text that `dump` wrote: by another parser, in half the time of `json`'s, which is
    exact for what `parse` lets in. Raises ValueError."""
    return _FAST.decode(stored)


def encode(value: Any) -> bytes:
    """Returns the same JSON as `dump` in a fifth of its time, for what was checked: a number that is not finite would
    be written as null."""
    return _ENCODER.encode(value)


def dump(value: Any) -> str:
    """Returns compact JSON, as it is stored and sent. Raises ValueError for a number that is not finite."""
    # pydantic's encoder takes a quarter of the time of `json`'s; events are mostly encoding.
    text = to_json(value, inf_nan_mode="constants").decode()
    if "NaN" in text or "Infinity" in text:
        json.dumps(value, allow_nan=False)  # a word in a string, or what must not be sent
    return text


def escaped(text: str) -> str:
    """Returns one line of text or JSON in which letters stand as they are, and what a terminal would obey is escaped as
    JSON escapes it: DEL, C1, line separators, marks of direction. JSON stays the same value."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
