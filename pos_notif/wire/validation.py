"""Checks a sent value with pydantic, with the refusals in Spanish and by the path of each field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from ..errors import Invalid
from .json_limits import BODY

T = TypeVar("T")

_MESSAGES = {
    "missing": "falta",
    "int_type": "debe ser un número entero",
    "int_from_float": "debe ser un número entero",
    "float_type": "debe ser un número",
    "finite_number": "debe ser un número finito",
    "string_type": "debe ser un texto",
    "bool_type": "debe ser true o false",
    "list_type": "debe ser una lista",
    "model_type": "debe ser un objeto",
    "dict_type": "debe ser un objeto",
    "literal_error": "debe ser uno de: {expected}",
    "greater_than": "debe ser mayor que {gt}",
    "greater_than_equal": "debe ser {ge} o más",
    "less_than_equal": "debe ser {le} o menos",
    "string_too_long": "tiene más de {max_length} caracteres",
    "string_too_short": "tiene menos de {min_length} caracteres",
    "too_long": "tiene más de {max_length} elementos",
    "too_short": "tiene menos de {min_length} elementos",
    "extra_forbidden": "no se reconoce",
}


# Where a text for a number is meant for another field, which that is.
_TEXT_HINTS = {"mesa_numero": "; un nombre va en mesa"}


def validate(check: Callable[[Any], T], value: Any, path: str = "") -> T:
    """Returns what pydantic's `check` makes of the value. `path` stands before each field's path. Raises Invalid with
    every wrong field."""
    try:
        return check(value)
    except ValidationError as error:
        fields: dict[str, str] = {}
        for problem in error.errors(include_url=False):
            # A union's member names (`list[any]`, `int`) are no part of what was sent.
            steps = [str(step) for step in problem["loc"] if isinstance(step, int) or not _names_type(step)]
            words = _spanish(problem)
            if steps and isinstance(problem["input"], str) and problem["type"] == "int_type":
                words += _TEXT_HINTS.get(steps[-1], "")
            fields.setdefault(path + ".".join(steps) if steps else path.rstrip(".") or BODY, words)
        raise Invalid(fields=fields) from error


def _names_type(step: str) -> bool:
    return any(mark in step for mark in "[(") or step.startswith("constrained-") or step in _TYPES


_TYPES = ("int", "float", "str", "Component")


def _spanish(problem: Any) -> str:
    context = problem.get("ctx", {})
    if problem["type"] == "value_error":
        return str(context["error"])  # a validator of ours: its text is Spanish
    if problem["type"] == "literal_error":
        context = {"expected": str(context["expected"]).replace("'", "").replace(" or ", ", ")}
    bounds = {name: int(value) if _is_whole(value) else value for name, value in context.items()}
    return _MESSAGES.get(problem["type"], "no es válido").format(**bounds)


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()
