"""What passes away, on etcd: keys with a lease. A lease has whole seconds, and etcd takes it away up to one later."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .bulletin import Counted
from .etcd_client import EtcdAddress, EtcdClient
from .etcd_messages import Header, KeyValue, Lease, LeaseAlive, Plain, TxnAnswer
from .etcd_watch import EtcdWatch
from .sequence import Unfit, Unknown


class EtcdBulletin:
    """A `Bulletin`. It looks for nothing in etcd's identity: what it keeps is gone in seconds anyway."""

    def __init__(self, address: EtcdAddress, log_name: str) -> None:
        self._keys = f"pos-notif/{log_name}/key/"
        self._tries = f"pos-notif/{log_name}/try/"
        self._client = EtcdClient(address)
        self._leases: dict[str, tuple[int, float]] = {}  # by key: what was granted, for how many seconds
        self._watch: EtcdWatch | None = None
        self._watched = ""  # what the watch is at

    def put(self, key: str, value: bytes, seconds: float) -> None:
        with _unknown():
            lease = self._renewed(key, seconds) or self._lease(seconds)
            self._leases[key] = lease, seconds
            self._client.ask("/v3/kv/put", {"key": self._of(key), "value": value, "lease": str(lease)}, Plain)

    def delete(self, key: str) -> None:
        self._leases.pop(key, None)
        with _unknown():
            self._client.ask("/v3/kv/deleterange", {"key": self._of(key)}, Plain)

    def living(self, prefix: str) -> Mapping[str, bytes]:
        with _unknown():
            _, found = self._found(_all(self._of(prefix)))
            return {self._name(each): each.value for each in found}

    def changes(self, after: str | None, seconds: float) -> tuple[str, list[str]]:
        deadline = time.monotonic() + seconds
        with _unknown():
            if after is None:
                header, _ = self._found({"key": self._of("")})
                return str(header.revision), []
            try:
                return self._changes(after, deadline)
            except BaseException:
                self._end_watch()
                raise

    def begin_try(self, key: str, name: str, seconds: float, limit: int) -> tuple[bool, Counted]:
        tries = _all(f"{self._tries}{key}/".encode())
        with _unknown():
            lease = self._lease(seconds)
            while True:
                header, found = self._found(tries)
                if len(found) >= limit:
                    self._client.ask("/v3/lease/revoke", {"ID": str(lease)}, Plain)
                    return False, self._counted(found)
                mine = {"key": tries["key"] + name.encode(), "value": b"", "lease": str(lease)}
                # Counted in between was nobody: neither was any of them put after they were looked at.
                unchanged = {**tries, "target": "MOD", "result": "LESS", "mod_revision": str(header.revision + 1)}
                question = {"compare": [unchanged], "success": [{"request_put": mine}]}
                answer = self._client.ask("/v3/kv/txn", question, TxnAnswer)
                if answer.succeeded:
                    others = [each for each in found if each.key != mine["key"]]
                    return True, self._counted([*others, KeyValue(mine["key"], lease=lease)])

    def forget(self, key: str, name: str | None = None) -> None:
        folder = f"{self._tries}{key}/".encode()
        with _unknown():
            gone = _all(folder) if name is None else {"key": folder + name.encode()}
            self._client.ask("/v3/kv/deleterange", gone, Plain)

    def close(self) -> None:
        self._client.close()
        watch = self._watch
        if watch is not None:
            watch.close()

    def _of(self, key: str) -> bytes:
        return (self._keys + key).encode()

    def _name(self, found: KeyValue) -> str:
        return found.key.decode().removeprefix(self._keys)

    def _found(self, keys: dict[str, Any]) -> tuple[Header, list[KeyValue]]:
        """Returns the keys that live, the oldest first."""
        order = {"sort_order": "ASCEND", "sort_target": "CREATE"}
        question = {"success": [{"request_range": {**keys, **order}}]}
        answer = self._client.ask("/v3/kv/txn", question, TxnAnswer)
        return answer.header, answer.found(0)

    # Leases

    def _lease(self, seconds: float) -> int:
        return self._client.ask("/v3/lease/grant", {"TTL": str(max(1, math.ceil(seconds)))}, Lease).ID

    def _renewed(self, key: str, seconds: float) -> int:
        """Returns the key's lease of so many seconds where it lives on; else 0. That is told to no disk."""
        lease, granted = self._leases.get(key, (0, 0.0))
        if not lease or granted != seconds:
            return 0
        alive = self._client.ask("/v3/lease/keepalive", {"ID": str(lease)}, LeaseAlive)
        return lease if alive.result.TTL > 0 else 0

    def _counted(self, tries: list[KeyValue]) -> Counted:
        oldest = self._client.ask("/v3/lease/timetolive", {"ID": str(tries[0].lease)}, Lease)
        return Counted(len(tries), max(0.0, float(oldest.TTL)))

    # Changes

    def _changes(self, after: str, deadline: float) -> tuple[str, list[str]]:
        if self._watch is None or self._watched != after:
            self._end_watch()
            self._watch = EtcdWatch(self._client, _all(self._of("")), int(after) + 1)
            self._watched = after
            if self._watch.began_at < int(after):
                return self._all_anew()  # this etcd is another, or behind: it may have told nothing for long
        changed: dict[str, None] = {}
        while not changed or deadline > 0:
            told = self._watch.next(deadline)
            if told is None:
                break
            if told.canceled:
                return self._all_anew()  # what came after is compacted
            changed.update((self._name(event.kv), None) for event in told.events)
            if told.events:
                self._watched = str(told.header.revision)
                deadline = 0.0  # what has come already is taken along
        self._check_silence(changed)
        return self._watched, list(changed)

    def _check_silence(self, changed: Mapping[str, None]) -> None:
        """Raises Unknown where nothing has come because nobody is there."""
        if not changed:
            self._found({"key": self._of("")})
            if self._client.now is None or self._watch is None or self._watch.at != self._client.now.at:
                self._end_watch()

    def _all_anew(self) -> tuple[str, list[str]]:
        self._end_watch()
        header, found = self._found(_all(self._of("")))
        return str(header.revision), [self._name(each) for each in found]

    def _end_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()


def _all(prefix: bytes) -> dict[str, Any]:
    """Returns the range of all keys that begin so; a prefix of ours ends before the last byte that there is."""
    return {"key": prefix, "range_end": prefix[:-1] + bytes([prefix[-1] + 1])}


@contextlib.contextmanager
def _unknown() -> Iterator[None]:
    """Makes Unknown of Unfit: what etcd does not let us do passes away as what it does not answer."""
    try:
        yield
    except Unfit as error:
        raise Unknown(str(error)) from error
