"""The order of transactions by etcd. Each step is one transaction there, on a majority's disks before it is answered.

Whoever leads etcd, it is one history; what has to be seen is another etcd, or an older one: each answer is looked at
for that before it is believed, and whoever finds that the head does not lead to its own place closes it for all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence as Listed
from typing import Any

from .etcd_client import Connection, EtcdAddress, EtcdClient
from .etcd_messages import Header, KeyValue, Plain, TxnAnswer
from .etcd_watch import EtcdWatch
from .sequence import NO_PLACE, Closed, Conflict, Place, Trimmed, Unfit, Unknown, place_after

# The keys of each log stand in a folder of its own in it.
FOLDER = "pos-notif/"
# What a read shall be about; a record may have a megabyte, and how large the next ones are nobody knows.
READ_BYTES = 1024 * 1024
_FIRST_READ = 16


class EtcdSequence:
    """A `Sequence`. Its `identity` has etcd's `cluster_id`, its `members` and the highest `revision` that was seen."""

    def __init__(self, address: EtcdAddress, log_name: str, identity: dict[str, Any] | None) -> None:
        self.identity = identity
        folder = f"{FOLDER}{log_name}/"
        self._probe = f"{folder}probe".encode()
        self._head, self._open, self._closed = (f"{folder}{name}".encode() for name in ("head", "open", "closed"))
        self._log = f"{folder}log/".encode()
        self._client = EtcdClient(address)
        self._watch: EtcdWatch | None = None
        self._reached = 0  # the position of the head that was last told of
        self._read_records = _FIRST_READ

    def append(self, after: Place, record: bytes) -> Place:
        place = place_after(after, record, after.base)
        answer = self._ask(
            [_equal(self._head, _text(after)), _equal(self._open, after.base), _absent(self._closed)],
            [_put(self._key(place.position), record), _put(self._head, _text(place))],
            [_range(self._head), _range(self._open), _range(self._closed)],
        )
        if answer.succeeded:
            return place
        head = self._opened(answer)
        if head.position > after.position:
            raise Conflict
        self.dispute(after)
        raise Closed(f"etcd's head, record {head.position}, does not lead to this node's, {after.position}")

    def head(self) -> Place:
        return self._opened(self._look())

    def last(self) -> Place:
        found = self._look(strictly=False).found(0)
        return _place(found[0].value) if found else NO_PLACE

    def read(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        return self._read(after, limit, strictly=True)

    def _read(self, after: int, limit: int, *, strictly: bool) -> list[tuple[int, bytes]]:
        until = after + 1 + min(limit, self._read_records)
        records = _range(self._key(after + 1), self._key(until))
        answer = self._ask([], [_range(self._head), records], strictly=strictly)
        head = self._head_of(answer)
        found = [(_position(each), each.value) for each in answer.found(1)]
        if head.position > after and (not found or found[0][0] != after + 1):
            raise Trimmed(f"etcd has record {after + 1} no more")
        if found:
            size = max(1, sum(len(value) for _, value in found) // len(found))
            self._read_records = max(1, min(2 * self._read_records, READ_BYTES // size))
        return [(position, value) for position, value in found if position <= head.position]

    def wait(self, after: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        try:
            while self._reached <= after:
                if self._watch is None:
                    if self._begin_to_watch() > after:
                        break
                    assert self._watch is not None
                told = self._watch.next(deadline)
                if told is None:
                    return self._is_behind(after)
                if told.canceled:  # what it was to begin with is compacted
                    self._end_watch()
                for event in told.events:
                    if event.type == "DELETE":
                        self.head()  # raises Closed
                    else:
                        self._reached = _place(event.kv.value).position
        except BaseException:
            self._end_watch()
            raise
        return True

    def begin(self, after: Place, base: bytes, nonce: bytes, *, seen: Place | None = None) -> Place:
        place = place_after(after, base, nonce)
        key = self._key(place.position)
        puts = [_put(key, base), _put(self._head, _text(place)), _put(self._open, nonce)]
        if seen is None:
            conditions = [_equal(self._head, _text(after)), _absent(self._open), _absent(self._closed)]
            answer = self._ask(conditions, puts)
        else:
            was = _equal(self._head, _text(seen)) if seen.position else _absent(self._head)
            # etcd refuses a put inside a range that the same transaction deletes: what is before it, and after it.
            removals = [_remove(self._log, key), _remove(key + b"\0", _end(self._log)), _remove(self._closed)]
            answer = self._ask([was], [*removals, *puts], strictly=False)
        if not answer.succeeded:
            raise Conflict
        self.identity = self._seen(answer.header)
        return place

    def dispute(self, place: Place) -> None:
        answer = self._look(strictly=False)
        found, closed = answer.found(0), answer.found(2)
        if not found or closed:
            return
        head = _place(found[0].value)
        if head.base == place.base and not self._leads(place, head):
            conditions = [_equal(self._head, found[0].value), _absent(self._closed)]
            self._ask(conditions, [_put(self._closed, _text(place))], strictly=False)

    def _leads(self, place: Place, head: Place) -> bool:
        """Tells whether the records after this place lead to the head; also where that cannot be told any more."""
        while place.position < head.position:
            try:
                records = self._read(place.position, head.position - place.position, strictly=False)
            except Trimmed:
                return True
            for _, record in records:
                place = place_after(place, record, place.base)
        return place == head

    def probe(self) -> None:
        self._client.ask("/v3/kv/put", {"key": self._probe, "value": b""}, Plain)

    def trim(self, up_to: int) -> None:
        head = self.head()
        answer = self._ask(
            [_equal(self._open, head.base), _absent(self._closed)],
            [_remove(self._log, self._key(min(up_to + 1, head.position)))],
        )
        # etcd keeps what keys have been until it is told not to: 2 GB, and then it takes nothing more.
        try:
            self._client.ask("/v3/kv/compaction", {"revision": answer.header.revision}, Plain)
        except (Unknown, Unfit):
            return  # others compact it too, or are the only ones who may

    def close(self) -> None:
        self._client.close()
        watch = self._watch
        if watch is not None:
            watch.close()

    # What is asked

    def _key(self, position: int) -> bytes:
        return self._log + b"%016d" % position

    def _look(self, *, strictly: bool = True) -> TxnAnswer:
        return self._ask([], [_range(self._head), _range(self._open), _range(self._closed)], strictly=strictly)

    def _ask(
        self,
        conditions: Listed[dict[str, Any]],
        then: Listed[dict[str, Any]],
        otherwise: Listed[dict[str, Any]] = (),
        *,
        strictly: bool = True,
    ) -> TxnAnswer:
        """Makes a transaction. Its answer is believed only where it comes from the etcd that is known, `strictly`."""
        known = self.identity if strictly else None
        question = {"compare": conditions, "success": then, "failure": otherwise}
        check = None if known is None else lambda connection: _check_members(connection, known)
        answer = self._client.ask("/v3/kv/txn", question, TxnAnswer, check)
        if known is not None:
            try:
                _check_header(answer.header, known)
            except Closed:
                self._client.drop()
                raise
        if strictly or self.identity is None:
            self.identity = self._seen(answer.header)
        return answer

    def _is_behind(self, after: int) -> bool:
        """Asks for the head, since the silence of a watch may be that of a broken connection, or of a member that is
        behind."""
        behind, connection = self.head().position > after, self._client.now
        if behind or connection is None or self._watch is None or self._watch.at != connection.at:
            self._end_watch()
        return behind

    def _begin_to_watch(self) -> int:
        """Returns the position of the head, after which it is watched."""
        answer = self._look()
        self._reached = self._opened(answer).position
        self._watch = EtcdWatch(self._client, {"key": self._head}, answer.header.revision + 1)
        return self._reached

    def _end_watch(self) -> None:
        watch, self._watch = self._watch, None
        self._reached = 0
        if watch is not None:
            watch.close()

    # What was answered

    def _seen(self, header: Header) -> dict[str, Any]:
        connection = self._client.now
        members = sorted(f"{member:x}" for member in connection.members) if connection else []
        return {"cluster_id": f"{header.cluster_id:x}", "members": members, "revision": header.revision}

    def _head_of(self, answer: TxnAnswer) -> Place:
        found = answer.found(0)
        if not found:
            raise Closed("etcd has nothing of this log, it was wiped or is another")
        head = _place(found[0].value)
        self._reached = head.position
        return head

    def _opened(self, answer: TxnAnswer) -> Place:
        """Returns the head of an answer that has `head`, `open` and `closed`. Raises Closed unless it is open."""
        head, opened, closed = self._head_of(answer), answer.found(1), answer.found(2)
        if closed:
            position = _place(closed[0].value).position
            raise Closed(f"etcd was closed by a node whose record {position} it does not have")
        if not opened or opened[0].value != head.base:
            raise Closed("etcd was not opened on the history that it has")
        return head


def _check_members(connection: Connection, known: dict[str, Any]) -> None:
    """Raises Closed unless the etcd at the other end is the one that is known: what `--force-new-cluster` has made of
    one member has its cluster's id, but not its majority."""
    if f"{connection.cluster_id:x}" != known["cluster_id"]:
        raise _another(connection.cluster_id, known)
    members = known["members"]
    left = sum(f"{member:x}" in members for member in connection.members)
    if 2 * left <= len(members):
        raise Closed(f"only {left} of etcd's {len(members)} members that were known belong to it still")


def _check_header(header: Header, known: dict[str, Any]) -> None:
    """Raises Closed where another etcd has answered, or one that is behind what this one was."""
    if f"{header.cluster_id:x}" != known["cluster_id"]:
        raise _another(header.cluster_id, known)
    if header.revision < known["revision"]:
        raise Closed(f"etcd is behind where it was (revision {header.revision} after {known['revision']})")


def _another(cluster_id: int, known: dict[str, Any]) -> Closed:
    return Closed(f"etcd is another than it was (cluster {cluster_id:x} instead of {known['cluster_id']})")


def _position(record: KeyValue) -> int:
    return int(record.key.rpartition(b"/")[2])


def _text(place: Place) -> bytes:
    return f"{place.position} {place.hash.hex()} {place.base.hex()}".encode()


def _place(text: bytes) -> Place:
    try:
        position, hashed, base = text.decode("ascii").split(" ")
        return Place(int(position), bytes.fromhex(hashed), bytes.fromhex(base))
    except ValueError as error:
        raise Closed("etcd's keys have what this service does not write") from error


def _end(prefix: bytes) -> bytes:
    """Returns the first key after all that begin so."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def _equal(key: bytes, value: bytes) -> dict[str, Any]:
    return {"key": key, "target": "VALUE", "result": "EQUAL", "value": value}


def _absent(key: bytes) -> dict[str, Any]:
    return {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}


def _put(key: bytes, value: bytes) -> dict[str, Any]:
    return {"request_put": {"key": key, "value": value}}


def _range(key: bytes, end: bytes | None = None) -> dict[str, Any]:
    return {"request_range": {"key": key, **({"range_end": end} if end else {})}}


def _remove(key: bytes, end: bytes | None = None) -> dict[str, Any]:
    return {"request_delete_range": {"key": key, **({"range_end": end} if end else {})}}
