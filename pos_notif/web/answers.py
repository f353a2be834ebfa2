"""JSON answers, whether somebody on the way may keep them, and files that are asked for by a name."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from quart import Response, abort

from ..wire.json_text import dump

# What is one person's, and of this moment.
NOT_STORED = {"Cache-Control": "private, no-store"}


@contextlib.contextmanager
def names_of_files() -> Iterator[None]:
    """Makes a name that is too long for any file one that is not there: the system calls it an error."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        abort(404)


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answers with `value` as the whole JSON; text and bytes are JSON already."""
    body = value if isinstance(value, str | bytes) else dump(value)
    return Response(body, status, headers=headers, content_type="application/json")
