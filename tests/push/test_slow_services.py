"""Push services that hang, stall, or never end: what that costs nobody else, and what is not sent again."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler

import pytest

from pos_notif.clock import Clocks, SteadyMs
from pos_notif.push import sender
from pos_notif.push.devices import Device
from pos_notif.push.posting import Answer
from pos_notif.push.sender import MOST_WAITING, Delivery, Sender
from pos_notif.push.tables import Change
from pos_notif.push.telling import Message
from tests.push.test_sending import phone, ready, rung_in_process
from tests.support.in_process import HeldClock
from tests.support.live_server import LiveServer
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

# So that no request is given up before a busy machine is done with all that it must not hold up.
PATIENT = """
from pos_notif.push import posting
posting.TIMEOUT_SECONDS = 3600
from pos_notif.cli.main import main
main()
"""


@pytest.mark.one_process(reason="the patience with a push service is one process's own")
def test_while_a_push_service_hangs_others_publish_read_and_are_rung(make_ringing, service, tmp_path):
    server = make_ringing()
    ana, _ = phone(server, service, "Ana")
    phone(server, service, "Luis")
    server.stop()
    patient = LiveServer(server.database, server.settings, server.port, command=[sys.executable, "-c", PATIENT])
    service.holding["Luis"] = threading.Event()
    patient.start()
    try:
        with SseClient(patient, "mesero", cookie=ana) as stream:
            stream.next_event("hola")
            ready(patient, 1)
            eventually(lambda: service.requests.count("Luis") == 1)  # it hangs from here on
            events = [ready(patient, number, mesero="Ana") for number in range(2, 52)]
            told: list[int] = []
            while told[-1:] != events[-1:]:
                event = stream.next_event("evento_pedido").data
                told += [event["id"]] if event["tipo"] == "pedido_listo" else []
            eventually(lambda: len(service.of("Ana")) == 51)
            # All of that while the first request hangs.
            assert (service.requests.count("Luis"), service.given_up, service.of("Luis")) == (1, [], [])
            assert told[-50:] == events
            service.holding["Luis"].set()
            eventually(lambda: service.of("Luis"))
    finally:
        service.holding["Luis"].set()
        patient.close()


async def test_what_a_push_service_has_taken_is_not_sent_again_though_its_answer_stalls(tmp_path, service, monkeypatch):
    """The head says that ten bytes follow, which never come."""
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    service.body = lambda request: None
    async with rung_in_process(tmp_path / "log.db", service) as ringing:
        counts = ringing.app.notifier.log.counts.push
        await asyncio.to_thread(eventually, lambda: counts["webpush sent"] == 1)
        assert service.requests == ["Ana"]
        # Nor is the next one held up.
        await ringing.app.notifier.notificar_pedido_listo(1, ["Flan"])
        await asyncio.to_thread(eventually, lambda: counts["webpush sent"] == 2)
    assert service.requests == ["Ana"] * 2


@pytest.mark.parametrize(("part", "pause"), [(b"x" * 4096, 0.0), (b"x", 0.02)], ids=["fast", "slow"])
async def test_an_answer_without_an_end_is_left(tmp_path, service, monkeypatch, part, pause):
    monkeypatch.setenv("SSL_CERT_FILE", service.authority)
    service.body_length = 10**12
    left = threading.Event()

    def write(request: BaseHTTPRequestHandler) -> None:
        try:
            while not left.wait(pause):
                request.wfile.write(part)
        except OSError:
            left.set()

    service.body = write
    async with rung_in_process(tmp_path / "log.db", service) as ringing:
        counts = ringing.app.notifier.log.counts.push
        await asyncio.to_thread(eventually, lambda: counts["webpush sent"] == 1)
        await asyncio.to_thread(eventually, left.is_set)  # the connection is closed
        assert service.requests == ["Ana"]


class Shelf:
    """What is stored of one phone, in memory: what has come of its messages, in order."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    async def current(self, device: Device) -> Device | None:
        return device

    async def save(self, change: Change) -> None:
        self.changes.append(change)


PHONE = Device("webpush", 1, 1, "mesero", 0, 0, "https://localhost/wpush/Ana")


def told_of(event_id: int) -> Message:
    return Message(event_id, f"x-{event_id}", f"Mesa {event_id}: listo", "", f"pedido-{event_id}", 600)


async def test_the_waits_double_up_to_a_minute_until_nobody_needs_the_message(monkeypatch):
    clock, waits = HeldClock(), []
    really = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds)
        await really(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    ends: list[int] = []

    async def post(device: Device, message: Message, ttl_seconds: int) -> Answer:
        ends.append(ttl_seconds)
        return Answer(503)

    clocks, counts, shelf, finished = Clocks(clock, clock.ticks), Counter[str](), Shelf(), asyncio.Event()
    sending = Sender(clocks, post, shelf, counts)
    message = told_of(7)
    until = SteadyMs(clocks.steady() + message.ttl_seconds * 1000)
    sending.put(Delivery(PHONE, message, until, finished.set))
    await finished.wait()
    await sending.close()
    assert message.ttl_seconds == 600
    for wait, least in zip(waits[:-1], [1, 2, 4, 8, 16, 32] + [60] * 20, strict=False):
        assert least <= wait <= least * (1 + sender.SPREAD)
    assert 600 <= sum(waits) < 601  # the last one is as long as there is time
    assert ends[0] == 600
    assert ends[-1] < 75
    assert dict(counts) == {"webpush late": 1}
    assert [change.error for change in shelf.changes] == [
        "Llegó tarde y no se envió: el servicio de avisos respondió 503."
    ]


async def test_of_more_than_fifty_that_wait_for_a_phone_the_oldest_are_dropped():
    clocks, counts, shelf = Clocks(HeldClock()), Counter[str](), Shelf()
    let_go, taken, finished = asyncio.Event(), list[int | None](), list[int]()

    async def post(device: Device, message: Message, ttl_seconds: int) -> Answer:
        taken.append(message.event_id)
        await let_go.wait()
        return Answer(201)

    sending = Sender(clocks, post, shelf, counts)

    def put(event_id: int) -> None:
        until = SteadyMs(clocks.steady() + 600_000)
        sending.put(Delivery(PHONE, told_of(event_id), until, lambda: finished.append(event_id)))

    put(1)
    while not taken:
        await asyncio.sleep(0)
    for event_id in range(2, MOST_WAITING + 5):  # 53 wait behind it
        put(event_id)
    assert sending.queued == MOST_WAITING + 1
    assert finished == [2, 3, 4]  # nothing waits for them any more
    let_go.set()
    while sending.queued:
        await asyncio.sleep(0)
    assert taken == [1, *range(5, MOST_WAITING + 5)]
    assert dict(counts) == {"webpush crowded": 3, "webpush sent": MOST_WAITING + 1}
    assert sorted(finished) == list(range(1, MOST_WAITING + 5))
