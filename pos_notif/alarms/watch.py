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

from ..clock import business_day, iso
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
        self._directory = directory
        self._ack_seconds, self._screen_seconds = config.ack_seconds, config.screen_seconds
        self._hours, self._zone = config.alarm_hours, log.zone
        self._waiter = Waiter()
        self._rooms: dict[str, RoomScreens] = {}
        self._seen_ms: dict[str, int] = {}
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
        if unseen is not None and unseen.arrived(log.tail.reached, _now(), log.clock()):
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
        kept = await self._read(self._log.clock() - int(self._ack_seconds * 1000) - STALE_MS)
        now, ms = _now(), self._log.clock()
        self._seen_ms = kept.seen_ms
        for room in FILTERED_ROOMS if self._screen_seconds else (KITCHEN,):
            self._rooms[room] = RoomScreens(now, ms, kept.lost_ms.get(_ROLE_OF[room]))
        if self._ack_seconds:
            self._unseen = Unseen(self._ack_seconds, kept.covered)
            for event_id, event_ms in kept.recent:
                self._unseen.arrived(event_id, now - max(0, ms - event_ms) / 1000, event_ms)
            if kept.raised_ms is not None and kept.raised_ms <= ms:
                self._unseen.raised(now - (ms - kept.raised_ms) / 1000)

    async def _read(self, since_ms: int) -> Kept:
        while True:
            try:
                return await self._log.store.kept_alarms(since_ms)
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
        now, ms = _now(), self._log.clock()
        was_present, present = screens.present, directory.has_screen(room)
        until = None if present else directory.polled_until(room)
        if until is not None and until <= ms:
            until = None
        screens.found(present or until is not None, now, ms)
        if screens.present or was_present:
            await self._note_seen(room, ms)
        if screens.recovered and screens.lost_ms is not None:
            seconds = max(0, ms - screens.lost_ms) // 1000
            await self._append(SCREEN_BACK, _of_room(room) | {"segundos": seconds})
            screens.lost_ms = None
        if until is not None:
            return (until - ms) / 1000  # a poller says nothing when it goes
        if not self._screen_seconds or not self._seen_today(room, ms):
            return None
        left = screens.due_in(now, ms, self._screen_seconds, self._hours, self._zone)
        if left == 0:
            await self._append(NO_SCREEN, _of_room(room) | {"desde": iso(screens.gone_ms, self._zone)})
            screens.lost_ms = screens.gone_ms
            return None
        return left

    def _seen_today(self, room: str, ms: int) -> bool:
        seen = self._seen_ms.get(room)
        return seen is not None and business_day(seen, self._zone) == business_day(ms, self._zone)

    async def _note_seen(self, room: str, ms: int) -> None:
        """Notes once in a business day that the room has a screen."""
        if not self._seen_today(room, ms):
            await self._log.store.note_screen(room, ms)
            self._seen_ms[room] = ms

    # Receipts

    async def _check_receipts(self) -> float | None:
        unseen = self._unseen
        if unseen is None:
            return None
        due = unseen.due(_now())
        if due is not None:
            ms = self._log.clock()
            if self._seen_today(KITCHEN, ms) and await self._append_unseen(due, ms):
                unseen.raised(_now())
            unseen.done(due)
        then = unseen.next_due()
        return None if then is None else then - _now()

    async def _append_unseen(self, due: Due, ms: int) -> bool:
        def fields(transaction: Transaction) -> dict[str, Any] | None:
            found = transaction.unacknowledged(due.after, due.up_to, due.since_ms)
            rows = [row for row in found if self._hours.holds(row[2], self._zone)]
            if not rows:
                return None
            return {
                "evento_ids": [event_id for event_id, _, _ in rows[:MAX_NAMED]],
                "pedido_ids": list(dict.fromkeys(order_id for _, order_id, _ in rows))[:MAX_NAMED],
                "total": len(rows),
                "segundos": max(0, ms - rows[0][2]) // 1000,
                "hasta_id": due.up_to,
            }

        return await self._append_if(UNSEEN, fields)

    async def _append(self, tipo: str, fields: dict[str, Any]) -> None:
        await self._append_if(tipo, lambda transaction: fields)

    async def _append_if(self, tipo: str, fields: Callable[[Transaction], dict[str, Any] | None]) -> bool:
        """Appends what `fields` says, unless that is nothing. Returns whether it did."""

        def work(transaction: Transaction) -> bool:
            ms, own = self._log.clock(), fields(transaction)
            if own is None:
                return False
            append_system(transaction, tipo, own, ms=ms, zone=self._zone, rooms={WAITERS})
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
