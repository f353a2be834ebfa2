"""The pump: everybody who has caught up gets what is new, once, in order, in one write."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import pairwise

import pytest

from pos_notif.delivery.fanout import Chunk, Turns
from pos_notif.delivery.reader import Reader
from pos_notif.delivery.streams import Stream, Streams
from pos_notif.log.subscriptions import Followed
from pos_notif.principal import Principal
from pos_notif.web.sinks import SendSink
from tests.support.collecting_sink import CollectingSink
from tests.support.in_process import in_process
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db", heartbeat_seconds=0.0) as running:
        await running.create_tokens()
        yield running


@pytest.fixture
def streams(service) -> Streams:
    return service.app.extensions["pos_notif"].streams


def cooks(streams: Streams, token: Principal, cursor: str | None = None) -> Stream:
    return Stream(streams, Reader.of_role(streams.log, "cocinero"), token, [cursor] if cursor else [], None)


@pytest.fixture
async def opened(service, streams):
    """Opens streams that begin now, and closes them at the end."""
    tasks = []
    token = await service.accounts.find_token(service.tokens["cocinero"])

    async def open_stream(cursor=None, sink=None):
        sink = sink or CollectingSink()
        tasks.append(asyncio.create_task(cooks(streams, token, cursor).serve(sink)))
        await until(lambda: sink.chunks)
        return sink

    yield open_stream
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def ids(sink) -> list[int]:
    return [int(found) for found in re.findall(r"^id: \w+-(\d+)\nevent: evento_", sink.text, re.MULTILINE)]


async def order(service, number: int) -> int:
    return (await service.app.notifier.notificar_nuevo_pedido({"id": number}))["id"]


async def live(streams, count: int) -> None:
    await until(lambda: sum(len(pump._live) for pump in streams._pumps.values()) == count)


async def test_what_is_new_reaches_everybody_as_the_same_bytes(service, streams, opened):
    sinks = [await opened() for _ in range(3)]
    await live(streams, 3)
    await order(service, 1)
    await until(lambda: all(ids(sink) == [1] for sink in sinks))
    assert len({id(sink.chunks[-1]) for sink in sinks}) == 1


async def test_what_is_published_in_one_turn_leaves_as_one_write(service, streams, opened):
    sink = await opened()
    await live(streams, 1)
    written = len(sink.chunks)
    await asyncio.gather(*(order(service, number) for number in range(1, 6)))
    await until(lambda: len(ids(sink)) == 5)
    assert ids(sink) == [1, 2, 3, 4, 5]
    assert len(sink.chunks) - written < 5


@pytest.mark.one_process(reason="each worker commits what its own publishers send")
async def test_publishers_back_to_back_share_a_write_to_every_stream(server):
    """Four of them, each with its next event as soon as the last is answered: not two and two in turns, which would
    be twice the writes."""
    quiet = [SseClient(server, "cocinero") for _ in range(300)]  # a fan-out that takes its time
    watched = SseClient(server, "cocinero")
    body = json.dumps(stock_alert(1, "agotado")).encode()
    request = (
        f"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def publish(events: int, place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for number in range(events):
            if number % 10 == 0:
                await asyncio.sleep(place / 1000)  # out of step with the others
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 201 " in head
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
        writer.close()

    await asyncio.gather(*(publish(40, place) for place in range(4)))
    written = []
    while sum(written) < 160:
        written.append(watched.read_until(b"event: evento_alerta").count(b"event: evento_alerta"))
    for stream in (*quiet, watched):
        stream.close()
    assert sum(written) / len(written) > 2.6  # a publisher that comes too late for once takes part in the next


async def test_one_that_joins_while_others_are_owed_something_gets_nothing_twice(service, streams, opened):
    first = await opened()
    await live(streams, 1)
    for number in range(1, 30):
        await order(service, number)
        # It reads up to here from the log, and joins before or after the pump has written the newest.
        late = await opened(service.app.notifier.log.cursor(0))
        await until(lambda late=late, number=number: ids(late)[-1:] == [number])
        assert ids(late) == list(range(1, number + 1))
    await order(service, 30)
    await until(lambda: ids(first)[-1] == 30)
    assert ids(first) == list(range(1, 31))


async def test_a_slow_one_leaves_the_pump_catches_up_from_the_log_and_comes_back(service, streams, opened):
    sink, other = await opened(), await opened()
    await live(streams, 2)
    sink.slow = True
    await order(service, 1)
    await live(streams, 1)
    for number in range(2, 20):
        await order(service, number)
    assert ids(sink) == [1]  # nothing is queued for it
    await until(lambda: ids(other) == list(range(1, 20)))
    sink.slow = False
    sink.room.set()
    await live(streams, 2)
    await order(service, 20)
    await until(lambda: ids(sink)[-1] == 20)
    assert ids(sink) == ids(other) == list(range(1, 21))


async def test_more_at_once_than_memory_holds_is_read_from_the_log(tmp_path):
    async with in_process(tmp_path / "small.db", tail_events=10) as service:
        await service.create_tokens()
        streams = service.app.extensions["pos_notif"].streams
        token = await service.accounts.find_token(service.tokens["cocinero"])
        sink = CollectingSink()
        task = asyncio.create_task(cooks(streams, token).serve(sink))
        await live(streams, 1)
        events = [{"tipo": "nuevo_pedido", "pedido": {"id": number}} for number in range(1, 101)]
        await service.call("POST", "/api/notificaciones/eventos", {"eventos": events}, token=service.manager)
        await until(lambda: len(ids(sink)) == 100)
        assert ids(sink) == list(range(1, 101))
        await order(service, 101)
        await until(lambda: len(ids(sink)) == 101)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_client_that_has_gone_leaves_nothing_behind(service, streams, opened):
    sink = await opened()
    await live(streams, 1)
    sink.gone()
    await until(lambda: not streams.connections.open)
    assert all(not pump._live for pump in streams._pumps.values())
    assert service.app.notifier.directory.state(str)["total_conexiones"] == 0


async def test_heartbeats_go_to_all_in_portions_and_never_take_an_id_back(tmp_path, monkeypatch):
    monkeypatch.setattr("pos_notif.delivery.fanout.BEATS_A_TURN", 2)
    async with in_process(tmp_path / "beats.db", heartbeat_seconds=0.05) as service:
        await service.create_tokens()
        streams = service.app.extensions["pos_notif"].streams
        token = await service.accounts.find_token(service.tokens["cocinero"])
        sinks = [CollectingSink() for _ in range(7)]
        tasks = [asyncio.create_task(cooks(streams, token).serve(sink)) for sink in sinks]
        await live(streams, 7)
        for number in range(1, 30):
            await order(service, number)
            await asyncio.sleep(0.01)
        await until(lambda: all("event: latido" in sink.text for sink in sinks))
        for sink in sinks:
            seen = [int(found) for found in re.findall(r"^id: \w+-(\d+)$", sink.text, re.MULTILINE)]
            assert seen == sorted(seen)
            assert ids(sink) == list(range(1, 30))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_first_heartbeat_that_falls_due_during_a_replay_follows_it(tmp_path, monkeypatch):
    monkeypatch.setattr("pos_notif.delivery.streams.FIRST_BEAT_SECONDS", 0.0)
    async with in_process(tmp_path / "replay.db", heartbeat_seconds=3600.0) as service:
        await service.create_tokens()
        for number in range(1, 21):
            await order(service, number)
        streams = service.app.extensions["pos_notif"].streams
        token = await service.accounts.find_token(service.tokens["cocinero"])
        sink = CollectingSink()
        task = asyncio.create_task(cooks(streams, token, "inicio").serve(sink))
        await until(lambda: "event: latido" in sink.text)
        assert re.findall(r"^event: (\w+)", sink.text, re.MULTILINE) == ["hola"] + ["evento_pedido"] * 20 + ["latido"]
        assert re.findall(r"^id: \w+-(\d+)$", sink.text, re.MULTILINE)[-1] == "20"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_all_are_told_of_the_engine_beside_one_that_follows_orders_and_falls_behind(service, streams):
    """Each who follows orders has a pump of its own, which goes when it is handed back."""
    token = await service.accounts.find_token(service.tokens["mesero"])
    sinks = [CollectingSink() for _ in range(3)]
    followed = [Followed() for _ in sinks]
    for number, each in enumerate(followed, 1):
        each.add(number, 0)
    tasks = [
        asyncio.create_task(Stream(streams, Reader.of_role(streams.log, "mesero", each), token, [], None).serve(sink))
        for sink, each in zip(sinks, followed, strict=True)
    ]
    await live(streams, 3)
    sinks[0].slow = True
    streams.tell_away()
    assert ["event: latido" in sink.text for sink in sinks] == [True] * 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_chunk_is_framed_as_http_1_1_wants_it():
    assert Chunk(b"x" * 26).framed == b"1a\r\n" + b"x" * 26 + b"\r\n"


async def test_turns_let_a_few_through_at_a_time_first_come_first_served():
    turns, given = Turns(at_once=2), []

    async def take(number):
        await turns.take()
        given.append(number)

    tasks = [asyncio.create_task(take(number)) for number in range(7)]
    rounds = []
    while len(given) < 7:
        await asyncio.sleep(0)
        rounds.append(len(given))
    assert given == list(range(7))
    assert max(later - earlier for earlier, later in pairwise(rounds)) <= 2
    await asyncio.gather(*tasks)


async def test_a_turn_that_is_given_up_is_nobodys():
    turns = Turns(at_once=1)
    first, second = asyncio.create_task(turns.take()), asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(60):
        await second


async def test_a_send_that_has_to_wait_is_finished_by_the_streams_own_task():
    room, written = asyncio.Event(), []

    async def send(message):
        await room.wait()
        written.append(message["body"])

    async def receive():
        await asyncio.Event().wait()

    sink = SendSink(receive, send)
    assert not sink.push(Chunk(b"one"))
    assert written == []
    asyncio.get_running_loop().call_soon(room.set)
    await sink.flush()
    assert written == [b"one"]
    assert sink.push(Chunk(b"two"))
    assert written == [b"one", b"two"]
    sink.close()


async def test_a_send_that_fails_means_that_the_client_has_gone():
    async def send(message):
        raise ConnectionResetError

    async def receive():
        await asyncio.Event().wait()

    gone = []
    sink = SendSink(receive, send)
    sink.on_close(lambda: gone.append(True))
    assert not sink.push(Chunk(b"one"))
    assert gone == [True]
    sink.close()
