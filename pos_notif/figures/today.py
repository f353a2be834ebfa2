"""A business day's figures from the log. Those of today are kept and go on from where they were: a page that asks every
few seconds costs the events since it last asked, not the day's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..clock import business_day, business_day_start, iso
from ..notifier import NotificadorPedidos
from ..orders.state import Json
from .counting import Figures

# Small, so that neither other readers of the log nor the loop are held for long.
PAGE_EVENTS = 500
_NO_END = 2**63 - 1


@dataclass(slots=True)
class _Reading:
    """How far a day's events have been read; by one caller at a time, so that none is taken twice."""

    day: date
    figures: Figures
    after: int
    before: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class DayFigures:
    def __init__(self, notifier: NotificadorPedidos) -> None:
        self._notifier = notifier
        self._today: _Reading | None = None

    async def of(self, day: date | None) -> Json:
        """None: today. Raises LogUnavailable."""
        notifier = self._notifier
        today = business_day(notifier.clock(), notifier.zone)
        reading = self._today if self._today is not None and day in (None, today) else None
        if reading is None or reading.day != today:
            reading = await self._begin(day or today, ended=day is not None and day < today)
            if reading.day == today:
                self._today = reading
        async with reading.lock:
            return await self._read(reading)

    async def _begin(self, day: date, *, ended: bool) -> _Reading:
        notifier = self._notifier
        start, end = (business_day_start(date_, notifier.zone) for date_ in (day, day + timedelta(days=1)))
        first = await notifier.log.first_id_at(start)
        before = await notifier.log.first_id_at(end) if ended else _NO_END
        return _Reading(day, Figures(start, end), first - 1, before)

    async def _read(self, reading: _Reading) -> Json:
        notifier, figures = self._notifier, reading.figures
        more = True
        while more:
            events, reading.after, more = await notifier.log.orders_events(
                reading.after, reading.before, limit=PAGE_EVENTS
            )
            for ms, event in events:
                figures.take(ms, event)
        now, zone = notifier.clock(), notifier.zone
        return {
            "dia": reading.day.isoformat(),
            "desde": iso(figures.start_ms, zone),
            "hasta": iso(figures.end_ms, zone),
            "hora_servidor": iso(now, zone),
            "cursor": notifier.cursor(reading.after),
            "tarde_segundos": round(notifier.config.late_minutes * 60),
            "abiertos": await notifier.log.count_open(now, notifier.limits),
            **await asyncio.to_thread(figures.summary, now, zone, int(notifier.config.late_minutes * 60_000)),
        }
