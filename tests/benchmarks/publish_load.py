"""Publishes orders back to back over keep-alive connections, and counts what was answered 201.

    python publish_load.py URL TOKEN CONNECTIONS SECONDS EVENTS_PER_BATCH

Prints one JSON line. One asyncio process sends some thousands of requests a second, which is more than one service
takes; give it a core of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

ITEMS = [
    {"producto_id": 1, "producto_nombre": "Pupusa de queso", "cantidad": 2, "precio_unitario": 0.75},
    {"producto_id": 2, "producto_nombre": "Horchata", "cantidad": 1, "precio_unitario": 1.25, "notas": "sin hielo"},
]


def order(order_id: int) -> dict[str, Any]:
    return {
        "tipo": "nuevo_pedido",
        "pedido": {"id": order_id, "mesa_numero": 5, "mesero": "Juan", "items": ITEMS},
    }


async def publish(url: str, token: str, ids: itertools.count[int], batch: int, until: float) -> int:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    reader, writer = await asyncio.open_connection(host, port)
    accepted = 0
    while time.perf_counter() < until:
        events = [order(next(ids)) for _ in range(batch)]
        body = json.dumps(events[0] if batch == 1 else {"eventos": events}).encode()
        head = (
            f"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 201 " not in answer.split("\r\n")[0]:
            raise SystemExit(f"not accepted: {answer}")
        await reader.readexactly(int(answer.split("content-length:")[1].split("\r\n")[0]))
        accepted += batch
    writer.close()
    return accepted


async def main(url: str, token: str, connections: int, seconds: float, batch: int) -> None:
    ids = itertools.count(time.time_ns() // 1000 % 10**12 * 1000)
    start = time.perf_counter()
    counts = await asyncio.gather(*(publish(url, token, ids, batch, start + seconds) for _ in range(connections)))
    print(json.dumps({"per_second": sum(counts) / (time.perf_counter() - start), "accepted": sum(counts)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
