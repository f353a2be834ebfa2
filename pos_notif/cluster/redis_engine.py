"""The engine Redis, or Valkey: one server."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from .bulletin import Bulletin
from .redis_bulletin import RedisBulletin
from .redis_connection import RedisAddress, RedisConnection
from .redis_sequence import RedisSequence
from .sequence import Sequence
from .servers import Server


@dataclass(frozen=True, slots=True)
class RedisEngine:
    address: RedisAddress
    name: str = "redis"

    def sequence(self, log_name: str, identity: dict[str, Any] | None) -> Sequence:
        """Returns a sequence of its own connection."""
        return RedisSequence(self.address, log_name, identity)

    def bulletin(self, log_name: str) -> Bulletin:
        """Returns a bulletin of its own connection."""
        return RedisBulletin(self.address, log_name)

    def servers(self) -> list[Server]:
        """Returns the one server. Raises Unknown or Unfit."""
        with contextlib.closing(RedisConnection(self.address, {}, checked=False)) as connection:
            connection.ask("PING")
        return [Server("redis", str(self.address), answers=True, leads=True)]
