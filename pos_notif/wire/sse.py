"""Server-sent events as bytes (HTML standard, "Server-sent events", section 9.2.5: the stream's grammar).

A CR, LF or NUL in a value cannot begin another field: the data is one line of JSON, which escapes them; `frame` checks
names and ids, and those of `frames` are the service's own.
"""

from __future__ import annotations

from collections.abc import Iterable

# Some proxies and old browsers hand a stream on only once they have so much of it.
PADDING = b":" + b" " * 2048 + b"\n\n"


def frame(event: str, data: bytes, event_id: str | None = None) -> bytes:
    """Returns one event's bytes. `data` is JSON on one line. Raises ValueError for a line break or NUL in the rest."""
    head = b"" if event_id is None else b"id: %b\n" % _field(event_id)
    return b"%bevent: %b\ndata: %b\n\n" % (head, _field(event), data)


def frames(epoch: str, events: Iterable[tuple[int, str, bytes]]) -> bytes:
    """Returns logged events, each `(id, name, json)`, in one piece; an event's cursor is its id on the stream."""
    prefix = epoch.encode()
    return b"".join(
        [
            b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (prefix, event_id, name.encode(), data)
            for event_id, name, data in events
        ]
    )


def retry(milliseconds: int) -> bytes:
    """Returns the field that tells the browser how long to wait before it reconnects."""
    return b"retry: %d\n\n" % milliseconds


def _field(text: str) -> bytes:
    if any(char in text for char in "\r\n\0"):
        raise ValueError("a field's value cannot hold a line break or NUL")
    return text.encode()
