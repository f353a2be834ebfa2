"""An hour of a restaurant in ten minutes: the demo's people act, tablets read by every transport, connections are cut
at random, the kitchen loses its power once, and the server is killed three times."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from pos_notif.demo.client import Client
from pos_notif.demo.guests import Guests
from pos_notif.demo.own_database import prepare
from pos_notif.demo.people import PEOPLE, Deed, Json
from pos_notif.demo.restaurant import Restaurant
from pos_notif.demo.staff import Staff
from tests.browser.network import Network
from tests.soak.check import Outcome, assert_log_is_sound, moment, read_log, receipt_alarm_problems
from tests.soak.tablets import POLLING, SOCKET, SSE, Tablet, core, shown
from tests.support.live_server import LiveServer
from tests.support.waiting import eventually

# Fractions of the run.
KILLS = ((0.08, 0.20), (0.28, 0.42), (0.70, 0.76))
POWER_CUT = 0.45
CUT_SECONDS = (0.3, 3.0)  # between two cuts of a tablet's or a person's connection
# Memory of the newest events is full soon, so that what grows after it is a leak; and replays need the disk too.
TAIL_EVENTS = 300
# A life's first part is for the allocator.
WARM_UP = 0.4
MEMORY_GROWTH_KB = 10_000


class PeoplesClient(Client):
    """Remembers the newest version of each order with which somebody was answered."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.answered: dict[int, int] = {}
        self.deeds = 0

    def do(self, deed: Deed) -> Json | None:
        order = super().do(deed)
        self.deeds += 1
        if order is not None:
            self.answered[order["id"]] = max(order["version"], self.answered.get(order["id"], 0))
        return order


class Soak:
    def __init__(self, directory: Path, seconds: float, pace: float, seed: int, say: Callable[[str], None]) -> None:
        self._rng = Random(seed)
        self._seconds = seconds
        self._say = say
        self._ack_seconds = min(10.0, max(3.0, seconds / 15))
        self._screen_seconds = min(30.0, max(4.0, seconds / 15))
        self._database = directory / "log.db"
        settings = {
            "ACK_SECONDS": self._ack_seconds,
            "SCREEN_SECONDS": self._screen_seconds,
            "TAIL_EVENTS": TAIL_EVENTS,
            "ACCESS_LOG": "false",
        }
        self._server = LiveServer(self._database, {f"POS_NOTIF_{name}": str(value) for name, value in settings.items()})
        self._stop = threading.Event()
        self._lives: list[list[int]] = []
        self._down: list[float] = []
        self._cuts = 0
        token = asyncio.run(prepare(self._database))
        self._server.start()
        self._network = Network(self._server.port)
        self._client = PeoplesClient(self._network.url, token, self._stop)
        self._people = Restaurant(self._client, [Guests(seed), Staff(Random(f"{seed}:staff"))], pace)
        self._people_fault: Exception | None = None
        self._tablets = self._make_tablets(seed)

    def _make_tablets(self, seed: int) -> list[Tablet]:
        users: dict[str, list[Any]] = {}
        for person in PEOPLE:
            users.setdefault(person.role, []).append((person.username, person.role, person.pin))
        wanted = [
            *[("cocinero", SSE)] * 3, ("cocinero", SOCKET),
            *[("mesero", POLLING)] * 5, *[("mesero", SSE)] * 3, *[("mesero", SOCKET)] * 2,
            ("cajero", SSE), ("cajero", SOCKET),
            ("manager", SSE),
        ]  # fmt: skip
        return [
            Tablet(self._server, f"{role}-{number}", users[role][number % len(users[role])], transport, seed + number)
            for number, (role, transport) in enumerate(wanted)
        ]

    def run(self) -> Outcome:
        for tablet in self._tablets:
            tablet.start()
        threads = [threading.Thread(target=work, daemon=True) for work in (self._work, self._cut_at_random)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            self._direct(started)
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)
        try:
            self._drain()
            return self._judge()
        finally:
            for tablet in self._tablets:
                tablet.end()
            self._network.__exit__()
            self._server.close()

    def _work(self) -> None:
        try:
            self._people.run(self._stop)
        except Exception as error:  # noqa: BLE001 - told at the end
            self._people_fault = error

    def _cut_at_random(self) -> None:
        while not self._stop.wait(self._rng.uniform(*CUT_SECONDS)):
            self._cuts += 1
            if self._rng.random() < 0.2:
                self._network.cut()
            else:
                self._rng.choice(self._tablets).cut()

    def _direct(self, started: float) -> None:
        """Kills and the power cut, in their time; between them, the server's memory."""
        plan = [(self._seconds * self._rng.uniform(*when), self._kill) for when in KILLS]
        plan += [(self._seconds * POWER_CUT, self._cut_power), (self._seconds, lambda: None)]
        self._lives.append([])
        for at, act in sorted(plan, key=lambda item: item[0]):
            self._wait_until(started + at)
            act()

    def _wait_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            self._lives[-1].append(self._server.memory_kb())

    def _kill(self) -> None:
        began = time.monotonic()
        self._server.kill()
        self._server.start()
        self._down.append(time.monotonic() - began)
        self._lives.append([])
        self._say(f"killed, back after {self._down[-1]:.1f} s")

    def _cut_power(self) -> None:
        """For long enough, also where a kill before it took its time."""
        self._say("the kitchen has no power")
        self._power(False)
        self._wait_until(time.monotonic() + self._screen_seconds * 1.2 + 3)
        self._power(True)
        self._say("the kitchen has power again")

    def _power(self, on: bool) -> None:
        for tablet in self._tablets:
            if tablet.role == "cocinero":
                tablet.power(on)

    def _drain(self) -> None:
        """Until everybody has everything, and nothing more is said."""

        def all_is_quiet() -> bool:
            events = read_log(self._database)
            return all(
                tablet.fault or (tablet.is_done and tablet.handled == tablet.due(events)) for tablet in self._tablets
            )

        try:
            eventually(all_is_quiet, 30)
        except AssertionError:
            self._say("not everybody has everything")  # what is missing, the judgement says

    # What came of it

    def _judge(self) -> Outcome:
        events = read_log(self._database)
        outcome = Outcome()
        problems = outcome.problems
        problems += [f"the people: {self._people_fault!r}"] if self._people_fault else []
        problems += [f"the server logged: {line}" for line in self._server.stderr_lines if "Traceback" in line]
        for tablet in self._tablets:
            problems += self._tablet_problems(tablet, events)
        try:
            assert_log_is_sound(self._database)
        except AssertionError as error:
            problems.append(f"the log: {error}")
        versions = Counter(event["pedido_id"] for event in events if "version" in event)
        problems += [
            f"order {order_id} was answered in version {version}, and is in {versions[order_id]}"
            for order_id, version in self._client.answered.items()
            if versions[order_id] < version
        ]
        problems += receipt_alarm_problems(events, self._ack_seconds, slack=3 + max(self._down, default=0.0))
        problems += self._screen_alarm_problems(events)
        problems += self._memory_problems()
        self._tell(events, outcome)
        return outcome

    def _tablet_problems(self, tablet: Tablet, events: list[Json]) -> list[str]:
        problems = tablet.reading_problems(events)
        view = {order["id"]: order for order in tablet.view()["pedidos"]}
        for order_id, order in view.items():
            own = tablet.orders.get(order_id)
            if own is None or core(own) != core(order):
                problems.append(f"{tablet.name}: order {order_id} is {core(order)}, shown {own and core(own)}")
        gone = set(shown(tablet.orders.copy(), tablet.room)) - view.keys()
        return problems + ([f"{tablet.name} shows orders that are gone: {sorted(gone)}"] if gone else [])

    def _screen_alarm_problems(self, events: list[Json]) -> list[str]:
        told = [(event["tipo"], event["rol"]) for event in events if "pantalla" in event["tipo"]]
        due = [("sin_pantalla", "cocinero"), ("pantalla_recuperada", "cocinero")]
        return [] if told == due else [f"alarms of screens: {told}, due: {due}"]

    def _settled(self) -> list[tuple[int, int]]:
        """Of each life that was long enough: what the server held after its warm-up and at its end, in KB."""
        found = []
        for life in self._lives:
            rest = life[int(len(life) * WARM_UP) :]
            if len(rest) >= 5:
                found.append((int(statistics.median(rest[:5])), int(statistics.median(rest[-5:]))))
        return found

    def _memory_problems(self) -> list[str]:
        return [
            f"the server's memory grew from {first} to {last} KB"
            for first, last in self._settled()
            if last - first > MEMORY_GROWTH_KB
        ]

    def _tell(self, events: list[Json], outcome: Outcome) -> None:
        kinds = Counter(event["tipo"] for event in events)
        delivered = sum(len(tablet.handled) for tablet in self._tablets)
        receipts = sorted(
            event["segundos"] for event in events if event["tipo"] == "acuse_recibo"
        )  # fmt: skip
        span = moment(events[-1]) - moment(events[0]) if events else 0.0
        memory = ", ".join(f"{first / 1024:.1f} → {last / 1024:.1f}" for first, last in self._settled())
        outcome.figures += [
            ("seconds", f"{span:.0f}"),
            ("people's requests answered", str(self._client.deeds)),
            ("orders", str(len({event["pedido_id"] for event in events if "pedido_id" in event}))),
            ("events", f"{len(events)}: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))),
            ("tablets", str(len(self._tablets))),
            ("events delivered, each once and in order", str(delivered)),
            ("connections cut", str(self._cuts)),
            ("connections made", str(sum(tablet.connections for tablet in self._tablets))),
            ("kills, seconds until served again", ", ".join(f"{seconds:.1f}" for seconds in self._down)),
            ("longest wait for a receipt, s", str(receipts[-1] if receipts else "none")),
            ("server's memory after warm-up → end, MB, each life", memory or "too short a run"),
        ]
