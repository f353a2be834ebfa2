"""`/metrics`: what is counted anyway and what is there anyway, put into Prometheus' words when it is asked for.

Nothing here is called by a publication or a delivery: those add to plain numbers (`counts.py`), and everything that
can be looked up is looked up at the scrape.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, product
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ..counts import Histogram
from ..delivery.reader import REPLAYED, RESET, UP_TO_DATE
from ..errors import BadCredentials, DomainError, LogUnavailable, NoCapacity, TooManyAttempts, TooManySubscriptions
from ..events import ROLES, TYPES
from ..log.kept_rows import KeptRows
from ..log.live import LiveLog
from ..log.writable import free_bytes
from ..push.sender import RESULTS as PUSH_RESULTS
from ..upkeep.backup_time import last_backup
from .errors import STATUS
from .processes import Processes, read_processes
from .together import Connected, Together

if TYPE_CHECKING:
    from ..cluster.service import ClusterService

CONTENT_TYPE = CONTENT_TYPE_LATEST
TRANSPORTS = ("sse", "polling", "websocket", "polling-largo")
WHY_RESET = ("desconocido", "epoca", "futuro", "expirado", "atraso")
WHY_NOT_SIGNED_IN = tuple(
    error.code for error in (BadCredentials, TooManyAttempts, NoCapacity, LogUnavailable)
)  # fmt: skip
# Every error of the domain but those of signing in and of following an order.
WHY_NOT_PUBLISHED = sorted(
    {error.code for error in STATUS} - {BadCredentials.code, TooManyAttempts.code, TooManySubscriptions.code}
    | {DomainError.code}
)


@dataclass(slots=True)
class _Found:
    """What a scrape has looked up; None where it could not. `last_backup` is in seconds since 1970."""

    is_ready: bool = False
    unacknowledged: int | None = None
    rows: int | None = None
    free_bytes: int | None = None
    last_backup: float = 0.0
    connected: Connected | None = None
    processes: Processes | None = None


class Metrics(Collector):
    """The metrics of one service, in a registry of its own."""

    def __init__(self, log: LiveLog, together: Together, version: str, cluster: ClusterService | None = None) -> None:
        self._cluster = cluster
        self._live = log
        self._together = together
        self._version = version
        self._rows = KeptRows(log.database)
        self._found = _Found()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._parent = os.getppid() if log.siblings is not None else None
        if self._parent is None:
            ProcessCollector(registry=self._registry)

    async def exposition(self, is_ready: bool) -> bytes:
        """Returns the metrics in the text format of Prometheus. What the database or the disk cannot say now is left
        out."""
        log, path = self._live, self._live.database.path
        since = log.limits.since(log.clocks.steady())
        found = _Found(is_ready)
        with contextlib.suppress(LogUnavailable):
            found.unacknowledged = await log.store.count_unacknowledged(since)
            found.rows = await self._rows.count(log.bounds)
        with contextlib.suppress(OSError):
            found.free_bytes = await asyncio.to_thread(free_bytes, path)
        with contextlib.suppress(LogUnavailable):
            found.connected = await self._together.connected()
        found.last_backup = await asyncio.to_thread(last_backup, path)
        if self._parent is not None:
            with contextlib.suppress(OSError):
                found.processes = await asyncio.to_thread(read_processes, self._parent)
        self._found = found
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Returns nothing: registering must not ask a service that is only being made."""
        return ()

    def collect(self) -> Iterator[Metric]:
        if self._found.connected is not None:
            yield from self._connected(self._found.connected)
        yield from self._counted()
        if self._live.config.push_ways:
            yield from self._pushed()
        yield from self._log()
        if self._found.processes is not None:
            yield from _of_processes(self._found.processes)

    def _connected(self, found: Connected) -> Iterator[Metric]:
        open_ = GaugeMetricFamily(
            "pos_notif_connections", "Streams, event sockets and polling clients", labels=["transport", "role"]
        )
        counts = {(transport, role): count for transport, role, count in found.counts}
        none = dict.fromkeys(product(TRANSPORTS, ROLES), 0)
        for (transport, role), count in sorted({**none, **counts}.items()):
            open_.add_metric([transport, role], count)
        yield open_
        yield _gauge("pos_notif_worst_lag_events", "Events that the slowest reader has yet to get", found.worst_lag)
        yield _gauge("pos_notif_open_connections", "Streams and signed-in sockets, as the limit counts them",
                     found.open)  # fmt: skip
        yield _gauge("pos_notif_max_connections", "Their limit; 0: none", self._live.config.max_connections)

    def _counted(self) -> Iterator[Metric]:
        counts = self._together.counts()
        answers = {f"{digit}xx": counts.answers[digit] for digit in range(2, 6)}
        yield _counter("pos_notif_http_answers", "HTTP answers by the class of their status", "class", answers)
        yield _counter("pos_notif_publications_failed", "What was to be published or done and was not", "reason",
                       counts.failed_publications, WHY_NOT_PUBLISHED)  # fmt: skip
        yield _counter("pos_notif_events", "Events appended, other processes' too", "type", counts.events, TYPES)
        duplicates = CounterMetricFamily("pos_notif_duplicates", "Events that were sent again and not appended")
        duplicates.add_metric([], counts.duplicates)
        yield duplicates
        yield _counter("pos_notif_replays", "Streams and sockets that came with a cursor", "result", counts.replays,
                       (UP_TO_DATE, REPLAYED, RESET))  # fmt: skip
        yield _histogram("pos_notif_replay_events", "How far behind a usable cursor was, in events of all rooms",
                         counts.replayed)  # fmt: skip
        yield _counter("pos_notif_resyncs", "Readers that were told to resynchronise", "reason", counts.resets,
                       WHY_RESET)  # fmt: skip
        stalled = CounterMetricFamily("pos_notif_slow_readers_closed", "Connections that took nothing for too long")
        stalled.add_metric([], counts.stalled)
        yield stalled
        yield _histogram("pos_notif_commit_to_wire_seconds", "From a commit until its room's streams are written",
                         counts.wire_seconds)  # fmt: skip
        yield _counter("pos_notif_logins_refused", "Sign-ins that were refused", "reason",
                       counts.refused_logins, WHY_NOT_SIGNED_IN)  # fmt: skip

    def _pushed(self) -> Iterator[Metric]:
        told = CounterMetricFamily("pos_notif_push", "What has come of messages to phones", labels=["via", "result"])
        counts = self._together.counts().push
        for via, result in product(self._live.config.push_ways, PUSH_RESULTS):
            told.add_metric([via, result], counts[f"{via} {result}"])
        yield told
        if self._found.connected is not None:
            yield _gauge("pos_notif_push_queue", "Messages to phones that wait", self._found.connected.pushing)

    def _log(self) -> Iterator[Metric]:
        bounds = self._live.bounds
        yield _gauge("pos_notif_log_oldest_id", "The oldest event that is kept", bounds.oldest)
        yield _gauge("pos_notif_log_newest_id", "The newest event", bounds.newest)
        if self._found.connected is not None:
            yield _gauge("pos_notif_write_queue", "Publications that wait for the writer",
                         self._found.connected.queued)  # fmt: skip
        damaged = self._live.damage or self._live.database.damage or self._live.database.lost
        yield _gauge("pos_notif_log_damaged", "1: its chain of hashes is broken, or its file damaged or gone",
                     int(bool(damaged)))  # fmt: skip
        found = self._found
        yield _gauge("pos_notif_ready", "1: /readyz says that the log can be written", int(found.is_ready))
        yield _gauge("pos_notif_last_backup_timestamp_seconds", "When pos-notif backup last ended well; 0: never",
                     found.last_backup)  # fmt: skip
        if found.rows is not None:
            yield _gauge("pos_notif_log_rows", "The events that are kept", found.rows)
        if found.free_bytes is not None:
            yield _gauge("pos_notif_disk_free_bytes", "What is free on the log's disk", found.free_bytes)
        if found.unacknowledged is not None:
            yield _gauge("pos_notif_unacknowledged_orders", "Orders with something unacknowledged",
                         found.unacknowledged)  # fmt: skip
        if self._cluster is not None:
            yield from _of_node(self._cluster)
        info = GaugeMetricFamily("pos_notif_info", "1, with the version", labels=["version"])
        info.add_metric([self._version], 1)
        yield info


def _of_node(cluster: ClusterService) -> Iterator[Metric]:
    yield _gauge("pos_notif_node_position", "The newest record of the cluster that stands in this node's file",
                 cluster.position)  # fmt: skip
    yield _gauge("pos_notif_node_behind_records", "Records that this node lacks and another one has", cluster.behind)
    yield _gauge("pos_notif_node_engine_away", "1: this node has no engine, so nothing can be published here",
                 int(not cluster.has_engine))  # fmt: skip
    yield _gauge("pos_notif_node_stopped", "1: this node takes part no more until somebody looks at it",
                 int(cluster.node.central.stopped is not None))  # fmt: skip
    yield _gauge("pos_notif_node_leads", "1: this node raises the alarms, prunes and trims", int(cluster.leads))
    conflicts = CounterMetricFamily("pos_notif_node_conflicts", "Transactions that were decided again, since another"
                                    " node's came first")  # fmt: skip
    conflicts.add_metric([], cluster.conflicts)
    yield conflicts


def _of_processes(found: Processes) -> Iterator[Metric]:
    """Returns those of several processes, under the names that `ProcessCollector` has for one."""
    cpu = CounterMetricFamily("process_cpu_seconds", "Time on the cores, of all processes, ended ones too")
    cpu.add_metric([], found.cpu_seconds)
    yield cpu
    yield _gauge("process_resident_memory_bytes", "Memory of all processes; what they share is counted once",
                 found.resident_bytes)  # fmt: skip
    yield _gauge("process_virtual_memory_bytes", "Virtual memory of all processes", found.virtual_bytes)
    yield _gauge("process_open_fds", "Open files of all processes", found.open_files)
    yield _gauge("process_max_fds", "The sum of what each process may open", found.max_files)
    yield _gauge("process_start_time_seconds", "When the service began, in seconds since 1970", found.started)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, label: str, counts: Mapping[str, int], known: Iterable[str] = ()) -> Metric:
    """Makes a counter in which each known value of the label has its series from the start: of one that only begins
    with its first event, Prometheus sees no increase."""
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted({**dict.fromkeys(known, 0), **counts}.items()):
        family.add_metric([value], count)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.total)
