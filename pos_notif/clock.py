"""Time as the service sees it. The clock is passed in, so that a test can hold it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

# Milliseconds since 1970 in UTC.
Clock = Callable[[], int]

# Who closes after midnight still belongs to the evening before.
BUSINESS_DAY_CUT_HOURS = 4


def system_clock() -> int:
    return time.time_ns() // 1_000_000


def iso(ms: int, zone: tzinfo) -> str:
    """Writes a time as every time on the wire is written: ISO 8601, with milliseconds and the zone's offset."""
    seconds, millis = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, zone).replace(microsecond=millis * 1000).isoformat(timespec="milliseconds")


def parse_iso(text: str) -> int:
    """Returns the milliseconds since 1970 of an ISO 8601 time. Raises ValueError for a time without an offset, and for
    what is no time."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return round(moment.timestamp() * 1000)


def business_day(ms: int, zone: tzinfo) -> date:
    """Returns the restaurant's day at that time: before 04:00 in its zone it is still the day before."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
    return (local - timedelta(hours=BUSINESS_DAY_CUT_HOURS)).date()


def business_day_start(day: date, zone: tzinfo) -> int:
    """Returns when the restaurant's day begins, in milliseconds since 1970."""
    start = datetime(day.year, day.month, day.day, BUSINESS_DAY_CUT_HOURS, tzinfo=zone)
    return int(start.timestamp() * 1000)
