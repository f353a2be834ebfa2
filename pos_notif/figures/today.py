"""A business day's figures from the log. Those of today are kept and go on from where they were: a page that asks every
few seconds costs the events since it last asked, not the day's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..clock import business_day, business_day_start, iso
from ..log.live import LiveLog
from ..orders.state import Json
from .counting import Figures

# Small, so that neither other readers of the log nor the loop are held for long.
PAGE_EVENTS = 500
_NO_END = 2**63 - 1


@dataclass(slots=True)
class _Reading:
    """How far a day's events have been read. One caller at a time reads them, so that none is taken twice."""

    day: date
    figures: Figures
    after: int
    before: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class DayFigures:
    """The figures of any business day, with those of today kept from one call to the next."""

    def __init__(self, log: LiveLog) -> None:
        self._log = log
        self._today: _Reading | None = None

    async def of(self, day: date | None) -> Json:
        """Returns a day's figures, today's for None, as `GET /api/cifras` answers them. Raises LogUnavailable."""
        log = self._log
        today = business_day(log.clock(), log.zone)
        reading = self._today if self._today is not None and day in (None, today) else None
        if reading is None or reading.day != today:
            reading = await self._begin(day or today, ended=day is not None and day < today)
            if reading.day == today:
                self._today = reading
        async with reading.lock:
            return await self._read(reading)

    async def _begin(self, day: date, *, ended: bool) -> _Reading:
        log = self._log
        start, end = (business_day_start(date_, log.zone) for date_ in (day, day + timedelta(days=1)))
        first = await log.store.first_id_at(start)
        before = await log.store.first_id_at(end) if ended else _NO_END
        return _Reading(day, Figures(start, end), first - 1, before)

    async def _read(self, reading: _Reading) -> Json:
        log, figures = self._log, reading.figures
        more = True
        while more:
            events, reading.after, more = await log.store.orders_events(
                reading.after, reading.before, limit=PAGE_EVENTS
            )
            for ms, event in events:
                figures.take(ms, event)
        now, zone = log.clock(), log.zone
        return {
            "dia": reading.day.isoformat(),
            "desde": iso(figures.start_ms, zone),
            "hasta": iso(figures.end_ms, zone),
            "hora_servidor": iso(now, zone),
            "cursor": log.cursor(reading.after),
            "tarde_segundos": round(log.config.late_minutes * 60),
            "abiertos": await log.store.count_open(now, log.limits),
            **await asyncio.to_thread(figures.summary, now, zone, int(log.config.late_minutes * 60_000)),
        }
