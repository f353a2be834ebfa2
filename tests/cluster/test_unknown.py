"""What a node's file has, and says, when an engine's answers are lost, late, or of what it cannot apply."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pos_notif.cluster import replica
from pos_notif.cluster.central import Central
from pos_notif.cluster.engine import parse
from pos_notif.cluster.founding import found
from pos_notif.cluster.node import membership_of
from pos_notif.cluster.record import Record, Statement, new_nonce, pack
from pos_notif.cluster.replica import Replica
from pos_notif.database.file import MIGRATIONS, schema_version
from pos_notif.database.listeners import DatabaseListeners
from pos_notif.database.threads import Database
from pos_notif.errors import EngineAway
from tests.support.etcd import CLIENTS, Etcd
from tests.support.logs import opened
from tests.support.proxies import Proxy
from tests.support.redis import RedisServer, redis_server

__all__ = ["redis_server"]


class File:
    """A node's database, of which the test is the only writer. `caught_up` counts how often others' were applied."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        membership = membership_of(path)
        assert membership is not None
        self.log_name = membership.log_name
        self.sequence = parse(url).sequence(membership.log_name, membership.identity)
        self.replica = Replica(membership.log_name, self.sequence, Central(), MIGRATIONS)
        self.caught_up = 0

    async def open(self) -> Database:
        def count() -> None:
            self.caught_up += 1

        self.database = await Database.open(
            self.path, create=False, replication=self.replica, listeners=DatabaseListeners(caught_up=count)
        )
        return self.database

    async def write(self, term: int, before: Callable[[], None] = lambda: None) -> int:
        """Makes the term this one, and returns what it was."""

        def work(connection: sqlite3.Connection) -> int:
            before()
            [known] = connection.execute("SELECT term FROM log").fetchone()
            connection.execute("UPDATE log SET term = ?", (term,))
            return known

        return await self.database.write(work)

    @property
    def state(self) -> tuple[int, int]:
        """How far the file is, and its term."""
        with opened(self.path) as connection:
            [position] = connection.execute("SELECT position FROM node").fetchone()
            return position, connection.execute("SELECT term FROM log").fetchone()[0]


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    with Etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "UNKNOWN_SECONDS", 120.0)


@contextlib.asynccontextmanager
async def two(folder: Path, url: str, url_of_first: str) -> AsyncIterator[tuple[File, File]]:
    """Two, of which the first one asks the engine by an address of its own."""
    a, b = folder / "a.db", folder / "b.db"
    await (await Database.open(a)).close()
    found(a, parse(url), "a")
    with contextlib.closing(sqlite3.connect(a)) as source, contextlib.closing(sqlite3.connect(b)) as copy:
        source.backup(copy)
        copy.execute("UPDATE node SET name = 'b'")
        copy.commit()
    files = File(a, url_of_first), File(b, url)
    databases = [await file.open() for file in files]
    yield files
    for database in databases:
        await database.close()


@pytest.fixture
async def nodes(etcd: Etcd, tmp_path: Path) -> AsyncIterator[tuple[File, File, Proxy]]:
    with Proxy((etcd.members[0].host, CLIENTS)) as proxy:
        async with two(tmp_path, etcd.url, f"etcd://{proxy.address}") as files:
            yield (*files, proxy)


async def test_what_was_applied_on_the_way_to_a_lost_answer_is_kept_too(nodes):
    """It came second, was decided again after what came first, and then its answer was lost: the file has both."""
    one, other, proxy = nodes
    await other.write(7)
    runs = []

    def lose_the_second_answer() -> None:
        runs.append(1)
        if len(runs) == 2:
            proxy.hold_answer_of(b'"request_put"')
            threading.Thread(target=lambda: proxy.held.wait(30) and (proxy.drop(), proxy.mend())).start()

    assert await one.write(8, lose_the_second_answer) == 7
    assert len(runs) == 2
    assert one.state == (3, 8)
    assert one.caught_up == 1
    assert await other.write(9) == 8


async def test_what_is_unknown_is_sent_again_as_it_was_and_not_decided_again(etcd: Etcd, tmp_path: Path):
    """It waits in the network on the way to one member, and may be there at any moment; another member is asked."""
    address = (etcd.members[0].host, CLIENTS)
    with Proxy(address) as first, Proxy(address) as second:
        async with two(tmp_path, etcd.url, f"etcd://{first.address},{second.address}") as (one, other):
            runs = []

            def hold() -> None:
                runs.append(1)
                if len(runs) == 1:
                    first.hold_requests()
                else:
                    first.mend()

            assert await one.write(7, hold) == 0
            assert len(runs) == 1
            assert one.state == (2, 7)
            first.mend()  # what comes late changes nothing
            assert await one.write(8) == 7
            assert await other.write(9) == 8
            assert other.state == (4, 9)


async def test_where_another_nodes_record_has_the_place_of_a_lost_one_it_is_decided_again(nodes):
    one, other, proxy = nodes
    loop, runs = asyncio.get_running_loop(), []

    def lose() -> None:
        runs.append(1)
        if len(runs) == 1:
            proxy.refuse()
            asyncio.run_coroutine_threadsafe(other.write(7), loop).result(30)
            threading.Timer(0.5, proxy.accept).start()

    assert await one.write(8, lose) == 7
    assert len(runs) > 1
    assert one.state == (3, 8)
    assert await other.write(9) == 8


async def test_what_an_engine_has_no_room_for_is_not_sent_on_and_on(redis_server: RedisServer, tmp_path: Path):
    async with two(tmp_path, redis_server.address, redis_server.address) as (one, _):
        redis_server.command("config", "set", "maxmemory", "1")
        async with asyncio.timeout(60):  # half of what an answer that does not come is waited for here
            with pytest.raises(EngineAway):
                await one.write(7)
        redis_server.command("config", "set", "maxmemory", "0")
        one.replica.central.found()
        assert await one.write(8) == 0


async def test_a_question_whose_answer_was_lost_is_asked_again(nodes):
    """A write of nothing is answered by the newest state, though the connection to it broke just then."""
    one, _other, proxy = nodes
    await one.database.write(lambda connection: None)
    proxy.hold_answers()
    threading.Timer(1.5, proxy.mend).start()
    await one.database.write(lambda connection: None)
    assert one.replica.central.may_write


async def test_what_is_not_recorded_is_refused_and_the_node_goes_on(nodes):
    one, other, _proxy = nodes
    with pytest.raises(RuntimeError, match="not recorded"):
        await one.database.write(lambda connection: connection.cursor().execute("UPDATE log SET term = 5"))
    assert one.state == (1, 0)
    assert await one.write(6) == 0
    assert await other.write(7) == 6


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (Statement("UPDATE log SET term = ?", [["x"]]), "does not fit"),  # no integer
        (Statement("UPDATE log SET term = ?", [[1, 2]]), "does not fit"),
        (Statement("UPDATE log SET term = ?", [[2**63]]), "does not fit"),
        (Statement("UPDATE log SET term = ? WHERE head_id < 0", [[1]]), "changed 0 rows here, and 1 elsewhere"),
        (Statement("UPDATE node SET position = ?", [[99]]), "not allowed"),
        (Statement("UPDATE log SET term = ?; DELETE FROM log", [[1]]), ""),
        (Statement("ATTACH ? AS other", [["/tmp/x.db"]]), "not allowed"),
    ],
)
async def test_a_record_that_makes_other_rows_stops_the_node(nodes, statement: Statement, why: str):
    one, other, _proxy = nodes
    head = other.sequence.head()
    with opened(other.path) as connection:
        schema = schema_version(connection)
    record = Record(other.log_name, schema, head.hash, new_nonce(), 0, [statement], 1)
    other.sequence.append(head, pack(record))
    with pytest.raises(EngineAway):
        await one.write(8)
    assert why in str(one.replica.central.stopped)
    assert one.state == (1, 0)
    with pytest.raises(EngineAway):
        await one.write(9)
