"""What nodes know of each other by the engine, of each kind, and who of them leads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pos_notif.board import Outcome
from pos_notif.cluster import etcd_client, etcd_watch, redis_connection
from pos_notif.cluster.board import ClusterBoard, Pace
from pos_notif.cluster.engine import Engine, parse
from pos_notif.cluster.leadership import Leadership
from pos_notif.database.threads import Database
from pos_notif.errors import LogUnavailable
from tests.cluster.nodes import OnEtcd, OnRedis, engine

QUICK = Pace(post=0.2, life=2.0, settle=0.5)
# Where nothing is to pass away, however busy the machine is.
LASTING = QUICK._replace(life=30.0)
# Where keys pass away while nobody reads: who lives has time to post again.
SETTLING = QUICK._replace(life=6.0, settle=5.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's engine may take its time, where none is ended."""
    for module in (redis_connection, etcd_client, etcd_watch):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 60.0)


@pytest.fixture(params=["redis", "etcd"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OnEtcd | OnRedis]:
    with engine(request.param, tmp_path) as started:
        yield started


def reached(running: OnEtcd | OnRedis) -> Engine:
    return parse(running.url([f"{host}:{port}" for host, port in running.addresses]))


@contextlib.asynccontextmanager
async def boards(running: OnEtcd | OnRedis, numbers: int = 3, pace: Pace = QUICK) -> AsyncIterator[list[ClusterBoard]]:
    """As many nodes' boards that have heard of each other."""
    at = reached(running)
    made = [ClusterBoard(number + 1, lambda: at.bulletin("log"), pace=pace) for number in range(numbers)]
    for each in made:
        each.start()
    try:
        await until(lambda: all(len(each.neighbours) == numbers - 1 for each in made))
        yield made
    finally:
        await asyncio.gather(*(each.close() for each in made))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def test_what_one_posts_the_others_hear_of_once_for_each_time(running: OnEtcd | OnRedis):
    async def main() -> None:
        async with boards(running, pace=LASTING) as (one, two, three):
            heard: list[tuple[int, bytes | None]] = []
            two.on_post("cocina", lambda number, value: heard.append((number, value)))
            one.post("cocina", b"1")
            await until(lambda: heard == [(1, b"1")] and three.posted("cocina") == {1: b"1"})
            one.post("otra", b"x")
            await until(lambda: two.posted("otra") == {1: b"x"})
            one.post("cocina", b"1")  # the same again is something new
            await until(lambda: heard == [(1, b"1"), (1, b"1")])
            await one.close()
            await until(lambda: heard[2:] == [(1, None)])
            assert set(two.neighbours) == {3}

    asyncio.run(main())


def test_a_node_that_is_alone_reads_the_board_all_the_same(running: OnEtcd | OnRedis):
    async def main() -> None:
        async with boards(running, 1) as (one,):

            async def post_all_the_time() -> None:
                while True:
                    one.post("cocina", b"1")
                    await asyncio.sleep(0.05)

            posting = asyncio.create_task(post_all_the_time())
            await until(lambda: one.known)
            read_at = one._read_at
            await until(lambda: one._read_at > read_at)
            posting.cancel()

    asyncio.run(main())


def test_who_is_asked_answers_and_who_does_not_is_unknown(running: OnEtcd | OnRedis):
    async def main() -> None:
        async with boards(running) as (one, two, three):
            two.answer("estado", lambda: b"dos" * 100_000)
            three.answer("estado", lambda: b"tres")

            async def are_told(asking: ClusterBoard, count: int, expected: dict[int, bytes | None]) -> None:
                """Who does not answer within a second is unknown, on a busy machine too."""
                async with asyncio.timeout(60):
                    told: list[object] = []
                    while told != [expected] * count:
                        told = await asyncio.gather(
                            *(asking.ask("estado") for _ in range(count)), return_exceptions=True
                        )  # fmt: skip

            await are_told(one, 1, {2: b"dos" * 100_000, 3: b"tres"})
            await are_told(two, 2, {1: None, 3: b"tres"})

    asyncio.run(main())


def test_a_board_that_cannot_be_read_knows_nothing_and_forgets_nobody(running: OnEtcd | OnRedis):
    async def main() -> None:
        async with boards(running, pace=SETTLING) as (one, two, three):
            gone: list[int] = []
            one.on_post("cocina", lambda number, value: gone.append(number) if value is None else None)
            two.post("cocina", b"2")
            three.post("cocina", b"3")
            await until(lambda: one.known and set(one.posted("cocina")) == {2, 3})
            running.kill()
            await until(lambda: not one.known and not one.is_confirmed)
            with pytest.raises(LogUnavailable):
                await one.ask("estado")
            with pytest.raises(LogUnavailable):
                await one.begin_try("ana", 60, 5)
            await asyncio.sleep(SETTLING.life)  # so that all keys have passed away
            running.start()
            await until(lambda: one.known and one.is_confirmed)
            assert (gone, set(one.posted("cocina"))) == ([], {2, 3})

            async def may() -> bool:
                with contextlib.suppress(LogUnavailable):  # on a busy machine the engine may take longer once more
                    return (await one.begin_try("ana", 60, 5)).may
                return False

            async with asyncio.timeout(60):
                while not await may():
                    pass

    asyncio.run(main())


@pytest.mark.usefixtures("patient")
def test_five_wrong_ones_are_all_whichever_nodes_they_come_to(running: OnEtcd | OnRedis):
    async def main() -> None:
        async with boards(running) as nodes:

            async def wrong(board: ClusterBoard) -> bool:
                tries = await board.begin_try("ana", 60, 5)
                if tries.may:
                    board.end_try("ana", Outcome.FAILED)
                else:
                    assert tries.counted == 5
                    assert 0 < tries.wait_seconds <= 60
                return tries.may

            assert sum(await asyncio.gather(*(wrong(nodes[number % 3]) for number in range(30)))) == 5

    asyncio.run(main())


@pytest.mark.usefixtures("patient")
def test_a_success_forgives_and_what_was_not_made_counts_no_more(running: OnEtcd | OnRedis):
    async def main() -> None:
        async with boards(running, 2) as (one, two):
            for outcome, then in ((Outcome.FAILED, 2), (Outcome.NOT_MADE, 2), (Outcome.SUCCEEDED, 1)):
                await one.begin_try("ana", 60, 5)
                one.end_try("ana", outcome)
                # In turn with what this node has done before, which the other one need not wait for.
                assert (await one.begin_try("ana", 60, 5)).counted == then
                one.end_try("ana", Outcome.NOT_MADE)
            assert (await two.begin_try("ana", 60, 5)).counted <= 2

    asyncio.run(main())


def test_a_leader_that_is_missed_is_replaced_once_and_its_transactions_stand_no_more(
    running: OnEtcd | OnRedis, tmp_path: Path
):
    class Told:
        def __init__(self, row: tuple[str | None, int]) -> None:
            self.leader = lambda: row

    async def main() -> None:
        # One file instead of each node's own: what orders the transactions is not asked here.
        database = await Database.open(tmp_path / "log.db")
        async with boards(running) as nodes:
            leads = [Leadership(database, board, missed_seconds=1.0) for board in nodes]
            leads[0].start()
            await leads[0].taken()
            row = (nodes[0].identity, 1)
            assert leads[0].stands(Told(row))
            for each in leads[1:]:
                each.start()
            await until(lambda: all(each.leader == nodes[0].identity for each in leads))
            await asyncio.sleep(1.5)  # nobody is missed
            assert [each.leader for each in leads] == [nodes[0].identity] * 3
            await nodes[0].close()
            await until(lambda: any(each.leads for each in leads[1:]))
            await until(lambda: not leads[0].leads and len({each.leader for each in leads}) == 1)
            new = next(each for each in leads if each.leads)
            assert new._row.term == 2
            assert not leads[0].stands(Told(new._row))
            assert not new.stands(Told(row))
            await asyncio.gather(*(each.close() for each in leads))
        await database.close()

    asyncio.run(main())
