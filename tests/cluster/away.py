"""A node whose machine is off for an hour, while its restaurant goes on: what its screens have when it is back."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cluster.checker import difference_problems
from tests.cluster.nodes import Cluster, Node, engine
from tests.cluster.workload import id_of
from tests.soak.check import Outcome, read_log
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually


class Till:
    """Publishes so many alerts a second at one node, from now until `end`, which raises what stopped it before."""

    def __init__(self, node: Node, rate: float) -> None:
        self.answered: list[int] = []
        self._node = node
        self._rate = rate
        self._stop = threading.Event()
        self._publishing = ThreadPoolExecutor(1).submit(self._run)

    def end(self) -> None:
        self._stop.set()
        self._publishing.result()

    def _run(self) -> None:
        while not self._stop.wait(1 / self._rate):
            self.answered.append(self._node.publish(stock_alert(len(self.answered) + 1, "agotado"))["id"])


def node_away(directory: Path, kind: str, seconds: float, rate: float = 2.0) -> Outcome:
    """Kills one of three nodes, has `rate` events a second published at each of the other two, and starts it again
    after so many seconds, while they go on."""
    directory.mkdir(exist_ok=True)
    with engine(kind, directory) as under_test, Cluster(directory, under_test) as cluster:
        *others, away = cluster.nodes
        cursor = away.publish(stock_alert(1, "agotado"))["cursor"]
        cluster.wait_until_level()
        away.kill()
        tills = [Till(node, rate) for node in others]
        try:
            threading.Event().wait(seconds)
            owed = len(read_log(others[0].database)) - len(read_log(away.database))
            began = time.monotonic()
            away.start()
            serving = time.monotonic() - began
            with SseClient(away, "manager", last_event_id=cursor) as screen:
                read = [frame.data["id"] for frame in screen.take(owed)]
                level = time.monotonic() - began
                eventually(away.is_open)
                for till in tills:
                    till.end()
                cluster.wait_until_level()
                ids = [event["id"] for event in read_log(away.database)]
                after = ids.index(id_of(cursor)) + 1
                read += [frame.data["id"] for frame in screen.take(len(ids) - after - len(read))]
        finally:
            for till in tills:
                till.end()
        outcome = Outcome(problems=difference_problems([node.database for node in cluster.nodes]))
        if read != ids[after:]:
            outcome.problems.append(f"its screen read {len(read)} events, of {len(ids) - after}, or in another order")
        answered = [event_id for till in tills for event_id in till.answered]
        if lost := sorted(set(answered) - set(ids)):
            outcome.problems.append(f"{lost[:5]} were answered and are not in its log ({len(lost)})")
        outcome.figures = [
            ("node away", f"{kind}, {seconds / 60:.1f} minutes, {owed} events"),
            ("seconds until it serves", f"{serving:.1f}"),
            ("seconds until its screen had read what it was owed", f"{level:.1f}"),
            ("events read there, each once and in order", str(len(read))),
        ]
        return outcome
