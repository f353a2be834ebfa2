"""Requests that need no view: streams, polls that find nothing, and publications, of who is remembered.

Most polls find nothing, a POS publishes more often than it does anything else, and after a restart everybody opens a
stream at once. Each short way answers as the view does, by the same functions, without a Quart request; where there is
any doubt, refusals of access included, it gives None, and the view is asked. A server may take them before ASGI
(`server/connection.py`); under any other they are taken by `http_connection.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from ..delivery.polling import idle
from ..delivery.reader import Reader
from ..delivery.streams import Stream
from ..errors import DomainError, Invalid, TooManyRequests
from ..events import MANAGER, ROLE_ROOM, may_read
from ..principal import Principal
from . import errors
from .access import credentials
from .body import client_id
from .door import Head
from .polling import POLLING_PATH, PollRequest, count_poll, poll_answer
from .publishing import PUBLISH_PATH, publish_body
from .services import Services
from .stream import CURSOR_PARAMETERS, SHORT_STREAM_HEADERS

# Status, headers, body.
Answer = tuple[int, Mapping[str, str], bytes]

# More are no body's size; and `int` takes no more than some thousands.
_SIZE_DIGITS = 20
# A request with a body, or from a page of another origin, whose answer needs CORS, goes the whole way.
_NOT_READ = frozenset({b"origin", b"content-length", b"transfer-encoding"})


class Asked(NamedTuple):
    """What of a request its short way looks at. The path is spelled as it is meant; `client` is an address."""

    path: str
    query: str
    head: Head
    client: str | None

    def args(self) -> dict[str, str] | None:
        """Returns the parameters; None where one comes twice, and which of them counts is the view's to say."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        args = dict(pairs)
        return args if len(args) == len(pairs) else None

    def header(self, name: bytes) -> str | None:
        value = self.head.get(name)
        return value.decode("latin1") if value is not None else None


def _remembered(found: Services, asked: Asked) -> Principal | None:
    """Returns whose request it is, where that is known of the first credential; those that may count instead of it are
    the view's to look up."""
    if found.log.is_behind() or found.log.stopped:  # the view waits for what a sibling has told its client
        return None
    sent = credentials(asked.header(b"authorization"), asked.header(b"cookie"), asked.header(b"host") or "")
    return found.accounts.remembered(sent[0].kind, sent[0].secret) if sent else None


def _known_reader(found: Services, asked: Asked, prefix: str) -> tuple[Principal, str, dict[str, str]] | None:
    """Returns who asks, for which role, and the parameters; None where the view is to say."""
    if not asked.head.keys().isdisjoint(_NOT_READ):
        return None
    who, role, args = _remembered(found, asked), asked.path[len(prefix) :], asked.args()
    if who is None or args is None or role not in ROLE_ROOM or not may_read(who.role, role):
        return None
    return who, role, args


def _shared(found: Services, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the headers as they are where answers differ by who asks: where pages of other origins are listed."""
    return {**headers, "Vary": "Origin"} if found.config.origins else headers


# Streams


def stream_headers(found: Services) -> Mapping[str, str]:
    """Returns the headers that every stream's answer has."""
    return _shared(found, SHORT_STREAM_HEADERS)


def known_stream(found: Services, asked: Asked) -> Stream | None:
    """Returns the stream that a GET of STREAM_PATH opens."""
    known = _known_reader(found, asked, errors.STREAM_PATH)
    newest = asked.header(b"last-event-id")
    if known is None or (newest is not None and "," in newest):  # several
        return None
    who, role, args = known
    try:
        client = client_id(args)
    except Invalid:
        return None
    cursors = [newest, *map(args.get, CURSOR_PARAMETERS)]
    return Stream(found.streams, Reader.of_role(found.log, role), who, [each for each in cursors if each], client)


# Polls that find nothing


def idle_answer(found: Services, asked: Asked) -> Answer | None:
    """Answers a GET of POLLING_PATH where that can be done at once."""
    known = _known_reader(found, asked, POLLING_PATH)
    if known is None:
        return None
    who, role, args = known
    try:
        poll = PollRequest.parse(args, asked.header(b"if-none-match"))
    except Invalid:
        return None
    if poll.cursor is None or poll.wait:
        return None
    owner = who.owner(poll.client)
    log = found.log
    reader = Reader.of_role(log, role, *([log.subscriptions.of(owner)] if owner is not None else []))
    answer = idle(reader, poll.cursor)
    if answer is None:
        return None
    try:
        count_poll(found, who, poll, asked.client)
    except TooManyRequests as error:
        status, headers, body = errors.whole_refusal(error)
    else:
        status, headers, body = poll_answer(found, who, reader, poll, answer)
    return status, _shared(found, headers), body


# Publications


def known_publisher(found: Services, asked: Asked) -> tuple[Principal, str | None, int] | None:
    """Returns who publishes, the idempotency key and the size of the body of a POST to PUBLISH_PATH."""
    head = asked.head
    if asked.query or b"origin" in head or b"transfer-encoding" in head:
        return None
    size = head.get(b"content-length", b"")
    if not size.isdigit() or len(size) > _SIZE_DIGITS or int(size) > found.config.max_body_bytes:
        return None
    if head.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return None
    who = _remembered(found, asked)
    if who is None or who.role != MANAGER:
        return None
    return who, asked.header(b"idempotency-key"), int(size)


def too_slow(found: Services) -> Answer:
    """Returns the answer for a client whose body did not arrive in time."""
    status, headers, body = errors.whole_answer(408, errors.error_json(errors.http_told(408)))
    return status, _shared(found, headers), body


async def publication_answer(found: Services, who: Principal, body: bytes, key: str | None) -> Answer:
    """Publishes, and answers as the view would, also where the body is refused."""
    try:
        status, answer = await publish_body(found, who, body, key)
    except DomainError as error:
        whole = _refused(found, error)
    except Exception as error:  # noqa: BLE001 - it is logged, and the client is answered
        whole = _refused(found, errors.unexpected(error, "POST", PUBLISH_PATH))
    else:
        whole = errors.whole_answer(status, answer)
    status, headers, sent = whole
    return status, _shared(found, headers), sent


def _refused(found: Services, error: DomainError) -> tuple[int, dict[str, str], bytes]:
    found.log.counts.failed_publications[error.code] += 1
    return errors.whole_refusal(error)
