"""A till: it publishes its orders one event after the other, and tells each key once the call has returned.

    python till.py DB URL TOKEN FIRST SECONDS

Its orders are numbered from FIRST on. Between two calls it waits up to twice SECONDS. It ends when its standard input
does, as a program does that has nothing left to do.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time

import pos_notif_client
from pos_notif_client import Salida

STEPS = ("nuevo", "en_cocina", "listo", "servido", "cerrado")


def publish(outbox: Salida, order: int, step: str) -> str | None:
    key = f"{order}-{step}"
    if step == "nuevo":
        return outbox.notificar_nuevo_pedido({"id": order}, operacion_id=key)
    return outbox.notificar_cambio_estado_pedido(order, step, operacion_id=key)


def main() -> None:
    pos_notif_client.DISK_SECONDS = 60.0  # a busy machine's disk may take longer than a till waits
    db, url, token, first, seconds = sys.argv[1:]
    outbox = Salida(db, url, token, al_rechazar=lambda event, error: print("refused", event["operacion_id"], error))
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    for order in itertools.count(int(first)):
        for step in STEPS:
            begun = time.perf_counter()
            key = publish(outbox, order, step)
            print("stored", key, f"{1000 * (time.perf_counter() - begun):.2f}", flush=True)
            if ended.wait(2 * float(seconds) * random.random()):
                return


if __name__ == "__main__":
    main()
