"""`/api/notificaciones/polling/<rol>`. A poll that finds nothing is answered in `hot_path.py`, by the same
functions."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from quart import Blueprint, Response, request

from ..delivery.polling import Patience, PollAnswer, poll
from ..delivery.reader import Reader
from ..errors import TooManyRequests
from ..principal import Principal
from .access import principal, reader_of
from .answers import NOT_STORED
from .body import client_id, whole_number
from .documented import documented
from .errors import API_HEADERS
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
        """Reads what a poll asks for. Raises Invalid."""
        return cls(
            args.get("cursor") or None,
            whole_number(args, "limite", 100, 1, 500),
            whole_number(args, "espera", 0, 1, 25),
            client_id(args),
            if_none_match,
        )


@blueprint.get("/<rol>")
@documented(
    "eventos",
    {200: Poll, 304: None},
    errors=(401, 403, 404, 422, 429, 503),
    query=PollQuery,
    headers={"If-None-Match": "el ETag de la respuesta anterior"},
)
async def polling(rol: str) -> Any:
    """Los eventos del rol después de `cursor`; sin él, los de los últimos 5 minutos."""
    reader_of(rol)
    asked = PollRequest.parse(request.args, ", ".join(request.headers.getlist("If-None-Match")))
    counted = count_poll(services(), principal(), asked, request.remote_addr)
    subscriptions, owner = services().log.subscriptions, principal().owner(asked.client)
    with subscriptions.followed(owner) as follows:
        reader = Reader.of_role(services().log, rol, *follows)
        cursor = await reader.best_of(list(filter(None, request.args.getlist("cursor"))), allow_oldest=False)
        asked = replace(asked, cursor=cursor)
        with _patience(asked.wait) as patience:
            answer = await poll(reader, asked.cursor, limit=asked.limit, patience=patience)
    # The next one is free. A client that asks for the same page again and again does not go on.
    if answer.waited:
        services().poll_limit.give_back(counted)
    elif answer.more:
        services().poll_limit.give_back(counted, once_for=asked.cursor or "")
    status, headers, body = poll_answer(services(), principal(), reader, asked, answer)
    response = Response(body, status, headers=headers)
    if status == 304:  # its length would be that of the answer which is not sent (RFC 9110, section 8.6)
        response.headers.pop("Content-Length", None)
        response.headers.pop("Content-Type", None)
    return response


@contextmanager
def _patience(seconds: float) -> Iterator[Patience | None]:
    """Yields how long the present request waits: no longer than its session or token is good."""
    if not seconds:
        yield None
        return
    who = principal()
    if who.expires_ms is not None:
        seconds = min(seconds, (who.expires_ms - services().log.clocks.steady()) / 1000)
    patience = Patience(seconds, who)
    with services().connections.waiting(patience):
        yield patience


def count_poll(found: Services, who: Principal, asked: PollRequest, address: str | None) -> Hashable:
    """Counts one more poll of the client whose key this returns: a tab, or what has no name, by its address. Raises
    TooManyRequests."""
    key = (who.kind, who.id, asked.client or address)
    wait = found.poll_limit.take(key)
    if wait:
        raise TooManyRequests(wait)
    return key


def poll_answer(
    found: Services, who: Principal, reader: Reader, asked: PollRequest, answer: PollAnswer
) -> tuple[int, dict[str, str], bytes]:
    """Notes who polled, and returns status, headers and body."""
    found.directory.polled(
        user_id=who.user_id, role=who.role, username=who.username, room=reader.room, client=asked.client,
        position=answer.position, interval_ms=int(found.config.poll_seconds * 1000) + asked.wait * 1000,
        is_screen=who.is_person, who=who,
    )  # fmt: skip
    etag = f'"{answer.tag}"'
    headers = {**API_HEADERS, **NOT_STORED, "ETag": etag}
    if not answer.reset and etag in _etags(asked.if_none_match):
        return 304, headers, b""
    headers |= {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}
    return 200, headers, answer.body


def _etags(if_none_match: str | None) -> set[str]:
    """Returns the tags to be compared weakly (RFC 9110, section 13.1.2): a proxy that compresses has made ours a weak
    one."""
    return {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
