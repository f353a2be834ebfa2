"""Which records are kept for whom, on a real Redis."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from pos_notif.cluster import members
from pos_notif.cluster.board import ClusterBoard
from pos_notif.cluster.engine import parse
from pos_notif.cluster.founding import found
from pos_notif.cluster.members import Trimmer, read_members, trimmable
from pos_notif.cluster.node import replication_of
from pos_notif.cluster.positions import Positions
from pos_notif.cluster.redis_connection import RedisAddress
from pos_notif.cluster.redis_sequence import RedisSequence
from pos_notif.cluster.sequence import Place, Trimmed
from pos_notif.config import Config
from pos_notif.database.threads import Database
from tests.support.live_server import with_accounts
from tests.support.redis import RedisServer, redis_server

__all__ = ["redis_server"]

MIB = 1024 * 1024


def marks(size: int, head: int, step: int = 100) -> list[tuple[int, int]]:
    """Of records of one size."""
    return [(position, position * size) for position in range(0, head + 1, step)]


@pytest.mark.parametrize(
    ("size", "head", "positions", "up_to"),
    [
        (1000, 9_000, [9_000, 9_000], 0),  # the newest 10,000 stay in any case
        (1000, 30_000, [30_000, 30_000], 20_000),
        (1000, 30_000, [30_000, 12_050], 12_000),  # one is behind
        (1000, 90_000, [90_000, 100], 90_000 - 64 * MIB // 1000 // 100 * 100 - 100),  # for too long
        (4096, 20_000, [20_000, 20_000], 20_000 - 16 * MIB // 4096 // 100 * 100 - 100),  # 16 MiB are fewer than 10,000
        (1000, 30_000, [], 20_000),
    ],
)
def test_what_is_kept_is_what_a_node_lacks_and_the_newest(size, head, positions, up_to):
    assert trimmable(marks(size, head), head, positions) == up_to


class Log:
    def __init__(self, server: RedisServer) -> None:
        self.sequence = RedisSequence(RedisAddress("127.0.0.1", server.port), "log", None)
        nothing = Place(0, bytes(32), b"")
        self.place = self.sequence.begin(nothing, b"base", b"n" * 16, seen=self.sequence.last())

    def append(self, count: int, size: int = 100) -> None:
        for number in range(count):
            self.place = self.sequence.append(self.place, hashlib.sha256(b"%d" % number).digest() * (size // 32))

    def oldest(self) -> int:
        for position in range(self.place.position + 1):
            try:
                return self.sequence.read(position, 1)[0][0]
            except Trimmed:
                continue
        raise AssertionError("no record is left")


def test_it_trims_for_the_slowest_and_no_longer_for_one_that_is_away_for_too_long(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(members, "NEWEST_RECORDS", 100)
    monkeypatch.setattr(members, "LACKING_BYTES", 60_000)
    monkeypatch.setattr(members, "READ_RECORDS", 10)
    log = Log(redis_server)
    trimmer = Trimmer(RedisSequence(RedisAddress("127.0.0.1", redis_server.port), "log", None))
    log.append(300)
    assert trimmer.trim([301, 205]) == 201
    assert log.oldest() == 202
    trimmer.close()
    # Another leader knows nothing of what the first has read.
    trimmer = Trimmer(RedisSequence(RedisAddress("127.0.0.1", redis_server.port), "log", None))
    log.append(400)
    assert trimmer.trim([701, 250]) == 250
    assert log.oldest() == 251  # what it lacks is there
    log.append(300)
    trimmer.trim([1001, 250])
    assert 350 < log.oldest() <= 1001 - 60_000 // 96 + 11  # it must copy the log anew
    trimmer.trim([1001, 1001])
    assert 892 <= log.oldest() <= 902
    trimmer.close()
    log.sequence.close()


async def test_positions_are_told_once_and_an_idle_cluster_writes_nothing(redis_server: RedisServer, tmp_path: Path):
    file, url = tmp_path / "a.db", redis_server.address
    with_accounts(file, lambda accounts: accounts.create_token("pos"))
    engine = parse(url)
    membership = await asyncio.to_thread(found, file, engine, "a")
    replica = await asyncio.to_thread(replication_of, Config(database=str(file), cluster=url))
    database = await Database.open(file, create=False, replication=replica)
    board = ClusterBoard(1, lambda: engine.bulletin(membership.log_name))
    trimmer = Trimmer(engine.sequence(membership.log_name, membership.identity))
    try:
        await database.write(lambda connection: connection.execute("UPDATE log SET accounts_version = 9"))
        telling = Positions(database, board, trimmer, lambda: True)
        await telling.tell_and_trim()
        assert [member.position for member in await database.read(read_members)] == [2]
        assert replica.position == 3
        await telling.tell_and_trim()
        assert replica.position == 3
    finally:
        await database.close()
        trimmer.close()
