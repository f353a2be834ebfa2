"""One request to a push service or to the ntfy server, and what it answered.

Only who rings phones loads this module: httpx is of the extra `push`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from ..clock import Clocks
from ..push_settings import WEBPUSH
from ..wire.json_text import dump
from .devices import Device
from .telling import LANGUAGE, Message
from .webpush_codec import MAX_TEXT_BYTES, Signer, encrypt

TIMEOUT_SECONDS = 10.0
# Nothing of an answer is needed but its head. What is short and comes at once is read, so that the connection can be
# used again.
_MOST_ANSWER_BYTES = 1024
_BODY_SECONDS = 1.0
_MOST_PAYLOAD_BYTES = 1024
# ntfy rings through a phone's silence only for the highest.
_URGENT = 5
_CALM = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None where there was none; `retry_after` is in seconds, None where nothing was said of it."""

    status: int | None
    retry_after: float | None = None


def payload(message: Message, role: str) -> bytes:
    """Returns what a browser gets, in the shape of Declarative Web Push, which Safari shows without a worker."""
    title, body = message.title, message.body
    while True:
        notification = {
            "title": title, "body": body, "navigate": message.path(role), "tag": message.tag, "lang": LANGUAGE,
        }  # fmt: skip
        whole = {
            "web_push": 8030,
            "notification": notification,
            "evento_id": message.event_id,
            "cursor": message.cursor,
        }
        text = dump(whole).encode()
        if len(text) <= _MOST_PAYLOAD_BYTES:
            assert len(text) <= MAX_TEXT_BYTES
            return text
        # Of signs that take many bytes.
        title, body = title[: len(title) - 8 * (not body)], body[: max(0, len(body) - 20)]


class Posting:
    """Posts messages, over connections that it keeps. Close it."""

    def __init__(self, clocks: Clocks, ntfy_url: str, ntfy_token: str, signer: Callable[[], Awaitable[Signer]]) -> None:
        self._clocks = clocks
        self._ntfy_url, self._ntfy_token = ntfy_url, ntfy_token
        self._signer = signer
        self._client: httpx.AsyncClient | None = None
        # They would write each endpoint into the log.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def post(self, device: Device, message: Message, ttl_seconds: int) -> Answer:
        """Sends a message that is good for so long. Whatever keeps it from being answered is an `Answer` too."""
        signer = await self._signer() if device.via == WEBPUSH else None
        url, headers, body = await asyncio.to_thread(self._request, device, message, ttl_seconds, signer)
        client = await self._open()
        found = Answer(None)
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                client.stream("POST", url, headers=headers, content=body) as answer,
            ):
                found = Answer(answer.status_code, _seconds(answer.headers.get("Retry-After")))
                await _read_little(answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, UnicodeError):  # the last of a host's name
            pass  # after the head it is an answer all the same: what was taken must not be sent again
        return found

    async def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            # The system's certificates, so that a restaurant's own server is known by them.
            context = await asyncio.to_thread(ssl.create_default_context)
            if self._client is None:
                self._client = httpx.AsyncClient(
                    verify=context, follow_redirects=False, trust_env=False, timeout=TIMEOUT_SECONDS
                )
        return self._client

    def _request(
        self, device: Device, message: Message, ttl_seconds: int, signer: Signer | None
    ) -> tuple[str, dict[str, str], bytes]:
        if signer is not None:
            headers = {
                "TTL": str(ttl_seconds),
                "Urgency": "high",  # or a phone that dozes gets it minutes later
                "Topic": message.topic,
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "Authorization": signer.authorization(device.address, self._clocks.wall() // 1000),
            }
            return device.address, headers, encrypt(payload(message, device.role), device.p256dh, device.auth)
        token = {"Authorization": f"Bearer {self._ntfy_token}"} if self._ntfy_token else {}
        return self._ntfy_url.rstrip("/") + "/", token | {"Content-Type": "application/json"}, _ntfy(device, message)


async def _read_little(answer: httpx.Response) -> None:
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in answer.aiter_raw():
                size += len(part)
                if size > _MOST_ANSWER_BYTES:
                    return


def _ntfy(device: Device, message: Message) -> bytes:
    told: dict[str, Any] = {
        "topic": device.address,
        "title": message.title,
        "message": message.body or message.title,
        "priority": _CALM if message.event_id is None else _URGENT,
        "tags": ["bell"],
        "sequence_id": message.tag,
    }
    if device.origin:
        told["click"] = device.origin + message.path(device.role)
    return dump(told).encode()


def _seconds(text: str | None) -> float | None:
    """Reads a `Retry-After` in seconds. One that is a date is left out: the waits grow by themselves."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else None
