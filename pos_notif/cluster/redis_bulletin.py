"""What passes away, on Redis: keys with a time to live, a set of their names, a stream of the names that changed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from .bulletin import Counted
from .redis_connection import RedisAddress, RedisConnection

# A reader that is further behind than so many changes has lost its connection for minutes.
KEPT_CHANGES = 10_000
BLOCK_SECONDS = 0.5

_SCRIPTS = {
    # keys: names, changes, the key; its name, value, milliseconds, kept changes
    "put": """
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'key', ARGV[1])
""",
    "delete": """
if redis.call('DEL', KEYS[3]) == 0 then return end
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'key', ARGV[1])
""",
    # names; what every key begins with, what these begin with
    "living": """
local found = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if string.sub(name, 1, #ARGV[2]) == ARGV[2] then
    local value = redis.call('GET', ARGV[1] .. name)
    if value then
      found[#found + 1] = name
      found[#found + 1] = value
    else
      redis.call('SREM', KEYS[1], name)
    end
  end
end
return found
""",
    # the key's tries, each with the time at which it counts no more; the try, milliseconds, limit
    "begin_try": """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local may = redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[3])
if may then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {may and 1 or 0, redis.call('ZCARD', KEYS[1]), oldest[2] and oldest[2] - now or 0}
""",
}


class RedisBulletin:
    """A `Bulletin`. It asks nothing of the engine's settings: what it keeps is gone in seconds anyway."""

    def __init__(self, address: RedisAddress, log_name: str) -> None:
        self._prefix = f"pos-notif:{log_name}:key:"
        self._tries = f"pos-notif:{log_name}:tries:"
        self._names, self._changes = f"pos-notif:{log_name}:keys", f"pos-notif:{log_name}:changes"
        self._redis = RedisConnection(address, _SCRIPTS, checked=False)

    def put(self, key: str, value: bytes, seconds: float) -> None:
        self._redis.run("put", self._of(key), key, value, _milliseconds(seconds), KEPT_CHANGES)

    def delete(self, key: str) -> None:
        self._redis.run("delete", self._of(key), key, KEPT_CHANGES)

    def _of(self, key: str) -> tuple[str, str, str]:
        return self._names, self._changes, self._prefix + key

    def living(self, prefix: str) -> Mapping[str, bytes]:
        found = self._redis.run("living", (self._names,), self._prefix, prefix)
        return {name.decode(): value for name, value in zip(found[::2], found[1::2], strict=True)}

    def changes(self, after: str | None, seconds: float) -> tuple[str, list[str]]:
        if after is None:
            newest = self._redis.ask("XREVRANGE", self._changes, "+", "-", "COUNT", 1)
            return (newest[0][0].decode() if newest else "0-0"), []
        deadline = time.monotonic() + seconds
        while True:
            left = min(deadline - time.monotonic(), BLOCK_SECONDS)
            block = ("BLOCK", max(1, int(left * 1000))) if left > 0 else ()
            answer = self._redis.ask("XREAD", *block, "STREAMS", self._changes, after)
            if answer:
                [[_, entries]] = answer
                return entries[-1][0].decode(), list(dict.fromkeys(fields[1].decode() for _, fields in entries))
            if left <= 0:
                return after, []

    def begin_try(self, key: str, name: str, seconds: float, limit: int) -> tuple[bool, Counted]:
        answer = self._redis.run("begin_try", (self._tries + key,), name, _milliseconds(seconds), limit)
        may, tries, left = map(int, answer)
        return bool(may), Counted(tries, left / 1000)

    def forget(self, key: str, name: str | None = None) -> None:
        if name is None:
            self._redis.ask("DEL", self._tries + key)
        else:
            self._redis.ask("ZREM", self._tries + key, name)

    def close(self) -> None:
        self._redis.close()


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
