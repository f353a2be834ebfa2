"""Business days' figures from the log. Today's are kept and go on from where they were: a page that asks every few
seconds costs the events since it last asked, not the day's. What an ended day came to is kept too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..clock import WallMs, business_day, business_day_start, iso
from ..log.live import LiveLog
from ..orders.state import Json
from .counting import Figures

# Small, so that neither other readers of the log nor the loop are held for long.
PAGE_EVENTS = 500
# Two months to look back on. One takes some tens of kilobytes.
KEPT_DAYS = 62
_NO_END = 2**63 - 1


@dataclass(slots=True)
class _Reading:
    """How far a day's events have been read, of those from `first` on; both are None until it has begun. One caller at
    a time reads them, so that none is taken twice."""

    day: date
    figures: Figures
    first: int | None = None
    after: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Ended:
    """What an ended day came to, of the events from `first` up to `before`: with others there, it is counted anew."""

    first: int
    before: int
    counted: Json


class DayFigures:
    """The figures of any business day, with those of today and of ended days kept from one call to the next."""

    def __init__(self, log: LiveLog) -> None:
        self._log = log
        self._present: _Reading | None = None
        self._ended: dict[date, _Ended] = {}
        self._ending = asyncio.Lock()

    async def of(self, day: date | None) -> Json:
        """Returns a day's figures, today's for None, as `GET /api/cifras` answers them. Raises LogUnavailable."""
        today = business_day(self._log.clocks.wall(), self._log.zone)
        if self._present is not None and self._present.day != today:
            await self._leave(today)
        day = day or today
        if day < today:
            async with self._ending:
                ended = await self._of_ended(day)
            return await self._told(day, ended.before - 1, ended.counted)
        reading = self._present if self._present is not None and self._present.day == day else self._reading(day)
        if day == today:
            self._present = reading
        async with reading.lock:
            await self._read(reading, _NO_END)
            return await self._told(day, reading.after, await self._count(reading))

    async def _leave(self, today: date) -> None:
        """Counts the day that was today's to its end, and keeps what it came to. Where the clock was set back, it is
        not over."""
        async with self._ending:
            reading = self._present
            if reading is None or reading.day == today:
                return  # another caller was faster
            self._present = None
            async with reading.lock:
                if reading.day < today and reading.first is not None:
                    await self._end(reading, (await self._ids(reading.day))[1])
                await asyncio.to_thread(reading.figures.forget)

    async def _of_ended(self, day: date) -> _Ended:
        first, before = await self._ids(day)
        ended = self._ended.get(day)
        if ended is not None and (ended.first, ended.before) == (first, before):
            return ended
        reading = self._reading(day)
        ended = await self._end(reading, before)
        await asyncio.to_thread(reading.figures.forget)
        return ended

    async def _end(self, reading: _Reading, before: int) -> _Ended:
        await self._read(reading, before)
        assert reading.first is not None
        ended = _Ended(reading.first, before, await self._count(reading))
        self._ended.pop(reading.day, None)
        self._ended[reading.day] = ended
        if len(self._ended) > KEPT_DAYS:
            del self._ended[next(iter(self._ended))]
        return ended

    def _reading(self, day: date) -> _Reading:
        end, begins = self._start(day + timedelta(days=1)), self._log.config.kitchen_start
        return _Reading(day, Figures(self._start(day), end, begins=begins))

    async def _read(self, reading: _Reading, before: int) -> None:
        """Takes the day's events that are new, below the id `before`."""
        if reading.first is None:
            reading.first, _ = await self._ids(reading.day)
            reading.after = reading.first - 1
        more = True
        while more:
            events, reading.after, more = await self._log.store.orders_events(reading.after, before, limit=PAGE_EVENTS)
            for ms, event in events:
                reading.figures.take(ms, event)

    async def _count(self, reading: _Reading) -> Json:
        log, late_ms = self._log, int(self._log.config.late_minutes * 60_000)
        return await asyncio.to_thread(reading.figures.summary, log.clocks.wall(), log.zone, late_ms)

    async def _told(self, day: date, up_to: int, counted: Json) -> Json:
        log = self._log
        now, zone = log.clocks.now(), log.zone
        return {
            "dia": day.isoformat(),
            "desde": iso(self._start(day), zone),
            "hasta": iso(self._start(day + timedelta(days=1)), zone),
            "hora_servidor": iso(now.ms, zone),
            "cursor": log.cursor(up_to),
            "tarde_segundos": round(log.config.late_minutes * 60),
            "abiertos": await log.store.count_open(now.steady, log.limits),
            **counted,
        }

    def _start(self, day: date) -> WallMs:
        return business_day_start(day, self._log.zone)

    async def _ids(self, day: date) -> tuple[int, int]:
        """Returns the id of the day's first event, and the one before which its last event is."""
        first, last = await self._log.store.ids_at(self._start(day), self._start(day + timedelta(days=1)))
        return first, last + 1
