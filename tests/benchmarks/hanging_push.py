"""What a push service that hangs costs those who publish and read.

    python -m tests.benchmarks.hanging_push [--events 400] [--rounds 3]

Of one service with phones, and in one run: from a POST until a stream has the event, the 99th percentile with nothing
on its way to a phone, and the same while eight phones' push service takes each request and does not answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.push.conftest import CONTACT
from tests.push.test_sending import ready, subscribe
from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.push_service import PushService
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

PHONES = 8
# More than wait for one phone: what is told meanwhile pushes others out.
ORDERS = 60


def latencies(server: LiveServer, stream: SseClient, events: int) -> tuple[float, float]:
    """The 99th percentiles of the answer and of the delivery, in ms, of events that no phone is told of."""
    publisher = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    event = json.dumps(stock_alert(1))
    answered, delivered = [], []
    for _ in range(events):
        began = time.perf_counter()
        publisher.request("POST", "/api/notificaciones/eventos", event, headers)
        event_id = json.loads(publisher.getresponse().read())["id"]
        answered.append(time.perf_counter() - began)
        while stream.next_event().data["id"] != event_id:
            pass
        delivered.append(time.perf_counter() - began)
    publisher.close()
    return tuple(1000 * statistics.quantiles(values, n=100)[98] for values in (answered, delivered))  # type: ignore[return-value]


def measure(folder: Path, events: int) -> tuple[tuple[float, float], tuple[float, float]]:
    folder.mkdir()
    with PushService(folder) as service:
        settings = {
            "PUSH": "webpush", "PUSH_CONTACT": CONTACT, "PUSH_HOSTS": service.host, "PUSH_WAIT_SECONDS": "0",
            "ACK_SECONDS": "0", "ACCESS_LOG": "false",
        }  # fmt: skip
        variables = {f"POS_NOTIF_{name}": value for name, value in settings.items()}
        server = LiveServer(folder / "log.db", {**variables, "SSL_CERT_FILE": service.authority}).start()
        let_go = threading.Event()
        try:
            server.create_user("Ana", "mesero")
            cookie = server.login("Ana")
            names = [f"phone{number}" for number in range(PHONES)]
            for name in names:
                subscribe(server, service.browser(name), cookie)
            with SseClient(server, "manager") as stream:
                stream.next_event("hola")
                latencies(server, stream, 100)  # what is made at first
                alone = latencies(server, stream, events)
                service.answers = {name: [lambda: (let_go.wait(), 201)[1]] * 1000 for name in names}
                for number in range(1, ORDERS + 1):
                    ready(server, number)
                eventually(lambda: set(names) <= set(service.requests))
                return alone, latencies(server, stream, events)
        finally:
            server.close()
            let_go.set()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=400)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rounds = [measure(Path(name) / str(number), chosen.events) for number in range(chosen.rounds)]
    for place, label in enumerate(("answer", "delivery")):
        alone, beside = ([each[part][place] for each in rounds] for part in (0, 1))
        ratio = statistics.median(beside) / statistics.median(alone)
        told = f"{statistics.median(alone):6.1f} ms alone, {statistics.median(beside):6.1f} beside it"
        print(f"{'p99 of the ' + label:24}{told}: {ratio:.2f}")


if __name__ == "__main__":
    main()
