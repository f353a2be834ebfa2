"""The engine Redis, or Valkey: one server."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from .bulletin import Bulletin
from .redis_bulletin import RedisBulletin
from .redis_connection import RedisAddress, RedisConnection
from .redis_sequence import RedisSequence, log_key
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

    def logs(self) -> list[str]:
        """Returns the names of the logs that it has. Raises Unknown or Unfit."""
        found: set[str] = set()
        cursor = b"0"
        with contextlib.closing(RedisConnection(self.address, {}, checked=False)) as connection:
            while True:
                cursor, keys = connection.ask("SCAN", cursor, "MATCH", log_key("*"), "COUNT", 1000)
                found.update(key.decode().split(":")[1] for key in keys)
                if cursor == b"0":
                    return sorted(found)

    def servers(self) -> list[Server]:
        """Returns the one server. Raises Unknown or Unfit."""
        with contextlib.closing(RedisConnection(self.address, {}, checked=False)) as connection:
            connection.ask("PING")
        return [Server("redis", str(self.address), answers=True, leads=True)]
