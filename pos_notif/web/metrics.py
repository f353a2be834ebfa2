"""`/metrics`: what is counted anyway and what is there anyway, put into Prometheus' words when it is asked for.

Nothing here is called by a publication or a delivery: those add to plain numbers (`counts.py`), and everything that
can be looked up is looked up at the scrape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ..counts import Histogram
from ..delivery.connections import Connections
from ..delivery.presence import Directory
from ..errors import LogUnavailable
from ..log.live import LiveLog

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics(Collector):
    """The metrics of one service, in a registry of its own."""

    def __init__(self, log: LiveLog, directory: Directory, connections: Connections, version: str) -> None:
        self._live = log
        self._directory = directory
        self._connections = connections
        self._version = version
        self._unacknowledged: int | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    async def exposition(self) -> bytes:
        """Returns the metrics in the text format of Prometheus. What the database cannot say now is left out."""
        log = self._live
        view_ms = log.limits.view_ms
        since = log.clock() - view_ms if view_ms else 0
        try:
            self._unacknowledged = await log.store.count_unacknowledged(since)
        except LogUnavailable:
            self._unacknowledged = None
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Returns nothing: registering must not ask a service that is only being made."""
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._connected()
        yield from self._counted()
        yield from self._log()

    def _connected(self) -> Iterator[Metric]:
        open_ = GaugeMetricFamily(
            "pos_notif_connections", "Streams, event sockets and polling clients", labels=["transport", "role"]
        )
        counts, worst = self._directory.summary()
        for (transport, role), count in sorted(counts.items()):
            open_.add_metric([transport, role], count)
        yield open_
        yield _gauge("pos_notif_worst_lag_events", "Events that the slowest reader has yet to get", worst)
        yield _gauge("pos_notif_open_connections", "Streams and signed-in sockets, as the limit counts them",
                     len(self._connections.open))  # fmt: skip
        yield _gauge("pos_notif_max_connections", "Their limit; 0: none", self._connections.limit)

    def _counted(self) -> Iterator[Metric]:
        counts = self._live.counts
        yield _counter("pos_notif_events", "Events appended, other processes' too", "type", counts.events)
        duplicates = CounterMetricFamily("pos_notif_duplicates", "Events that were sent again and not appended")
        duplicates.add_metric([], counts.duplicates)
        yield duplicates
        yield _counter("pos_notif_replays", "Streams and sockets that came with a cursor", "result", counts.replays)
        yield _histogram("pos_notif_replay_events", "How far behind a usable cursor was, in events of all rooms",
                         counts.replayed)  # fmt: skip
        yield _counter("pos_notif_resyncs", "Readers that were told to resynchronise", "reason", counts.resets)
        stalled = CounterMetricFamily("pos_notif_slow_readers_closed", "Connections that took nothing for too long")
        stalled.add_metric([], counts.stalled)
        yield stalled
        yield _histogram("pos_notif_commit_to_wire_seconds", "From a commit until its room's streams are written",
                         counts.wire_seconds)  # fmt: skip
        yield _counter("pos_notif_logins_refused", "Sign-ins that were refused", "reason", counts.refused_logins)

    def _log(self) -> Iterator[Metric]:
        bounds = self._live.bounds
        yield _gauge("pos_notif_log_oldest_id", "The oldest event that is kept", bounds.oldest)
        yield _gauge("pos_notif_log_newest_id", "The newest event", bounds.newest)
        yield _gauge("pos_notif_write_queue", "Publications that wait for the writer", self._live.store.queued)
        damaged = self._live.damage or self._live.database.damage or self._live.database.lost
        yield _gauge("pos_notif_log_damaged", "1: its chain of hashes is broken, or its file damaged or gone",
                     int(bool(damaged)))  # fmt: skip
        if self._unacknowledged is not None:
            yield _gauge("pos_notif_unacknowledged_orders", "Orders with something unacknowledged",
                         self._unacknowledged)  # fmt: skip
        info = GaugeMetricFamily("pos_notif_info", "1, with the version", labels=["version"])
        info.add_metric([self._version], 1)
        yield info


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.total)
