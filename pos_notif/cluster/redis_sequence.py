"""The order of transactions by one Redis or Valkey: a stream of the records, and who has opened it for which process of
the server. Each step is one script, which nothing comes between. There is no failover: a server that is away is waited
for, and one that was started anew, flushed or given an old file is closed until somebody opens it."""

from __future__ import annotations

import time
from typing import Any

from .redis_connection import RedisAddress, RedisConnection
from .sequence import Closed, Conflict, Place, Trimmed, place_after

# A wait looks so often whether the engine is still the one that was opened.
BLOCK_SECONDS = 0.5
READ_BYTES = 4 * 1024 * 1024

# What all of them begin with. `log` is the stream, whose entry `<position>-0` has the hash and the record. `open` says
# for which process of the server, with which data set, it was opened, and by which base record.
_COMMON = """
local log, open = KEYS[1], KEYS[2]
local function last()
  local found = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if not found then return '0', '' end
  return string.match(found[1], '^%d+'), found[2][2]
end
local function engine()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  return run .. ' ' .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') .. ' '
end
local function base()
  local stored, live = redis.call('GET', open), engine()
  if stored and string.sub(stored, 1, #live) == live then return string.sub(stored, #live + 1) end
  return nil
end
local function add(position, hash, record)
  redis.call('XADD', log, position .. '-0', 'hash', hash, 'record', record)
end
"""
_SCRIPTS = {
    # The last place, the base, which is empty where it is closed, and what the server is.
    "last": "local position, hash = last() return {position, hash, base() or '', engine()}",
    # after, its hash, its base, next, its hash, record
    "append": """
local opened, position, hash = base(), last()
if not opened then return 'closed' end
if position ~= ARGV[1] or hash ~= ARGV[2] or opened ~= ARGV[3] then return 'conflict' end
add(ARGV[4], ARGV[5], ARGV[6])
return 'done'
""",
    # after, its hash, next, its hash, record, base
    "open": """
local position, hash = last()
if base() or position == '0' or position ~= ARGV[1] or hash ~= ARGV[2] then return 'conflict' end
add(ARGV[3], ARGV[4], ARGV[5])
redis.call('SET', open, engine() .. ARGV[6])
return 'done'
""",
    # seen, its hash, next, its hash, record, base. A stream takes no lower id than it has had: it goes.
    "recover": """
local position, hash = last()
if position ~= ARGV[1] or position ~= '0' and hash ~= ARGV[2] then return 'conflict' end
redis.call('DEL', log)
add(ARGV[3], ARGV[4], ARGV[5])
redis.call('SET', open, engine() .. ARGV[6])
return 'done'
""",
    # first, limit, bytes
    "read": """
local found, size, first, limit = {}, 0, ARGV[1], tonumber(ARGV[2])
while #found < limit and size < tonumber(ARGV[3]) do
  local part = redis.call('XRANGE', log, first .. '-0', '+', 'COUNT', math.min(16, limit - #found))
  for _, entry in ipairs(part) do
    local position = string.match(entry[1], '^%d+')
    found[#found + 1] = {position, entry[2][4]}
    size, first = size + #entry[2][4], string.format('%.0f', tonumber(position) + 1)
  end
  if #part == 0 then break end
end
return found
""",
    # the base that was seen, the first that stays
    "trim": """
local position = last()
if base() == ARGV[1] and tonumber(position) >= tonumber(ARGV[2]) then
  redis.call('XTRIM', log, 'MINID', ARGV[2] .. '-0')
end
return 'done'
""",
}


def log_key(log_name: str) -> str:
    """Returns the key under which Redis has a log's records."""
    return f"pos-notif:{log_name}:log"


class RedisSequence:
    """A `Sequence`. What the engine says of itself, and so `identity`, is compared by the engine."""

    def __init__(self, address: RedisAddress, log_name: str, identity: dict[str, Any] | None) -> None:
        self.identity = identity
        self._name = str(address)
        self._keys = (log_key(log_name), f"pos-notif:{log_name}:open")
        self._probe = f"pos-notif:{log_name}:probe"
        scripts = {name: _COMMON + text for name, text in _SCRIPTS.items()}
        self._redis = RedisConnection(address, scripts, checked=True)

    def append(self, after: Place, record: bytes) -> Place:
        place = place_after(after, record, after.base)
        before = (after.position, after.hash, after.base.hex())
        self._done(self._redis.run("append", self._keys, *before, place.position, place.hash, record))
        return place

    def head(self) -> Place:
        place = self.last()
        if not place.base:
            raise self._closed()
        return place

    def last(self) -> Place:
        position, last_hash, base, engine = self._redis.run("last", self._keys)
        self.identity = dict(zip(("run_id", "master_replid"), engine.decode().split(), strict=True))
        return Place(int(position), last_hash, bytes.fromhex(base.decode()))

    def read(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        found = self._redis.run("read", self._keys, after + 1, limit, READ_BYTES)
        records = [(int(position), record) for position, record in found]
        if records and records[0][0] != after + 1:
            raise Trimmed(f"Redis at {self._name} begins with record {records[0][0]}")
        return records

    def wait(self, after: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            left = min(deadline - time.monotonic(), BLOCK_SECONDS)
            block = ("BLOCK", max(1, int(left * 1000))) if left > 0 else ()
            if self._redis.ask("XREAD", "COUNT", 1, *block, "STREAMS", self._keys[0], f"{after}-0"):
                return True
            self.head()  # it may be another by now, from which nothing comes
            if left <= 0:
                return False

    def begin(self, after: Place, base: bytes, nonce: bytes, *, seen: Place | None = None) -> Place:
        place = place_after(after, base, nonce)
        script, before = ("open", after) if seen is None else ("recover", seen)
        rest = (place.position, place.hash, base, nonce.hex())
        self._done(self._redis.run(script, self._keys, before.position, before.hash, *rest))
        return place

    def dispute(self, place: Place) -> None:
        """Does nothing: whatever gave Redis another history has closed it."""

    def probe(self) -> None:
        self._redis.ask("SET", self._probe, "", "PX", 1000)

    def trim(self, up_to: int) -> None:
        base = self.head().base
        self._done(self._redis.run("trim", self._keys, base.hex(), up_to + 1))

    def close(self) -> None:
        self._redis.close()

    def _done(self, answer: bytes) -> None:
        if answer == b"conflict":
            raise Conflict
        if answer != b"done":
            raise self._closed()

    def _closed(self) -> Closed:
        return Closed(f"Redis at {self._name} was started anew, or has lost what it had, and was not opened since")
