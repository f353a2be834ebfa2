"""What must be true of a log, and of its alarms, whatever happened while it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support.logs import opened
from tests.support.pos import assert_projection_is_the_fold

GATHER_SECONDS, PAUSE_SECONDS = 1.0, 10.0  # docs/protocol.md, section 17

Json = dict[str, Any]


@dataclass
class Outcome:
    figures: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def table(self) -> str:
        width = max(len(name) for name, _ in self.figures)
        lines = [f"{name:<{width}}  {value}" for name, value in self.figures]
        return "\n".join([*lines, *(f"WRONG: {problem}" for problem in self.problems)])


def read_log(database: Path) -> list[Json]:
    with opened(database) as connection:
        return [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]


def assert_log_is_sound(database: Path) -> None:
    """The file, the ids without a gap but where an epoch ended, the chain of hashes, the head, and the orders as the
    fold of the events."""
    with opened(database) as connection:
        connection.execute("BEGIN")  # all of one moment: a service may be writing
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT id, data, hash FROM events ORDER BY id").fetchall()
        head = connection.execute("SELECT head_id, head_hash FROM log").fetchone()
        ends = {last_id for (last_id,) in connection.execute("SELECT last_id FROM epochs")}
    ids = [0, *(row[0] for row in rows)]
    assert [after for before, after in pairwise(ids) if after != before + 1 and before not in ends] == []
    before = "0" * 64
    for event_id, data, digest in rows:
        found = hashlib.sha256(before.encode() + b"\n" + data.encode()).hexdigest()
        assert found == digest, f"event {event_id} does not match its hash"
        assert data.startswith(f'{{"id":{event_id},'), f"event {event_id} says that it is {data[:20]}"
        before = digest
    assert head[1] == before
    assert head[0] == ids[-1] or ids[-1] in ends
    assert_projection_is_the_fold(database)


def receipt_alarm_problems(events: Sequence[Json], ack_seconds: float, slack: float) -> list[str]:
    """Every `sin_acuse` that was not due, or is missing. `slack`: what a busy machine, and the time for which there was
    no service, may make of a second."""
    problems = []
    first_receipt: dict[int, Json] = {}
    waiting: dict[int, float] = {}  # what needs a receipt, and when it was sent to the kitchen
    raised: dict[int, int] = {}  # event → its alarm
    orders: dict[int, int] = {}  # event → its order, of what waits
    alarm_times: list[float] = []
    for event in events:
        at = moment(event)
        if event.get("por_hacer"):
            # Another round stands in the ticket that was not seen, and is seen with it.
            for event_id in [known for known, order in orders.items() if order == event["pedido_id"]]:
                del orders[event_id]
                if event_id not in raised:
                    del waiting[event_id]
        needs_receipt = event["tipo"] in ("nuevo_pedido", "pedido_cancelado") or gives_work(event)
        if needs_receipt and "cocina" in event["salas"]:
            waiting[event["id"]] = at
            orders[event["id"]] = event["pedido_id"]
        elif event["tipo"] == "acuse_recibo":
            first_receipt.setdefault(event["evento_id"], event)
        elif event["tipo"] == "sin_acuse":
            alarm_times.append(at)
            for event_id in event["evento_ids"]:
                name = f"sin_acuse {event['id']} of event {event_id}"
                if event_id not in waiting:
                    problems.append(f"{name}: nothing that a kitchen must acknowledge")
                elif event_id in raised:
                    problems.append(f"{name}: had its alarm {raised[event_id]} already")
                elif event_id in first_receipt:
                    problems.append(f"{name}: was acknowledged by {first_receipt[event_id]['id']}")
                elif at - waiting[event_id] < ack_seconds - 0.05:
                    problems.append(f"{name}: after {at - waiting[event_id]:.1f} s only")
                raised[event_id] = event["id"]
    problems += [
        f"two sin_acuse within {second - first:.1f} s"
        for first, second in pairwise(alarm_times)
        if second - first < PAUSE_SECONDS - 0.5
    ]
    end = moment(events[-1]) if events else 0.0
    for event_id, sent in waiting.items():
        if event_id in raised:
            continue
        receipt = first_receipt.get(event_id)
        due_by = sent + ack_seconds + GATHER_SECONDS + slack
        earlier = [at for at in alarm_times if at <= due_by]
        if earlier:
            due_by = max(due_by, earlier[-1] + PAUSE_SECONDS + slack)
        if (moment(receipt) if receipt else end) > due_by:
            problems.append(f"no sin_acuse of event {event_id}, unseen for more than {due_by - sent:.1f} s")
    return problems


def gives_work(event: Json) -> bool:
    """A change of state by which a kitchen has something to make that it had not before."""
    return event["tipo"] == "cambio_estado" and (
        event.get("por_hacer") is True
        or (event.get("deshace") == "cancelar" and event["estado"] in ("pagado", "en_mesa", "en_cocina"))
    )


def moment(event: Json) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()
