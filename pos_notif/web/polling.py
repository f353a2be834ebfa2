"""`/api/notificaciones/polling/<rol>`: the view, and the short way for a poll that has nothing new.

Most polls find nothing. Such a poll, of a session that is remembered and a cursor that memory covers, is answered
without a Quart request and without a disk: `idle_answer` makes the same checks with the same functions, and leaves
everything else, refusals included, to the view.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from quart import Blueprint, Response, request

from ..accounts.accounts import Principal
from ..delivery.polling import PollAnswer, idle, poll
from ..errors import Invalid, TooManyRequests
from ..events import ROLE_ROOM, may_read
from ..notifier import Reader
from .access import credential, principal, reader_of
from .body import client_id, whole_number
from .documented import documented
from .errors import API_HEADERS, whole_refusal
from .schemas import Poll, PollQuery
from .services import Services, services

POLLING_PATH = "/api/notificaciones/polling/"

blueprint = Blueprint("polling", __name__, url_prefix="/notificaciones/polling")


@dataclass(frozen=True, slots=True)
class PollRequest:
    """What a poll asks for. `wait` is in seconds."""

    cursor: str | None
    limit: int
    wait: int
    client: str | None
    if_none_match: str | None

    @classmethod
    def parse(cls, args: Mapping[str, str], if_none_match: str | None) -> PollRequest:
        """Raises Invalid."""
        return cls(
            args.get("cursor") or None,
            whole_number(args, "limite", 100, 1, 500),
            whole_number(args, "espera", 0, 1, 25),
            client_id(args),
            if_none_match,
        )


@blueprint.get("/<rol>")
@documented("eventos", {200: Poll, 304: None}, errors=(401, 403, 404, 422, 429, 503), query=PollQuery)
async def polling(rol: str) -> Any:
    """Los eventos del rol después de `cursor`; sin él, los de los últimos 5 minutos."""
    reader_of(rol)
    asked = PollRequest.parse(request.args, request.headers.get("If-None-Match"))
    counted = _count(services(), principal(), asked, request.remote_addr)
    subscriptions, owner = services().notifier.subscriptions, principal().owner(asked.client)
    with subscriptions.followed(owner) as follows:
        reader = Reader.of_role(rol, *follows)
        answer = await poll(services().notifier, reader, asked.cursor, limit=asked.limit, wait_seconds=asked.wait)
    # The next one is free. A client that asks for the same page again and again does not go on.
    if answer.waited:
        services().poll_limit.give_back(counted)
    elif answer.more:
        services().poll_limit.give_back(counted, once_for=asked.cursor or "")
    status, headers, body = _finish(services(), principal(), reader, asked, answer)
    return Response(body, status, headers=headers)


def _count(found: Services, who: Principal, asked: PollRequest, address: str | None) -> Hashable:
    """One more poll of the client whose key this returns: a tab, or what has no name, by its address. Raises
    TooManyRequests."""
    key = (who.kind, who.id, asked.client or address)
    wait = found.poll_limit.take(key)
    if wait:
        raise TooManyRequests(wait)
    return key


def _finish(
    found: Services, who: Principal, reader: Reader, asked: PollRequest, answer: PollAnswer
) -> tuple[int, dict[str, str], bytes]:
    """Notes who polled; status, headers and body."""
    notifier = found.notifier
    notifier.directory.polled(
        user_id=who.user_id, role=who.role, username=who.username, room=reader.room, client=asked.client,
        position=answer.position, interval_ms=int(notifier.config.poll_seconds * 1000) + asked.wait * 1000,
        is_screen=who.is_person,
    )  # fmt: skip
    etag = f'"{answer.cursor}"'
    headers = {**API_HEADERS, "Cache-Control": "private, no-store", "ETag": etag}
    if not answer.reset and etag in _etags(asked.if_none_match):
        return 304, headers, b""
    headers["Content-Type"] = "application/json"
    return 200, headers, answer.body


def _etags(if_none_match: str | None) -> set[str]:
    """Compared weakly (RFC 9110, section 13.1.2): a proxy that compresses has made ours a weak one."""
    return {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}


def idle_answer(found: Services, scope: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes] | None:
    """The answer to a GET of POLLING_PATH, where it can be given at once; None: it is the view's."""
    headers = {name: value.decode("latin1") for name, value in scope["headers"] if name in _READ}
    if not headers.keys().isdisjoint(_NOT_HERE):
        return None
    sent = credential(headers.get(b"authorization"), headers.get(b"cookie"))
    who = found.accounts.remembered(*sent) if sent is not None else None
    role = scope["path"][len(POLLING_PATH) :]
    if who is None or role not in ROLE_ROOM or not may_read(who.role, role):
        return None
    pairs = parse_qsl(scope["query_string"].decode("latin1"), keep_blank_values=True)
    args = dict(reversed(pairs))  # of a name that is sent twice, the first counts
    try:
        asked = PollRequest.parse(args, headers.get(b"if-none-match"))
    except Invalid:
        return None
    if asked.cursor is None or asked.wait:
        return None
    owner = who.owner(asked.client)
    reader = Reader.of_role(role) if owner is None else Reader.of_role(role, found.notifier.subscriptions.of(owner))
    answer = idle(found.notifier, reader, asked.cursor)
    if answer is None:
        return None
    try:
        _count(found, who, asked, scope["client"][0] if scope.get("client") else None)
    except TooManyRequests as error:
        return whole_refusal(error)
    return _finish(found, who, reader, asked, answer)


# A request with a body, or from a page of another origin, whose answer needs CORS, goes the whole way.
_NOT_HERE = frozenset({b"origin", b"content-length", b"transfer-encoding"})
_READ = _NOT_HERE | {b"authorization", b"cookie", b"if-none-match"}
