"""What the node that leads does for all, and what clocks that differ do to the log, in two nodes of one process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pos_notif.clock import system_clock
from pos_notif.upkeep import retention
from tests.cluster.checker import difference_problems
from tests.cluster.two_nodes import two_nodes
from tests.support.in_process import InProcess
from tests.support.live_server import run_cli
from tests.support.logs import opened, stock_alert
from tests.support.waiting import eventually
from tests.support.whole_logs import DAY_MS, STATES, order_events, publish_at

PUBLISH = "/api/notificaciones/eventos"


async def publish(node: InProcess, token: str, event: dict[str, Any], key: str) -> int:
    """As a till does: with its key until it is answered."""
    while True:
        answer = await node.call("POST", PUBLISH, event, token=token, headers={"Idempotency-Key": key})
        assert answer.status in (200, 201, 503), answer.json
        if answer.status != 503:
            return int(answer.json["id"])


def ids_of(file: Path) -> list[int]:
    with opened(file) as connection:
        return [event_id for (event_id,) in connection.execute("SELECT id FROM events ORDER BY id")]


async def test_the_node_that_leads_prunes_and_the_other_deletes_the_same_rows(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(retention, "LOOK_SECONDS", 0.1)
    now = system_clock()
    old = [*order_events(1), *order_events(2, STATES[:2])]
    await publish_at(tmp_path / "a.db", (now - 40 * DAY_MS, old), (now, order_events(3)))
    files = [tmp_path / "a.db", tmp_path / "b.db"]
    with caplog.at_level("INFO", logger="pos_notif"):
        async with two_nodes(tmp_path, 0, 0, keep_days=30) as (nodes, token):
            await asyncio.to_thread(eventually, lambda: all(ids_of(file)[0] == len(old) + 1 for file in files))
            newest = await publish(nodes[1], token, stock_alert(1), "after")
            await asyncio.to_thread(eventually, lambda: {newest} <= set(ids_of(files[0])))
            assert ids_of(files[0]) == ids_of(files[1]) == [*range(len(old) + 1, newest + 1)]
            assert await asyncio.to_thread(difference_problems, files) == []
    assert [line for line in caplog.messages if line.startswith("pruned ")] == [
        f"pruned {len(old)} events up to {len(old)}; 1 orders go on"
    ]
    for file in files:
        run_cli("verify", database=file)


@pytest.mark.parametrize("ahead", [0, 1])
async def test_an_events_time_does_not_fall_where_two_clocks_differ_by_seconds(tmp_path, ahead):
    offsets = (30_000, 0) if ahead == 0 else (0, 30_000)
    async with two_nodes(tmp_path, *offsets) as (nodes, token):
        written = [await publish(nodes[number % 2], token, stock_alert(1), f"e{number}") for number in range(6)]
        files = [tmp_path / "a.db", tmp_path / "b.db"]
        assert await asyncio.to_thread(difference_problems, files) == []
    with opened(files[0]) as connection:
        rows = connection.execute("SELECT id, ms FROM events ORDER BY id").fetchall()
    assert [event_id for event_id, _ in rows if event_id in written] == written
    times = [ms for _, ms in rows]
    assert times == sorted(times)


async def test_of_two_clocks_an_hour_apart_the_wrong_one_does_not_become_the_logs_time(tmp_path):
    """Nobody knows which it is. Were each event no earlier than the one before, all would be of that hour, and as late
    as each other, until it has passed."""
    async with two_nodes(tmp_path, 3_600_000, 0) as (nodes, token):
        wrong = await publish(nodes[0], token, stock_alert(1), "a")
        right = await publish(nodes[1], token, stock_alert(1), "b")
    with opened(tmp_path / "b.db") as connection:
        times = dict(connection.execute("SELECT id, ms FROM events"))
    assert wrong < right
    assert abs(times[right] - system_clock()) < 600_000 < times[wrong] - times[right]
