"""What goes by the time that passes: heartbeats, the ends of streams, rates, limits, a locked log, alarms. Each service
has a short setting and a log of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from .play import Play
from .wire import Stream

EVENTS = "/api/notificaciones/eventos"
BELL = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0}
ORDER = {"tipo": "nuevo_pedido", "pedido": {"id": 1, "mesa_numero": 5, "items": [{"producto_nombre": "Pupusa"}]}}
# Slow enough that nothing is given back while this is played.
ONE_IN_A_WEEK = "0.0000016"


def play_limits(stage: Play) -> None:
    limits(stage)
    ends(stage)
    alarms(stage)


def _up_to(stream: Stream, event: str) -> Stream:
    """Read, and cut, after the first frame of that name."""
    stream.read_until(f"event: {event}")
    at = stream.body.index(f"event: {event}".encode())
    stream.body = stream.body[: stream.body.index(b"\n\n", at) + 2]
    return stream


def limits(stage: Play) -> None:
    file, database = "limits", "limits.db"
    stage.begin_log(database)
    with stage.serving(
        database, heartbeat_seconds="0.2", stream_seconds="0", poll_rate=ONE_IN_A_WEEK, publish_rate=ONE_IN_A_WEEK,
        max_connections="1", ack_seconds="0", screen_seconds="0",
    ):  # fmt: skip
        stage.learn_epoch()
        stage.ask(file, "an event", "POST", EVENTS, BELL, who="pos")
        stage.ask(file, "one too many", "POST", EVENTS, BELL, who="pos")
        for _ in range(30):
            stage.call("GET", "/api/notificaciones/polling/manager", who="pos")
        stage.ask(file, "a poll too many", "GET", "/api/notificaciones/polling/manager", who="pos")
        stream = stage.stream("manager", "pos")
        stage.record_stream(file, "a heartbeat", _up_to(stream, "latido"))
        stage.record_stream(file, "a stream too many", stage.stream("manager", "pos").read_to_end())
        socket = stage.websocket("pos")
        socket.rest()
        stage.record_socket("a socket too many", socket)


def ends(stage: Play) -> None:
    file, database = "limits", "ends.db"
    stage.begin_log(database)
    with stage.serving(database, heartbeat_seconds="0", stream_seconds="0.5", ack_seconds="0", screen_seconds="0"):
        stage.learn_epoch()
        stage.record_stream(file, "a stream of age", stage.stream("manager", "pos").read_to_end())
        with closing(sqlite3.connect(stage.directory / database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            stage.ask(file, "a log that cannot be written", "POST", EVENTS, BELL, who="pos")
            stage.ask(file, "which a load balancer is told", "GET", "/readyz", who="")
            other.execute("ROLLBACK")


def alarms(stage: Play) -> None:
    file, database = "alarms", "alarms.db"
    stage.begin_log(database)
    with stage.serving(database, heartbeat_seconds="0", stream_seconds="0", ack_seconds="0.5", screen_seconds="0.5"):
        stage.learn_epoch()
        stage.sign_in("rosa", file)
        stage.sign_in("beto", file)
        waiter = stage.stream("mesero", "beto").read_until("event: hola")
        cook = stage.stream("cocinero", "rosa").read_until("event: hola")
        stage.ask(file, "an order that nobody draws", "POST", EVENTS, ORDER, who="pos")
        waiter.read_until('"tipo":"sin_acuse"')
        cook.close()
        waiter.read_until('"tipo":"sin_pantalla"')
        stage.ask(file, "what the waiter is shown", "GET", "/api/pedidos", who="beto")
        stage.clock.later(45)
        stage.stream("cocinero", "rosa").read_until("event: hola")
        stage.record_stream(file, "a waiter is told", _up_to_type(waiter, "pantalla_recuperada"))


def _up_to_type(stream: Stream, tipo: str) -> Stream:
    stream.read_until(f'"tipo":"{tipo}"')
    return stream
