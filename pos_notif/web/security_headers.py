"""What a browser is told not to do with our answers."""

from __future__ import annotations

import re

from quart import Response, request

from .errors import API_HEADERS, is_api

# Host and port as a Content-Security-Policy can name them; an IPv6 address it cannot.
_NAMEABLE_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Other sites learn nothing of where their visitor came from; ours still see the page.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
}


def content_security_policy(path: str, host: str) -> str:
    """Allows scripts, styles and connections of our own alone, and none that stand in a page."""
    # Safari before 15.4 and Firefox before 50 do not take a websocket of the same host for 'self'.
    sockets = f" ws://{host} wss://{host}" if _NAMEABLE_HOST.fullmatch(host) else ""
    inline_style = " 'unsafe-inline'" if path == "/docs" else ""  # Swagger UI sets style attributes
    return (
        f"default-src 'self'; script-src 'self'; style-src 'self'{inline_style}; img-src 'self' data:;"
        f" connect-src 'self'{sockets}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


async def secure(response: Response) -> Response:
    """Sets the headers after every request. What is under /api is no document: nothing runs in it, nothing can be
    clicked."""
    headers = response.headers
    if is_api(request.path):
        for name, value in API_HEADERS.items():
            headers.setdefault(name, value)
    else:
        headers.update(_HEADERS)
        headers["Content-Security-Policy"] = content_security_policy(request.path, request.headers.get("Host", ""))
    return response
