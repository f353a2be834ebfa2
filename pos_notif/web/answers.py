"""JSON answers, and whether somebody on the way may keep them."""

from __future__ import annotations

from typing import Any

from quart import Response

from ..wire.json_text import dump

# What is one person's, and of this moment.
NOT_STORED = {"Cache-Control": "private, no-store"}


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answers with `value` as the whole JSON; text and bytes are JSON already."""
    body = value if isinstance(value, str | bytes) else dump(value)
    return Response(body, status, headers=headers, content_type="application/json")
