"""What etcd's HTTP gateway answers, as far as it is read. Its JSON has numbers as text, bytes as base64, and leaves out
what is zero or empty."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Header(msgspec.Struct, frozen=True):
    """Who answered, and how far the whole store was then. The list of members has no `revision`."""

    cluster_id: int = 0
    member_id: int = 0
    revision: int = 0


class KeyValue(msgspec.Struct, frozen=True):
    key: bytes
    value: bytes = b""
    create_revision: int = 0
    mod_revision: int = 0
    lease: int = 0


class Found(msgspec.Struct, frozen=True):
    """The answer to a range. `more`: the limit has left some out."""

    kvs: list[KeyValue] = []
    more: bool = False


class Answer(msgspec.Struct, frozen=True):
    """The answer to one operation of a transaction; only that of a range is read."""

    response_range: Found = Found()


class TxnAnswer(msgspec.Struct, frozen=True):
    """`succeeded`: the comparisons held."""

    header: Header
    succeeded: bool = False
    responses: list[Answer] = []

    def found(self, number: int) -> list[KeyValue]:
        """Returns what the operation of this number has found."""
        return self.responses[number].response_range.kvs


class Plain(msgspec.Struct, frozen=True):
    """The answer to what is only done."""

    header: Header = Header()


class Token(msgspec.Struct, frozen=True):
    token: str


class Member(msgspec.Struct, frozen=True):
    """A member, and where its clients are to ask it."""

    ID: int
    name: str = ""
    clientURLs: list[str] = []


class Members(msgspec.Struct, frozen=True):
    header: Header
    members: list[Member] = []


class Status(msgspec.Struct, frozen=True):
    """What a member says of itself: `leader` is the id of the one that it follows."""

    header: Header
    leader: int = 0


class Lease(msgspec.Struct, frozen=True):
    """A lease, and for how many seconds more it lives: below 1 where it lives no more."""

    header: Header = Header()
    ID: int = 0
    TTL: int = 0


class LeaseAlive(msgspec.Struct, frozen=True):
    result: Lease = Lease()


class Event(msgspec.Struct, frozen=True):
    """A change of a key: `type` is PUT, which is left out, or DELETE."""

    kv: KeyValue
    type: str = "PUT"


class Watched(msgspec.Struct, frozen=True):
    """A line of a watch. The first has `created`; `canceled` is the last."""

    header: Header = Header()
    created: bool = False
    canceled: bool = False
    compact_revision: int = 0
    events: list[Event] = []


class Problem(msgspec.Struct, frozen=True):
    """Why etcd has not done what it was asked; `code` is one of gRPC's."""

    error: Any = ""
    code: int = 0
    message: str = ""

    @property
    def text(self) -> str:
        return self.message or str(self.error)


class WatchLine(msgspec.Struct, frozen=True):
    result: Watched | None = None
    error: Problem | None = None


def decoded(kind: type[T], text: bytes) -> T:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=kind, strict=False)


encoded = msgspec.json.encode
