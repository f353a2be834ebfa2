"""What the settings of phones' notifications may be (docs/protocol.md, section 19)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

WEBPUSH, NTFY = WAYS = ("webpush", "ntfy")
SHORT, FULL = DETAILS = ("minimo", "completo")
# Of Chromium, Safari, Firefox and Edge.
PUSH_HOSTS = (
    "fcm.googleapis.com", "*.push.apple.com", "updates.push.services.mozilla.com", "*.notify.windows.com",
)  # fmt: skip
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_MOST_LETTERS = 253
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# Top-level domains that are nobody's in the internet (RFC 2606, 6761, 6762, 8375; and what routers make up).
_NO_DOMAINS = ("arpa", "example", "home", "internal", "invalid", "lan", "local", "localhost", "onion", "test")


def is_host(host: str) -> bool:
    """Tells whether this is a name that DNS can have, in lower case."""
    return len(host) <= _MOST_LETTERS and bool(_HOST.fullmatch(host))


def is_public(host: str) -> bool:
    """Tells whether the name can be a domain in the internet."""
    last = host.rpartition(".")[2]
    return is_host(host) and "." in host and last not in _NO_DOMAINS and not last.isdigit()


def _ways(value: Any) -> str | None:
    unknown = [way for way in value if way not in WAYS]
    return f"{unknown[0]!r} is neither of {', '.join(WAYS)}" if unknown else None


def _detail(value: Any) -> str | None:
    return None if value in DETAILS else f"{value!r} is neither of {', '.join(DETAILS)}"


def _contact(value: Any) -> str | None:
    """Says what is wrong with a contact. Apple answers 403 to one at a name that is no domain."""
    if not value:
        return None
    scheme, _, rest = str(value).partition(":")
    if scheme == "mailto":
        name, _, host = rest.rpartition("@")
        good = bool(re.fullmatch(r"[!-?A-~]+", name)) and is_public(host.lower())
    else:
        try:
            parts = urlsplit(str(value))
            good = scheme == "https" and parts.username is None and is_public(parts.hostname or "")
        except ValueError:
            good = False
        good = good and bool(re.fullmatch(r"[!-~]+", str(value)))
    return None if good else f"{value!r} is no mailto: or https: address at a public domain"


def _hosts(value: Any) -> str | None:
    wrong = [each for each in value if not _is_pattern(each)]
    return f"{wrong[0]!r} is no host's name, nor *. before one, with a port or without (lower case)" if wrong else None


def _is_pattern(text: str) -> bool:
    host, colon, port = text.removeprefix("*.").partition(":")
    is_port = not colon or (bool(re.fullmatch("[1-9][0-9]{0,4}", port)) and int(port) < 65536)
    return is_port and is_host(host) and not host.rpartition(".")[2].isdigit()


def _server(value: Any) -> str | None:
    """Says what is wrong with the ntfy server's address, which every phone is shown."""
    if not value:
        return None
    problem = f"{value!r} is no address like http://192.168.1.10:8080 (no name, path or query)"
    try:
        parts = urlsplit(str(value))
        _ = parts.port
    except ValueError:
        return problem
    plain = not (parts.username or parts.query or parts.fragment) and parts.path in ("", "/")
    good = parts.scheme in ("http", "https") and bool(parts.hostname) and plain
    return None if good and re.fullmatch(r"[!-~]+", str(value)) else problem


def _token(value: Any) -> str | None:
    return None if re.fullmatch(r"[!-~]*", str(value)) else "is no token"  # it is not repeated


PUSH_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "push": _ways,
    "push_contact": _contact,
    "push_detail": _detail,
    "push_hosts": _hosts,
    "ntfy_url": _server,
    "ntfy_token": _token,
}
