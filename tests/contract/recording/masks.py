"""What differs from one playing to the next, and from one machine to the next: every mask, and nothing else.

The service's clock is held (`service.py`), so times, hashes, ages and `Retry-After` of sign-ins are compared as they
are. Literal secrets are replaced by their names, so that a wrong one shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable


def _sorted(allowed: re.Match[str]) -> str:
    return allowed[1] + ", ".join(sorted(allowed[2].split(", ")))


PATTERNS: tuple[tuple[str, str, str | Callable[[re.Match[str]], str]], ...] = (
    ("the date of an upgrade's answer; other answers have theirs unseen", r"(?im)^(< date: ).*$", r"\1DATE"),
    ("the words of a status, which are those of Python's version", r"(?m)^(HTTP/1.1 \d{3}) .+$", r"\1"),
    ("until when a cookie lives, by a clock that is not held", r"(; Expires=)[^;]+(;)", r"\1TIME\2"),
    ("until when a file may be kept, by the same clock", r"(?im)^(expires: ).*$", r"\1TIME"),
    ("the port in a cookie's name", r"(pos_notif_sesion)_\d+", r"\1_PORT"),
    ("the cookie of a session that is used no more", r"(pos_notif_sesion_PORT=)[\w-]{43}", r"\1<session>"),
    ("the order of what is allowed", r"(?im)^(allow: |access-control-allow-(?:headers|methods): )(.*)$", _sorted),
    ("pauses at random, but for the fixed one of ocupado", r"(?m)^(retry: )(?!30000$)\d+$", r"\1N"),
    ("what is left of a week", r"(?m)^(retry-after: )62[45]\d{3}$", r"\1A-WEEK"),
    ("ids of connections", r'("sid":")[^"]+(")', r"\1SID\2"),
    ("when a connection was last heard of, by a clock that is not held", r'("ultima_senal":")[^"]+(")', r"\1TIME\2"),
    ("what pages load: scripts may move, and their digest changes", r"/static/[\w./-]+\?v=\w+", "STATIC"),
    ("the version of the pages' files, which is their digest", r'("version":")[0-9a-f]{12}(")', r"\1STATIC\2"),
    ("a file's own digest and age", r'(?im)^(etag: (?!"EPOCH)|last-modified: ).*$', r"\1OF-FILE"),
    ("when a request came, in the access log", r'("time": )"[^"]+"', r"\1TIME"),
    ("how long it took", r'("ms": )[\d.]+', r"\1N"),
    ("when a log was restored", r"(\.before-)[\w-]+", r"\1MOMENT"),
)
# Literal: the log's random epoch, as `EPOCH0` (of the same length); host and port, as `HOST:PORT`; the
# directory of the recording, as `DIR`; each token and each session's cookie, as `<token pos>` and `<session ana>`.
# Of pages and files there is no length: they change, and are no contract. Pings of websockets are not noted: how many
# there are depends on how long it takes.


def masked(text: str, literal: dict[str, str]) -> str:
    for found, name in literal.items():
        text = text.replace(found, name)
    for _, pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text
