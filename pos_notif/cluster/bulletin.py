"""`Bulletin`: the engine's keys that pass away, by which nodes know of each other. Nothing of the log stands there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Counted(NamedTuple):
    """How many tries of a key count now, the one that was begun among them, and for how many seconds more the oldest
    of them does."""

    tries: int
    seconds: float


class Bulletin(Protocol):
    """All calls wait, in the thread that makes them, for at most a second; `changes` as long as it is told. Each raises
    `Unknown` of `cluster.sequence` where the engine does not answer. It may be used in one thread at a time."""

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Makes the key have this value, which is gone after `seconds` unless it is put again."""

    def delete(self, key: str) -> None: ...

    def living(self, prefix: str) -> Mapping[str, bytes]:
        """Returns the living keys that begin so."""

    def changes(self, after: str | None, seconds: float) -> tuple[str, list[str]]:
        """Waits until a key was put, deleted or has passed away since `after`, an earlier call's first value, for so
        long at most. Returns what to give as `after` next time, and the keys (without those that have passed away where
        the engine does not tell them); None says from now on, and returns at once."""

    def begin_try(self, key: str, name: str, seconds: float, limit: int) -> tuple[bool, Counted]:
        """Counts the try `name` of the key for `seconds`, unless `limit` are counted already. Tells whether it was
        counted."""

    def forget(self, key: str, name: str | None = None) -> None:
        """Forgets this try of the key; None forgets all of them."""

    def close(self) -> None: ...
