"""How cost grows with the log: start, a reconnect that missed the newest 3, an idle poll, a snapshot.

    python -m tests.benchmarks.growth [--lengths 1000,100000,1000000,5000000]

Writes logs of that many events (by the real writer, in batches), then serves each and prints medians.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pos_notif import Config, NotificadorPedidos
from pos_notif.publishing.publication import Publisher
from tests.support.live_server import LiveServer
from tests.support.sse_client import SseClient

BATCH = 500
OPEN_ORDERS = 30
PUBLISHER = Publisher("bench", {"usuario_id": None, "username": "bench", "rol": "manager"}, names_actor=True)


async def fill(database: Path, count: int) -> None:
    """Three of four events are the managers' alone, as in a restaurant most are not the kitchen's."""
    async with NotificadorPedidos(config=Config(database=str(database))) as notifier:
        written = notifier.log.bounds.newest
        while written < count:
            drafts = [_draft(written + index) for index in range(min(BATCH, count - written))]
            await notifier.publishing.publish(drafts, publisher=PUBLISHER, batch=True)
            written += len(drafts)


def _draft(number: int) -> dict[str, Any]:
    if number < OPEN_ORDERS:
        items = [{"producto_nombre": "Pupusa de queso", "cantidad": 2, "precio_unitario": 0.75}]
        return {"tipo": "nuevo_pedido", "pedido": {"id": number + 1, "items": items}}
    level = "agotado" if number % 4 == 0 else "bajo"
    return {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 1, "nivel": level}


def median_ms(work: Callable[[], Any], times: int = 20) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


def measure(database: Path, token: str) -> dict[str, float]:
    server = LiveServer(database, {"POS_NOTIF_ACCESS_LOG": "false", "POS_NOTIF_POLL_RATE": "0"}, _token=token)
    began = time.perf_counter()
    server.start()
    figures = {"start, s": time.perf_counter() - began}
    try:
        cursor = server.request("GET", "/api/notificaciones/polling/cocinero")[2]["cursor"]
        epoch, newest = cursor.split("-")
        behind, now = f"{epoch}-{int(newest) - 12}", cursor

        def reconnect() -> None:
            with SseClient(server, "cocinero", last_event_id=behind) as stream:
                stream.take(3)

        polling = f"/api/notificaciones/polling/cocinero?cursor={now}"
        figures["reconnect that missed 3, ms"] = median_ms(reconnect)
        figures["idle poll, ms"] = median_ms(lambda: server.request("GET", polling))
        figures["kitchen's snapshot, ms"] = median_ms(lambda: server.request("GET", "/api/pedidos?vista=cocina"))
        figures["memory, MB"] = server.memory_kb() / 1024
    finally:
        server.stop()
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lengths", default="1000,100000,1000000,5000000")
    lengths = [int(length) for length in options.parse_args().lengths.split(",")]
    rows = {}
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "log.db"  # grows from one length to the next
        asyncio.run(fill(database, 0))
        token = LiveServer(database).token
        for length in sorted(lengths):
            asyncio.run(fill(database, length))
            rows[length] = measure(database, token)
    names = list(next(iter(rows.values())))
    print(f"{'events':>12}" + "".join(f"{name:>30}" for name in names))
    for length, figures in rows.items():
        print(f"{length:>12,}" + "".join(f"{figures[name]:>30.2f}" for name in names))


if __name__ == "__main__":
    main()
