"""Raises the alarms: one task that sleeps until something is due, and the lock by which one process alone does it.

A second process on the same log (a script's `NotificadorPedidos`, a second service) must not raise what the first one
has raised, and knows nothing of its screens: whoever has the lock raises alarms, by the screens that are connected to
it. The system takes the lock from a process that dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..clock import Instant, SteadyMs, WallMs, business_day, iso
from ..database.connecting import make_file
from ..delivery.presence import Directory
from ..errors import LogUnavailable
from ..events import FILTERED_ROOMS, KITCHEN, NO_SCREEN, ROLE_ROOM, SCREEN_BACK, UNSEEN, WAITERS
from ..log.event_log import Transaction
from ..log.live import LiveLog
from ..log.tables.alarms import Kept
from ..log.tail import Waiter
from ..publishing.system_events import append_system
from .rules import STALE_MS, Due, RoomScreens, Unseen

logger = logging.getLogger("pos_notif")

MAX_NAMED = 100
LOCK_RETRY_SECONDS = 5.0
WRITE_RETRY_SECONDS = 5.0
_ROLE_OF = {room: role for role, room in ROLE_ROOM.items() if room in FILTERED_ROOMS}


class AlarmWatch:
    """Use `start` once the log is open, and `close` before it is closed."""

    def __init__(self, log: LiveLog, directory: Directory) -> None:
        config = log.config
        self._log = log
        self._clocks = log.clocks
        self._directory = directory
        self._ack_seconds, self._screen_seconds = config.ack_seconds, config.screen_seconds
        self._hours, self._zone = config.alarm_hours, log.zone
        self._waiter = Waiter()
        self._rooms: dict[str, RoomScreens] = {}
        self._seen: dict[str, SteadyMs] = {}
        self._unseen: Unseen | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._ack_seconds or self._screen_seconds:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="alarms")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        """Is called by the tail where something has come for the kitchen: once for each commit, so it does next to
        nothing."""
        unseen, log = self._unseen, self._log
        if unseen is not None and unseen.arrived(log.tail.reached, _now(), self._clocks.steady()):
            self._waiter.wake()

    async def _run(self) -> None:
        log = self._log
        lock = Path(f"{log.database.path}-alarms")
        with contextlib.ExitStack() as held:
            await _take(lock, held)
            self._directory.on_screen(self._waiter.wake)
            log.tail.listen(self, KITCHEN)
            try:
                await self._begin()
                while True:
                    self._waiter.clear()
                    await self._waiter.wait(await self._raise_due())
            finally:
                self._directory.forget(self._waiter.wake)
                log.tail.forget(self, KITCHEN)

    async def _begin(self) -> None:
        """Takes up what was waited for when the process before this one ended. The time without a screen begins
        anew."""
        kept = await self._read(SteadyMs(self._clocks.steady() - int(self._ack_seconds * 1000) - STALE_MS))
        now, steady = _now(), self._clocks.steady()
        self._seen = kept.seen
        for room in FILTERED_ROOMS if self._screen_seconds else (KITCHEN,):
            self._rooms[room] = RoomScreens(now, steady, kept.lost.get(_ROLE_OF[room]))
        if self._ack_seconds:
            self._unseen = Unseen(self._ack_seconds, kept.covered)
            for event_id, at in kept.recent:
                self._unseen.arrived(event_id, now - max(0, steady - at) / 1000, at)
            if kept.raised is not None and kept.raised <= steady:
                self._unseen.raised(now - (steady - kept.raised) / 1000)

    async def _read(self, since: SteadyMs) -> Kept:
        while True:
            try:
                return await self._log.store.kept_alarms(since)
            except LogUnavailable as error:
                logger.warning("alarms: the log cannot be read: %s", error.__cause__)
                await asyncio.sleep(WRITE_RETRY_SECONDS)

    async def _raise_due(self) -> float | None:
        """Raises what is due. Returns the seconds until something else is, or None where first something must
        happen."""
        if self._log.closing:
            return None
        try:
            waits = [await self._check_room(room) for room in self._rooms]
            waits.append(await self._check_receipts())
        except LogUnavailable as error:
            logger.warning("an alarm cannot be written: %s", error.__cause__)
            return WRITE_RETRY_SECONDS
        except Exception:  # of one alarm; the others must go on being raised
            logger.exception("an alarm failed")
            return WRITE_RETRY_SECONDS
        ends = [seconds for seconds in waits if seconds is not None]
        return max(0.0, min(ends)) if ends else None

    # Screens

    async def _check_room(self, room: str) -> float | None:
        directory, screens = self._directory, self._rooms[room]
        now, at = _now(), self._clocks.now()
        was_present, present = screens.present, directory.has_screen(room)
        until = None if present else directory.polled_until(room)
        if until is not None and until <= at.steady:
            until = None
        screens.found(present or until is not None, now, at.steady)
        if screens.present or was_present:
            await self._note_seen(room, at)
        if screens.recovered and screens.lost is not None:
            seconds = max(0, at.steady - screens.lost) // 1000
            await self._append(SCREEN_BACK, _of_room(room) | {"segundos": seconds})
            screens.lost = None
        if until is not None:
            return (until - at.steady) / 1000  # a poller says nothing when it goes
        if not self._screen_seconds or not self._seen_today(room, at.ms):
            return None
        left = screens.due_in(now, at.ms, self._screen_seconds, self._hours, self._zone)
        if left == 0:
            since = iso(self._clocks.told(screens.gone), self._zone)
            await self._append(NO_SCREEN, _of_room(room) | {"desde": since})
            screens.lost = screens.gone
            return None
        return left

    def _seen_today(self, room: str, ms: WallMs) -> bool:
        seen = self._seen.get(room)
        if seen is None:
            return False
        return business_day(self._clocks.told(seen), self._zone) == business_day(ms, self._zone)

    async def _note_seen(self, room: str, at: Instant) -> None:
        """Notes once in a business day that the room has a screen."""
        if not self._seen_today(room, at.ms):
            await self._log.store.note_screen(room, at.ms)
            self._seen[room] = at.steady

    # Receipts

    async def _check_receipts(self) -> float | None:
        unseen = self._unseen
        if unseen is None:
            return None
        due = unseen.due(_now())
        if due is not None:
            if self._seen_today(KITCHEN, self._clocks.wall()) and await self._append_unseen(due):
                unseen.raised(_now())
            unseen.done(due)
        then = unseen.next_due()
        return None if then is None else then - _now()

    async def _append_unseen(self, due: Due) -> bool:
        def fields(transaction: Transaction, at: Instant) -> dict[str, Any] | None:
            found = transaction.unacknowledged(due.after, due.up_to, due.since)
            events = [event for event in found if self._hours.holds(event.ms, self._zone)]
            if not events:
                return None
            return {
                "evento_ids": [event.event_id for event in events[:MAX_NAMED]],
                "pedido_ids": list(dict.fromkeys(event.order_id for event in events))[:MAX_NAMED],
                "total": len(events),
                "segundos": max(0, at.steady - events[0].steady) // 1000,
                "hasta_id": due.up_to,
            }

        return await self._append_if(UNSEEN, fields)

    async def _append(self, tipo: str, fields: dict[str, Any]) -> None:
        await self._append_if(tipo, lambda transaction, at: fields)

    async def _append_if(self, tipo: str, fields: Callable[[Transaction, Instant], dict[str, Any] | None]) -> bool:
        """Appends what `fields` says, unless that is nothing. Returns whether it did."""

        def work(transaction: Transaction) -> bool:
            at = self._clocks.now()
            own = fields(transaction, at)
            if own is None:
                return False
            append_system(transaction, tipo, own, at=at, zone=self._zone, rooms={WAITERS})
            return True

        return await self._log.transact(work)


def _of_room(room: str) -> dict[str, Any]:
    return {"rol": _ROLE_OF[room], "sala": room}


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _take(path: Path, held: contextlib.ExitStack) -> None:
    """Takes the lock until `held` is closed. Waits for as long as another process has it."""
    told = None
    while True:
        try:
            make_file(path)  # its owner's alone: who may open it may hold the lock
            file = held.enter_context(path.open("a"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            held.close()
            taken = isinstance(error, BlockingIOError)
            reason = "another process raises those of this log" if taken else str(error)
            if reason != told:
                logger.warning("no alarms from here: %s", reason)
                told = reason
            await asyncio.sleep(LOCK_RETRY_SECONDS)
        else:
            return
