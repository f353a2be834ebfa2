"""What a view answers, declared where the view is: quart-schema makes /openapi.json of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from quart_schema import document_querystring, document_request, document_response, tag

from .schemas import Error

OTHER_ANSWERS = "_other_answers"
FILE_TYPE = "_file_type"
HEADERS = "_documented_headers"

Handler = TypeVar("Handler", bound=Callable[..., Any])


def documented(
    subject: str,
    answers: dict[int, Any],
    *,
    errors: tuple[int, ...] = (),
    query: Any = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Callable[[Handler], Handler]:
    """Declares what a view answers. `answers` maps a status to the model of its JSON body, to another content type (a
    `str`), or to None where there is no body; `errors` are the statuses that answer with the JSON error. `headers` maps
    a header that may be sent to what it means. `body` is the model of the JSON that is sent, or the content type of
    a file (a `str`)."""

    def decorate(handler: Handler) -> Handler:
        documented = tag([subject])(handler)
        others = {status: answer for status, answer in answers.items() if answer is None or isinstance(answer, str)}
        setattr(documented, OTHER_ANSWERS, others)
        setattr(documented, HEADERS, headers or {})
        for status, model in answers.items():
            if status not in others:
                documented = document_response(model, status)(documented)
        for status in errors:
            documented = document_response(Error, status)(documented)
        if query is not None:
            documented = document_querystring(query)(documented)
        if isinstance(body, str):
            setattr(documented, FILE_TYPE, body)
        elif body is not None:
            documented = document_request(body)(documented)
        return documented

    return decorate
