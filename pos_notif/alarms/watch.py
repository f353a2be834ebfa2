"""Raises the alarms: one task that sleeps until something is due, in the one process that leads.

A second process on the same log must not raise what the first one has raised: whoever leads raises alarms, by the
screens that are connected to any process of its service.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ..clock import Instant, SteadyMs, iso
from ..delivery.screens import Screens
from ..errors import LogUnavailable
from ..events import FILTERED_ROOMS, KITCHEN, NO_SCREEN, ROLE_ROOM, SCREEN_BACK, UNSEEN, WAITERS
from ..log.event_log import Transaction
from ..log.lead import Lead
from ..log.live import LiveLog
from ..log.tables.alarms import Kept
from ..log.tail import Waiter
from ..publishing.system_events import append_system
from .rules import STALE_MS, Due, RoomScreens, Unseen
from .seen import SeenRooms

logger = logging.getLogger("pos_notif")

MAX_NAMED = 100
WRITE_RETRY_SECONDS = 5.0
# While nobody knows which screens there are.
UNKNOWN_RETRY_SECONDS = 1.0
_ROLE_OF = {room: role for role, room in ROLE_ROOM.items() if room in FILTERED_ROOMS}


class AlarmWatch:
    """Use `start` once the log is open, and `close` before it is closed. What `lead` says is this one's to do."""

    def __init__(self, log: LiveLog, screens: Screens, lead: Lead) -> None:
        config = log.config
        self._log = log
        self._lead = lead
        self._clocks = log.clocks
        self._screens = screens
        self._ack_seconds, self._screen_seconds = config.ack_seconds, config.screen_seconds
        self._hours, self._zone = config.alarm_hours, log.zone
        self._waiter = Waiter()
        self._room_names = FILTERED_ROOMS if self._screen_seconds else (KITCHEN,)
        self._rooms: dict[str, RoomScreens] = {}
        self._seen = SeenRooms(log, screens.directory, self._room_names)
        self._unseen: Unseen | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._ack_seconds or self._screen_seconds:
            self._seen.start()
            self._task = asyncio.get_running_loop().create_task(self._run(), name="alarms")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            await self._seen.close()

    def wake(self) -> None:
        """Is called by the tail where something has come for the kitchen: once for each commit, so it does next to
        nothing."""
        unseen, log = self._unseen, self._log
        if unseen is not None and unseen.arrived(log.tail.reached, _now(), self._clocks.steady()):
            self._waiter.wake()

    async def _run(self) -> None:
        try:
            while True:
                await self._lead.taken()
                await self._raise_while_leading()
        finally:
            self._lead.release()

    async def _raise_while_leading(self) -> None:
        tail, wake = self._log.tail, self._waiter.wake
        self._lead.on_change(wake)
        self._screens.on_screen(wake)
        tail.listen(self, KITCHEN)
        try:
            await self._begin()
            while self._lead.leads:
                self._waiter.clear()
                await self._waiter.wait(await self._raise_due())
        finally:
            self._unseen = None
            self._lead.forget(wake)
            self._screens.forget(wake)
            tail.forget(self, KITCHEN)

    async def _begin(self) -> None:
        """Takes up what was waited for when the process before this one ended. The time without a screen begins
        anew."""
        kept = await self._read(SteadyMs(self._clocks.steady() - int(self._ack_seconds * 1000) - STALE_MS))
        now, steady = _now(), self._clocks.steady()
        for room in self._room_names:
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
        connected, screens = self._screens, self._rooms[room]
        now, at = _now(), self._clocks.now()
        if not connected.known:
            screens.unknown(now, at.steady)
            return UNKNOWN_RETRY_SECONDS
        present = connected.has_screen(room)
        until = None if present else connected.polled_until(room)
        if until is not None and until <= at.steady:
            until = None
        screens.found(present or until is not None, now, at.steady)
        if screens.recovered and screens.lost is not None:
            seconds = max(0, at.steady - screens.lost) // 1000
            await self._append(SCREEN_BACK, _of_room(room) | {"segundos": seconds})
            screens.lost = None
        if until is not None:
            return (until - at.steady) / 1000  # a poller says nothing when it goes
        if not self._screen_seconds or not await self._seen.today(room):
            return None
        left = screens.due_in(now, at.ms, self._screen_seconds, self._hours, self._zone)
        if left == 0:
            since = iso(self._clocks.told(screens.gone), self._zone)
            await self._append(NO_SCREEN, _of_room(room) | {"desde": since})
            screens.lost = screens.gone
            return None
        return left

    # Receipts

    async def _check_receipts(self) -> float | None:
        unseen = self._unseen
        if unseen is None:
            return None
        due = unseen.due(_now())
        if due is not None:
            if await self._seen.today(KITCHEN) and await self._append_unseen(due):
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
        """Appends what `fields` says, unless that is nothing or another process leads by now. Returns whether it
        did."""

        def work(transaction: Transaction) -> bool:
            if not self._lead.stands(transaction):
                return False
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
