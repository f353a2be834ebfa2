"""A push service that answers 500 for an hour, or 410 to phones that subscribe again each time, beside a service that
rings no phones: what it costs those who publish and read, what becomes of the messages, and whether anything grows
meanwhile."""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.push.conftest import CONTACT
from tests.push.test_sending import counted, queued, ready, subscribe
from tests.soak.check import Outcome, assert_log_is_sound
from tests.support.live_server import LiveServer
from tests.support.logs import opened, stock_alert
from tests.support.push_service import PushService
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

PHONES = 8
WINDOWS = 12  # the figures are the medians of so many parts: a pause of the machine is in one of them
ORDER_SECONDS = 20.0
TICK_SECONDS = 0.25
# Of what a message lives (telling.py), after which as many are given up as are told.
_TTL_SECONDS = 600
# Beyond what the service without phones takes more: what lines and connections once are.
_MORE_MEMORY_KB = 8 * 1024
_MOST_RATIO, _MOST_MORE_MS = 1.5, 5.0
_TABLES = ("push_subscriptions", "push_seen", "push_cursor", "push_keys", "ntfy_topics")


@dataclass
class _Side:
    """One of the two services, and how long its events took, in ms: (answered, delivered), by window."""

    server: LiveServer
    stream: SseClient
    publisher: http.client.HTTPConnection
    taken: list[list[tuple[float, float]]] = field(default_factory=lambda: [[] for _ in range(WINDOWS)])
    memory_kb: list[int] = field(default_factory=list)

    def publish(self) -> tuple[float, float]:
        """An event that no phone is told of."""
        headers = {"Authorization": f"Bearer {self.server.token}", "Content-Type": "application/json"}
        began = time.perf_counter()
        self.publisher.request("POST", "/api/notificaciones/eventos", json.dumps(stock_alert(1)), headers)
        event_id = json.loads(self.publisher.getresponse().read())["id"]
        answered = time.perf_counter()
        while self.stream.next_event().data["id"] != event_id:
            pass
        return 1000 * (answered - began), 1000 * (time.perf_counter() - began)

    def p99(self, part: int) -> float:
        windows = [[each[part] for each in window] for window in self.taken if len(window) > 1]
        return statistics.median(statistics.quantiles(values, n=100)[98] for values in windows)


def push_down(directory: Path, seconds: float, is_measured: bool = True, status: int = 500) -> Outcome:
    """Has the push service of PHONES phones answer 500 for so long, or 410, whereupon they subscribe again. Of less
    than some minutes nothing is measured that says anything."""
    directory.mkdir(parents=True)
    with PushService(directory) as service:
        ringing = {
            "POS_NOTIF_PUSH": "webpush", "POS_NOTIF_PUSH_CONTACT": CONTACT, "POS_NOTIF_PUSH_HOSTS": service.host,
            "POS_NOTIF_PUSH_WAIT_SECONDS": "0", "SSL_CERT_FILE": service.authority,
        }  # fmt: skip
        servers = [_start(directory / f"{name}.db", more) for name, more in (("phones", ringing), ("none", {}))]
        try:
            return _compare(servers, service, seconds, is_measured, status)
        finally:
            for server in servers:
                server.close()


def _start(database: Path, more: dict[str, str]) -> LiveServer:
    settings = {"ACK_SECONDS": "0", "ACCESS_LOG": "false", "STREAM_SECONDS": "0"}
    return LiveServer(database, {**{f"POS_NOTIF_{name}": value for name, value in settings.items()}, **more}).start()


@dataclass
class _Phones:
    """What the push service answers is `status` until it is `back`."""

    server: LiveServer
    service: PushService
    status: int
    cookie: str = ""
    back: bool = False

    def begin(self) -> None:
        self.server.create_user("Ana", "mesero")
        self.cookie = self.server.login("Ana")
        for number in range(PHONES):
            self.service.browser(f"phone{number}")
        self.subscribe()
        self.service.answers = {name: _Answers(self) for name in self.service.browsers}  # type: ignore[dict-item]

    def subscribe(self) -> None:
        for browser in self.service.browsers.values():
            subscribe(self.server, browser, self.cookie)

    def after(self, orders: int) -> None:
        """Subscribes those again that are gone, as the pages of phones do, once all have heard of so many orders."""
        if self.status == 410:
            eventually(lambda: self.count("gone") == orders * PHONES)
            self.subscribe()

    def count(self, result: str) -> float:
        return counted(self.server, result)


def _compare(
    servers: list[LiveServer], service: PushService, seconds: float, is_measured: bool, status: int
) -> Outcome:
    phones, outcome = _Phones(servers[0], service, status), Outcome()
    phones.begin()
    sides = [
        _Side(server, SseClient(server, "manager"), http.client.HTTPConnection("127.0.0.1", server.port, timeout=60))
        for server in servers
    ]
    for side in sides:
        side.stream.next_event("hola")
        for _ in range(100):  # what is made at first
            side.publish()
    orders, most_queued = _load(sides, phones, seconds)
    most_queued = max(most_queued, queued(phones.server))
    late, crowded = phones.count("late"), phones.count("crowded")
    rows = _rows(phones.server.database)
    phones.back = True
    # As long as the longest pause between two tries, and more on a busy machine.
    eventually(lambda: queued(phones.server) == 0, seconds=180)
    ended = {result: phones.count(result) for result in ("sent", "late", "crowded", "gone")}
    ready(phones.server, orders + 1)
    eventually(lambda: phones.count("sent") == ended["sent"] + PHONES, seconds=60)
    for side in sides:
        side.stream.close()
        side.publisher.close()
        side.server.stop()
        assert_log_is_sound(side.server.database)
    problems = outcome.problems
    if sum(ended.values()) != orders * PHONES:
        problems.append(f"of {orders * PHONES} messages {ended}")
    if crowded or len({message["evento_id"] for message in service.received}) * PHONES != len(service.received):
        problems.append("a message was pushed out, or sent to a phone twice")
    if seconds > 2 * _TTL_SECONDS and bool(late) == (status == 410):
        problems.append(f"{late:.0f} were dropped as late")
    if most_queued > PHONES * (_TTL_SECONDS / ORDER_SECONDS + 2):
        problems.append(f"{most_queued:.0f} messages waited: more than are told in the time for which one is good")
    if rows != {"push_subscriptions": PHONES, "push_seen": 0, "push_cursor": 1, "push_keys": 1, "ntfy_topics": 0}:
        problems.append(f"rows of phones' tables: {rows}")
    problems += service.faults[:3]
    outcome.figures += [
        (f"push service answers {status}", f"{seconds / 60:.1f} minutes, {len(service.requests):,} requests"),
        ("events a service", f"{sum(map(len, sides[0].taken)):,}, {orders} ready orders for {PHONES} phones"),
        ("messages", _fate(late, ended)),
        ("most that waited", f"{most_queued:.0f}"),
    ]
    _measure(sides, outcome, is_measured)
    return outcome


def _fate(late: float, ended: dict[str, float]) -> str:
    waited = ended["late"] - late + ended["sent"]
    gone = f", {ended['gone']:.0f} to who was gone" if ended["gone"] else ""
    return f"{late:.0f} dropped as late, {waited:.0f} waited, of which {ended['sent']:.0f} were sent{gone}"


def _measure(sides: list[_Side], outcome: Outcome, is_measured: bool) -> None:
    # Half of the time is what fills lines and caches.
    grown = [side.memory_kb[-1] - side.memory_kb[len(side.memory_kb) // 2] for side in sides]
    if is_measured and grown[0] > grown[1] + _MORE_MEMORY_KB:
        outcome.problems.append(f"memory grew by {grown[0]} kB in the second half, by {grown[1]} without phones")
    for part, label in enumerate(("answer", "delivery")):
        here, beside = sides[0].p99(part), sides[1].p99(part)
        outcome.figures.append((f"p99 of the {label}", f"{here:.1f} ms, {beside:.1f} without phones"))
        if is_measured and here > beside * _MOST_RATIO + _MOST_MORE_MS:
            outcome.problems.append(f"the {label}s took longer")
    outcome.figures += [
        ("memory, kB", " / ".join(f"{side.memory_kb[0]} to {side.memory_kb[-1]}" for side in sides)),
        ("in the second half", " / ".join(f"{kb:+}" for kb in grown)),
    ]


class _Answers:
    """In the place of a list of answers."""

    def __init__(self, phones: _Phones) -> None:
        self._phones = phones

    def __bool__(self) -> bool:
        return True

    def pop(self, _: int) -> int:
        return 201 if self._phones.back else self._phones.status


def _load(sides: list[_Side], phones: _Phones, seconds: float) -> tuple[int, float]:
    """Publishes at both by turns. Returns how many orders were ready at each, and how many messages waited at most."""
    began = time.monotonic()
    orders, most = 0, 0.0
    for tick in itertools.count():
        passed = time.monotonic() - began
        if passed >= seconds:
            phones.after(orders)
            return orders, most
        if passed >= orders * ORDER_SECONDS:
            phones.after(orders)
            orders += 1
            for side in sides:
                ready(side.server, orders)
                side.memory_kb.append(side.server.memory_kb())
            most = max(most, queued(phones.server))
        window = int(passed / seconds * WINDOWS)
        for side in sides[:: 1 if tick % 2 else -1]:
            side.taken[window].append(side.publish())
        time.sleep(max(0.0, began + (tick + 1) * TICK_SECONDS - time.monotonic()))


def _rows(database: Path) -> dict[str, int]:
    with opened(database) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _TABLES}
