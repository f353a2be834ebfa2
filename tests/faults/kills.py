"""kill -9 of the server at random points, while it is published to and read from."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests.soak.check import Outcome, assert_log_is_sound, read_log
from tests.soak.tablets import POLLING, SOCKET, SSE, Tablet
from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.waiting import eventually

PUBLISHERS = 8
UNDER_LOAD_PUBLICATIONS = (20, 400)
READERS = (("Marta", "cocinero", SSE), ("Elena", "mesero", POLLING), ("Rosa", "cajero", SOCKET))


class Publishing:
    """Threads that publish, each an event after the other, and send one again until it is answered. `answers`: the id
    of each key."""

    def __init__(self, server: LiveServer) -> None:
        self.answers: dict[str, int] = {}
        self.wrong: list[str] = []
        self._server = server
        self._token = server.token
        self._stop = threading.Event()
        # Where a round fails while there is no server, they would go on for ever.
        self._threads = [
            threading.Thread(target=self._publish, args=(part,), daemon=True) for part in range(PUBLISHERS)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """What was begun is published first."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _publish(self, part: int) -> None:
        for number in count(part + 1, PUBLISHERS):
            event: dict[str, Any] = stock_alert(number, "agotado")
            if number % 5 == 0:
                event = {"tipo": "nuevo_pedido", "pedido": {"id": number}}
            key = f"key-{number}"
            while key not in self.answers:
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    self._send_until_cut(key, event)
                if key not in self.answers and not self.wrong:
                    time.sleep(0.05)  # there is no server
            if self._stop.is_set():
                return

    def _send_until_cut(self, key: str, event: dict[str, Any]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=10)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            headers["Idempotency-Key"] = key
            connection.request("POST", "/api/notificaciones/eventos", json.dumps(event), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status not in (200, 201):
                self.wrong.append(f"{key}: {response.status} {answer}")
            self.answers[key] = answer.get("id", 0)


def kill_rounds(database: Path, rounds: int, seed: int, workers: int | None = None) -> Outcome:
    """After each kill: the log is sound, and what was answered is in it, once, by the id that was told. At the end,
    each reader has had each of its events once and in order, by its cursor. Of several workers one is killed, or the
    parent, or all of them at once; there are as many as in every service of this run, unless it is told."""
    workers = workers or int(os.environ.get("POS_NOTIF_TEST_WORKERS", "1"))
    rng, outcome = Random(seed), Outcome()
    settings = {"POS_NOTIF_MAX_BACKLOG": "0", "POS_NOTIF_ACCESS_LOG": "false", "POS_NOTIF_WORKERS": str(workers)}
    server = LiveServer(database, settings).start()
    tablets = []
    for number, (name, role, transport) in enumerate(READERS):
        server.create_user(name, role)
        tablets.append(Tablet(server, f"{role}-{transport}", (name, role, "1234"), transport, seed + number))
    with contextlib.ExitStack() as ends:
        ends.callback(server.close)
        for tablet in tablets:
            tablet.start()
            ends.callback(tablet.end)
        publishing = Publishing(server)
        ends.callback(publishing.end)
        sizes, back = [], []
        for _ in range(rounds):
            enough = len(publishing.answers) + rng.randint(*UNDER_LOAD_PUBLICATIONS)  # the random point
            eventually(lambda enough=enough: publishing.wrong or len(publishing.answers) >= enough)
            if workers > 1 and _kill_workers(server, rng):
                continue  # it goes on, and what it writes now is looked at when it is still
            server.kill()
            answered = dict(publishing.answers)
            sizes.append(_check(database, answered, outcome))
            started = time.monotonic()
            server.start()
            back.append(time.monotonic() - started)
        publishing.end()
        missing: list[str] = []

        def have_all() -> bool:
            events = read_log(database)  # an alarm may come at any time
            missing[:] = [problem for tablet in tablets for problem in tablet.reading_problems(events)]
            return not missing and _have_all(tablets, events)

        with contextlib.suppress(AssertionError):
            eventually(have_all, 300)
        outcome.problems += publishing.wrong + missing
        # One that was not done within its time goes on.
        _check(database, dict(publishing.answers), outcome)
    telling = ("Traceback", "is not available") if publishing.wrong else ("Traceback",)  # why it refused, too
    logged = [line for line in server.stderr_lines if any(word in line for word in telling)]
    outcome.problems += [f"the server logged: {line}" for line in logged]
    outcome.figures = [
        ("kills", str(rounds)),
        ("events", str(len(read_log(database)))),
        ("publications answered", str(len(publishing.answers))),
        ("events delivered, each once and in order", str(sum(len(tablet.handled) for tablet in tablets))),
        ("connections made by readers", str(sum(tablet.connections for tablet in tablets))),
        ("seconds until served again", f"{min(back):.1f} … {max(back):.1f}" if back else "always"),
        ("events in the log at a kill", f"{sizes[0]} … {sizes[-1]}" if sizes else "–"),
    ]
    return outcome


def _kill_workers(server: LiveServer, rng: Random) -> bool:
    """Tells whether the service goes on by itself: it was one worker that was killed, and neither the parent nor, which
    comes next, all of them."""
    assert server.process is not None
    parent = server.process.pid
    workers = list(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))
    whom = rng.choice(("worker", "worker", "parent", "all"))
    for worker in {"worker": [rng.choice(workers)] if workers else [], "parent": [], "all": workers}[whom]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    return whom == "worker"


def _have_all(tablets: list[Tablet], events: list[dict[str, Any]]) -> bool:
    return all(tablet.fault or (tablet.is_done and tablet.handled == tablet.due(events)) for tablet in tablets)


def _check(database: Path, answered: dict[str, int], outcome: Outcome) -> int:
    """How many events there are."""
    events = read_log(database)
    keys = [event["operacion_id"] for event in events if "operacion_id" in event]
    ids = {event["operacion_id"]: event["id"] for event in events if "operacion_id" in event}
    lost = [key for key, event_id in answered.items() if ids.get(key) != event_id]
    outcome.problems += [f"answered, and not in the log by that id: {lost[:5]} ({len(lost)})"] if lost else []
    outcome.problems += [f"{len(keys) - len(ids)} events are there twice"] if len(keys) > len(ids) else []
    assert_log_is_sound(database)
    return len(events)
