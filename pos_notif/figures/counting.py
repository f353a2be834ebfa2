"""A business day's figures: a pure fold over the day's events. It needs no clock, no database and no request.

What counts, and why:

- An order belongs to the day of its first event, and is followed to the end of that day. One from yesterday that is
  served today is yesterday's: its waiting says nothing of today.
- Waiting is what the guest waits before anybody begins: from when the kitchen gets the order to `en_cocina`. The
  kitchen gets a table's order at once, and one that is paid in advance with its payment; until then it waits for the
  till, not for the kitchen, and has no times at all. An early payment of a table's order changes nothing.
- Cooking goes from `en_cocina` to `listo`, picking up from `listo` to `servido`. An order that was never begun, because
  the kitchen touched only LISTO, has no waiting and no cooking, rather than invented ones. All of it, from when the
  kitchen gets the order to `servido`, is `en_total`.
- Where the restaurant has no INICIAR, nobody says when an order was begun: a line that is ready is no beginning. Then
  only all of it, and picking up, are measured.
- What was undone did not happen: a start that is taken back begins with the next one, LISTO that is taken back (or a
  ready order to which something is added) ends with the next one.
- A delivery, a closing or a cancellation that is taken back goes on as if it had not been.
- A recall is another matter: the order was ready, and its first times stay. What follows it is a second cooking whose
  start nobody has said, so nothing is measured after it.
- What a table orders once its dishes are made is another round, with times of its own from when the kitchen got it; it
  is being cooked from then on, so nobody says when it was begun, and it has neither waiting nor cooking. An order
  counts once, whatever its rounds. What was added to a served order by an event without a round is not measured.
- What was made and leaves the bill is counted for whoever took it off.
- Late is an order that was not ready so long after the kitchen had got it: one that is still open too, as soon as it
  is. One that was cancelled before it was ready cannot tell.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from .. import events
from ..clock import iso
from ..events import CANCELLED, COOKABLE, COOKING, OVER, READY, SERVED, TO_COOK
from ..orders.state import Json, removes_line, takes_back

HOUR_MS = 3_600_000

# What there is to count of a line: its dish's id and name, how much of it, and whether it was cancelled.
Line = tuple[int | None, str | None, float, bool]


def _counted(line: Json) -> Line:
    return line["producto_id"], line["producto_nombre"], line["cantidad"], line["estado_item"] == CANCELLED


@dataclass(slots=True)
class Round:
    """The times of a round. `over` says that whatever comes now is measured no more."""

    placed_ms: int
    sent_ms: int | None = None
    started_ms: int | None = None
    ready_ms: int | None = None
    served_ms: int | None = None
    over: bool = False
    # What `over` and `served_ms` were before the last state that ended the round's way.
    open_again: tuple[bool, int | None] = (False, None)

    def is_late(self, waits: bool, now_ms: int, late_ms: int) -> bool | None:
        """Tells whether the round is late; None where that cannot be said. `waits` tells whether the kitchen has it."""
        if self.sent_ms is None:
            return None
        if self.ready_ms is not None:
            return self.ready_ms - self.sent_ms >= late_ms
        return True if waits and not self.over and now_ms - self.sent_ms >= late_ms else None


@dataclass(slots=True)
class Course:
    """An order's way through the day, in one round or more: `now` is the last one. `taken_off` has who took made dishes
    off the bill, and what they cost. Without `begins` nobody says when an order is begun."""

    now: Round
    begins: bool = True
    state: str = ""
    recalled: bool = False
    total: float | None = None
    earlier: list[Round] = field(default_factory=list)
    lines: dict[int, Line] = field(default_factory=dict)
    line_ready: dict[int, int] = field(default_factory=dict)
    taken_off: list[tuple[Json, float]] = field(default_factory=list)

    @property
    def rounds(self) -> list[Round]:
        return [*self.earlier, self.now]

    def take(self, ms: int, event: Json) -> None:
        kind = event["tipo"]
        match kind:
            case events.NEW_ORDER:
                self.lines = {line["id"]: _counted(line) for line in event["pedido"]["items"]}
                self.total = event["pedido"]["total"]
                self._enter(event["pedido"]["estado"], ms, event)
            case events.STATE_CHANGE:
                self._enter(event["estado"], ms, event)
            case events.ORDER_READY if event["parcial"]:
                self._mark(event["items_listos_ids"], ms)
            case events.ORDER_READY:
                self._enter(READY, ms, event)
            case events.ITEM_CHANGED:
                self._change(event)
                self.total = event["total"]
                change = event["cambios"]["tipo_cambio"]
                if change == "item_listo":
                    self._mark([event["item_id"]], ms)
                elif change == "item_pendiente" and not self.now.over:
                    self.line_ready.pop(event["item_id"], None)
            case events.ORDER_CANCELLED:
                self._enter(CANCELLED, ms, event)
            case events.TABLE_CHANGED:
                pass

    def _change(self, event: Json) -> None:
        off = event.get("quitado")
        if isinstance(off, dict) and off.keys() == {"cantidad", "precio"}:
            self.taken_off.append((event["actor"], off["precio"] or 0))
        if removes_line(event["cambios"]):
            self.lines.pop(event["item_id"], None)
        elif event["item"] is not None:
            self.lines[event["item_id"]] = _counted(event["item"])

    def _enter(self, state: str, ms: int, event: Json) -> None:
        before, self.state = self.state, state
        if _begins_round(event):
            self.now.over = True
            self.earlier.append(self.now)
            self.now = Round(ms, sent_ms=ms)
            return
        now = self.now
        if takes_back(event):
            if state != before:
                now.over, now.served_ms = now.open_again
            return
        if state != before and state in (SERVED, *OVER):
            now.open_again = (now.over, now.served_ms)
        if event.get("recuperado"):
            self.recalled = now.over = True
        if now.over or state == before:
            return
        if state in COOKABLE:
            now.sent_ms = ms if now.sent_ms is None else now.sent_ms
            now.started_ms = None
        elif state == COOKING:
            if before == READY:
                self._take_back()
            elif now.started_ms is None and self.begins:
                now.started_ms = ms
        elif state == READY:
            now.ready_ms = ms
            self._mark(self.lines, ms)
        elif state == SERVED and before == READY:
            now.served_ms = ms
        now.over = state in (SERVED, *OVER)

    def _take_back(self) -> None:
        """Forgets LISTO, and what it made ready: that did not happen."""
        self.line_ready = {line_id: ms for line_id, ms in self.line_ready.items() if ms != self.now.ready_ms}
        self.now.ready_ms = None

    def _mark(self, lines: Iterable[int], ms: int) -> None:
        """Notes that lines are ready, where somebody began the order: of no other can it be said how long they took."""
        if self.now.started_ms is not None and not self.now.over:
            for line_id in lines:
                self.line_ready.setdefault(line_id, ms)

    def late(self, now_ms: int, late_ms: int) -> list[bool | None]:
        """Tells of each round whether it is late."""
        waits = self.state in TO_COOK
        return [one.is_late(waits, now_ms, late_ms) for one in self.rounds]


def _begins_round(event: Json) -> bool:
    """Tells whether the service said so: a publisher's own field of that name, from before there were any, may be
    anything."""
    return bool(event.get("ronda")) and event.get("por_hacer") is True


class Figures:
    """The figures of the business day from `start_ms` until `end_ms`. `take` its events in the log's order, then ask
    for the `summary`. `begins`: whether the kitchen says when it begins an order."""

    def __init__(self, start_ms: int, end_ms: int, *, begins: bool = True) -> None:
        self.start_ms = start_ms
        self.end_ms = end_ms
        self._begins = begins
        self._courses: dict[int, Course] = {}

    def take(self, ms: int, event: Json) -> None:
        """Takes an event. Those of earlier days' orders change nothing, nor do those of another day (a clock was
        set)."""
        if not self.start_ms <= ms < self.end_ms:
            return
        course = self._courses.get(event["pedido_id"])
        if course is None:
            if event["version"] != 1:
                return
            course = self._courses[event["pedido_id"]] = Course(Round(ms), self._begins)
        course.take(ms, event)

    def forget(self) -> None:
        """Gives the orders' memory back one by one: all at once would hold every thread up while it lasts."""
        while self._courses:
            self._courses.popitem()

    def summary(self, now_ms: int, zone: tzinfo, late_ms: int) -> Json:
        """Returns what docs/protocol.md, section 10, says of `GET /api/cifras`. What cannot be known is None, never
        0."""
        now_ms = min(now_ms, self.end_ms)
        courses = list(self._courses.values())
        sold = [course for course in courses if course.state != CANCELLED]
        totals = [course.total for course in sold if course.total is not None]
        rounds = [one for course in courses for one in course.rounds]
        late = [is_late for course in courses for is_late in course.late(now_ms, late_ms)]
        return {
            "pedidos": len(courses),
            "ventas": round(sum(totals), 2) if totals else None,
            "cancelados": len(courses) - len(sold),
            "recuperados": sum(course.recalled for course in courses),
            "quitados": _taken_off(courses),
            "espera": spread((one.sent_ms, one.started_ms) for one in rounds),
            "cocina": spread((one.started_ms, one.ready_ms) for one in rounds),
            "recogida": spread((one.ready_ms, one.served_ms) for one in rounds),
            "en_total": spread((one.sent_ms, one.served_ms) for one in rounds),
            "tarde": _share(late),
            "por_hora": list(self._hours(courses, rounds, late, now_ms, zone)),
            "productos": _dishes(sold),
        }

    def _hours(
        self, courses: list[Course], rounds: list[Round], late: list[bool | None], now_ms: int, zone: tzinfo
    ) -> Iterator[Json]:
        """Yields each hour from the first order's to the last one's, or to now in a day that goes on: an hour without
        orders is a fact."""
        if not courses:
            return
        found: dict[int, list[bool | None]] = {}
        for one, is_late in zip(rounds, late, strict=True):
            found.setdefault(self._hour(one), []).append(is_late)
        placed = Counter(self._hour(course.rounds[0]) for course in courses)
        present = (now_ms - self.start_ms) // HOUR_MS if now_ms < self.end_ms else 0
        for hour in range(min(found), max(*found, present) + 1):
            at = iso(self.start_ms + hour * HOUR_MS, zone)
            yield {"hora": at, "pedidos": placed[hour], **_share(found.get(hour, []))}

    def _hour(self, one: Round) -> int:
        return (one.placed_ms - self.start_ms) // HOUR_MS


def spread(spans: Iterable[tuple[int | None, int | None]]) -> Json:
    """Returns the median and the 90th percentile, in whole seconds, of the spans in milliseconds whose both ends are
    known. Nine of ten took no longer than the 90th percentile (nearest rank). A clock that was set back makes no span
    negative."""
    seconds = sorted(
        max(0, end - start) / 1000 for start, end in spans if start is not None and end is not None
    )  # fmt: skip
    if not seconds:
        return {"medidos": 0, "mediana": None, "p90": None}
    return {
        "medidos": len(seconds),
        "mediana": round(statistics.median(seconds)),
        "p90": round(seconds[math.ceil(0.9 * len(seconds)) - 1]),
    }


def _share(late: Iterable[bool | None]) -> Json:
    known = [is_late for is_late in late if is_late is not None]
    percent = round(100 * sum(known) / len(known), 1) if known else None
    return {"medidos": len(known), "tarde": sum(known), "porcentaje": percent}


def _taken_off(courses: list[Course]) -> list[Json]:
    """Returns who took dishes that had been made off the bill: how often, and what they cost, the most first."""
    found: dict[tuple[Any, Any], list[float]] = {}
    for course in courses:
        for actor, price in course.taken_off:
            found.setdefault((actor.get("usuario_id"), actor.get("username")), []).append(price)
    people = [
        {"usuario_id": user_id, "username": name, "lineas": len(prices), "importe": round(sum(prices), 2)}
        for (user_id, name), prices in found.items()
    ]
    return sorted(people, key=lambda person: (-person["importe"], str(person["username"])))


def _dishes(courses: list[Course]) -> list[Json]:
    """Returns what was ordered and not cancelled, the most first, with the median from the order's start until the dish
    was ready. A POS may know its dishes by name alone."""
    quantities: dict[tuple[int | None, str | None], float] = {}
    cooking: dict[tuple[int | None, str | None], list[tuple[int | None, int | None]]] = {}
    for course in courses:
        for line_id, (product_id, name, quantity, cancelled) in course.lines.items():
            if cancelled:
                continue
            dish = (product_id, name)
            quantities[dish] = quantities.get(dish, 0) + quantity
            cooking.setdefault(dish, []).append((course.rounds[0].started_ms, course.line_ready.get(line_id)))
    most = sorted(quantities, key=lambda dish: (-quantities[dish], dish[1] or "", dish[0] or 0))
    return [
        {
            "producto_id": dish[0],
            "producto_nombre": dish[1],
            "cantidad": round(quantities[dish], 3),
            "cocina": spread(cooking[dish])["mediana"],
        }
        for dish in most
    ]
