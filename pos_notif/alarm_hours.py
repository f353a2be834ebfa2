"""The hours in which alarms are raised: always, or from one time of the day to another in the restaurant's zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

ALWAYS = "always"
_TIME = r"([01]?\d|2[0-3]):([0-5]\d)"
_SHIFT = re.compile(rf"{_TIME}\s*-\s*(?:{_TIME}|24:00)", re.ASCII)
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours of the day. `begin` and `end` are minutes since midnight, and the end is outside; a shift that ends before
    it begins crosses midnight."""

    begin: int
    end: int

    def holds(self, ms: int, zone: tzinfo) -> bool:
        """Tells whether `ms`, in milliseconds since 1970, lies within these hours of the zone."""
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
        minute = local.hour * 60 + local.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def next_begin(self, ms: int, zone: tzinfo) -> int:
        """Returns when the shift begins next after `ms`; both are milliseconds since 1970."""
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
        begin = local.replace(hour=self.begin // 60, minute=self.begin % 60, second=0, microsecond=0)
        if begin <= local:
            begin += timedelta(days=1)  # of the calendar: a day of 23 hours too
        return int(begin.timestamp() * 1000)


WHOLE_DAY = Shift(0, _DAY_MINUTES)


def parse_shift(text: str) -> Shift | None:
    """Reads `always`, or hours like `11:00-23:00`. Returns None for anything else."""
    if text.strip().lower() == ALWAYS:
        return WHOLE_DAY
    match = _SHIFT.fullmatch(text.strip())
    if match is None:
        return None
    begin = int(match[1]) * 60 + int(match[2])
    end = int(match[3]) * 60 + int(match[4]) if match[3] else _DAY_MINUTES
    return Shift(begin, end) if begin != end else None
