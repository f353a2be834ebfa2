"""What is sent to: a browser's subscription, or a user's topic at the ntfy server."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..push_settings import NTFY, WEBPUSH

# Refusals in a row after which nothing more is sent.
MOST_FAILURES = 3
_SERVICES = {
    "googleapis.com": "Google", "apple.com": "Apple", "mozilla.com": "Mozilla", "windows.com": "Microsoft",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    """Where a message goes. `via` and `id` name it: a subscription's id, or the user's whose topic it is. `done_id` is
    the newest event of which it needs no more. Its address and keys are shown nowhere."""

    via: str
    id: int
    user_id: int
    role: str
    done_id: int
    failures: int
    address: str = field(repr=False)  # the endpoint, or the topic
    p256dh: bytes = field(default=b"", repr=False)
    auth: bytes = field(default=b"", repr=False)
    origin: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return self.via, self.id

    @property
    def is_off(self) -> bool:
        return self.failures >= MOST_FAILURES

    @property
    def host(self) -> str:
        """Returns whose requests wait for each other: the push service."""
        return (urlsplit(self.address).hostname or "") if self.via == WEBPUSH else NTFY


def service_name(endpoint: str) -> str:
    """Returns what people call an endpoint's push service; of another one its host."""
    host = urlsplit(endpoint).hostname or ""
    return _SERVICES.get(".".join(host.split(".")[-2:]), host)
