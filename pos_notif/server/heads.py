"""The heads of requests that have a short way, and of answers that are written without h11.

What is read here is a strict part of HTTP/1.1 (RFC 9112) in which nothing can be read in two ways; all else is h11's to
read or to refuse (`long_way.py`). What is written is byte for byte what h11 writes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from wsgiref.handlers import format_date_time

from ..errors import MalformedRequest
from ..web.door import Head, read_head

MAX_HEAD_BYTES = 16 * 1024
# A target without escapes and empty parts: its path is spelled as it is meant.
_REQUEST = re.compile(
    rb"(GET|POST) (/(?!/)(?:[!-$&-.0-<>@-~]|/(?!/))*)(?:\?([!-\"$-~]*))? HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+)\r\n"
)
# What Hypercorn and h11 make of these is more than an answer.
_LONG = frozenset({b"connection", b"expect", b"http2-settings", b"te", b"transfer-encoding", b"upgrade"})


class RequestHead(NamedTuple):
    """A request's head, of `size` bytes."""

    method: bytes
    path: str
    query: str
    head: Head
    size: int


def read_request(data: bytes) -> RequestHead | None:
    """Returns the head that `data` begins with; None where it is not whole, or to be read by h11."""
    found = _REQUEST.match(data, 0, MAX_HEAD_BYTES)
    if found is None:
        return None
    method, path, query, lines = found.groups()
    headers = []
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        headers.append((name.lower(), value.strip(b" \t")))
    if not _LONG.isdisjoint([name for name, value in headers if value.lower() != b"keep-alive"]):
        return None
    try:
        head = read_head(headers)
    except MalformedRequest:
        return None
    if b"host" not in head:
        return None
    return RequestHead(method, path.decode("ascii"), (query or b"").decode("ascii"), head, found.end())


def response_head(status: int, headers: Mapping[str, str]) -> bytes:
    """Returns an answer's head. Where no `Content-Length` is among the headers its body is in chunks, but for a 304,
    which has none."""
    return _head(status, tuple(headers.items()), int(time.time()))


@lru_cache(256)
def _head(status: int, headers: tuple[tuple[str, str], ...], second: int) -> bytes:
    """Returns the same head for all answers of a kind within a second."""
    lines = [f"{name.lower()}: {value}" for name, value in headers]
    lines.append(f"date: {format_date_time(second)}")
    if status != 304 and "Content-Length" not in dict(headers):
        lines.append("Transfer-Encoding: chunked")
    return "\r\n".join([f"HTTP/1.1 {status} ", *lines, "", ""]).encode("latin1")
