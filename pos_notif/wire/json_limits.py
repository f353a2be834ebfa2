"""What a JSON text may hold so that every reader gets it back as it was sent (RFC 8259, sections 6, 8.2 and 9)."""

from __future__ import annotations

import re
from typing import Any

from ..errors import Invalid

MAX_INTEGER = 2**53  # what every JSON reader, JavaScript's included, holds exactly
MAX_ID = MAX_INTEGER - 1
MAX_DEPTH = 16
BODY = "cuerpo"  # the path of the whole body

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_STEP = 60


def check_json(value: Any, path: str = "") -> None:
    """Refuses nesting deeper than 16, integers beyond ±2^53, numbers that are not finite, and lone surrogates.

    `path` stands before the path of what is wrong (`eventos.3.`). Raises Invalid.
    """
    fault = _fault(value, 1)
    if fault is not None:
        problem, steps = fault
        where = ".".join(printable(step) for step in reversed(steps))
        raise Invalid(fields={path + where if where else path.rstrip(".") or BODY: problem})


def printable(name: str) -> str:
    """Returns a sent member's name as an answer can hold it: short, and without lone surrogates."""
    return _LONE_SURROGATE.sub("?", name[:_MAX_STEP])


def _fault(value: Any, depth: int) -> tuple[str, list[str]] | None:
    """Returns what is wrong and the steps to it from the innermost out, or None: paths are built for refusals only."""
    kind = type(value)
    if kind is not dict and kind is not list:
        problem = _problem(value)
        return (problem, []) if problem is not None else None
    if depth > MAX_DEPTH:
        return f"tiene más de {MAX_DEPTH} niveles", []
    check_names = kind is dict and not "".join(value).isascii()
    for name, member in value.items() if kind is dict else enumerate(value):
        # Most names and members are sound, which is seen without a call.
        fault = _fault(name, depth) if check_names else None
        if fault is None:
            member_kind = type(member)
            if member_kind is str:
                sound = member.isascii()
            elif member_kind is int:
                sound = -MAX_INTEGER <= member <= MAX_INTEGER
            else:
                sound = member_kind is float and member - member == 0
            fault = None if sound else _fault(member, depth + 1)
        if fault is not None:
            fault[1].append(str(name))
            return fault
    return None


def _problem(value: Any) -> str | None:
    """Returns what is wrong with a value that holds no other."""
    if isinstance(value, str):
        lone = not value.isascii() and _LONE_SURROGATE.search(value)
        return "tiene un carácter incompleto (surrogate)" if lone else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return None if -MAX_INTEGER <= value <= MAX_INTEGER else "pasa de ±2^53"
    return None if value - value == 0 else "debe ser un número finito"
