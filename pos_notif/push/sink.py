"""The sink: one more reader of the log, which tells phones of what it reads. Publishing never waits for it.

It has a cursor in the database: what events up to it had to say is sent, or dropped. Each device has its own place too,
written after each message that was sent to it. So a process that is killed at any moment leaves one message for each
device of which nobody knows whether it was sent; the next one sends it again, and it takes its own place on the phone.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from dataclasses import dataclass
from functools import partial

from ..clock import SteadyMs
from ..errors import LogUnavailable
from ..events import MANAGERS
from ..log.event_log import LoggedEvent, Pruned
from ..log.lead import Lead
from ..log.live import LiveLog
from ..log.tail import Waiter
from ..push_settings import FULL
from .sender import LATE, SEEN, Delivery, Sender
from .store import PushStore
from .telling import ALARM_TYPES, TOLD_TYPES, orders_of, recipients, tell

logger = logging.getLogger("pos_notif")

RETRY_SECONDS = 5.0
# The cursor is written at most this often: each device's place is what keeps it from being told twice.
SAVE_SECONDS = 10.0
# Events that wait for a page's word. The log has the others.
MOST_PENDING = 1000
# Events that said nothing, after which the cursor is written all the same.
_MANY = 5000


@dataclass(slots=True)
class _Pending:
    event: LoggedEvent
    due: float  # by the loop's time
    appended: SteadyMs


class PushSink:
    """Use `start` once the log is open, and `close` before it is closed."""

    def __init__(self, log: LiveLog, store: PushStore, sender: Sender) -> None:
        self._log = log
        self._store = store
        self._sender = sender
        self._waiter = Waiter()
        self._patience = log.config.push_wait_seconds
        self._full, self._stock = log.config.push_detail == FULL, log.config.push_stock
        self._hours, self._zone = log.config.alarm_hours, log.zone
        self._pending: deque[_Pending] = deque()
        # By event: to how many devices it is on its way. In the log's order.
        self._open: dict[int, int] = {}
        self._examined = self._saved = 0
        self._save_at = 0.0
        self._told = False  # anything since the cursor was written
        self._task: asyncio.Task[None] | None = None

    def start(self, lead: Lead) -> None:
        """Begins to tell. What `lead` says is this one's to do."""
        self._task = asyncio.get_running_loop().create_task(self._run(lead), name="push")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def waiting(self) -> int:
        """Returns how many events wait for a page's word."""
        return len(self._pending)

    async def _run(self, lead: Lead) -> None:
        try:
            while True:
                await lead.taken()
                await self._tell_while_leading(lead)
        finally:
            lead.release()

    async def _tell_while_leading(self, lead: Lead) -> None:
        tail, wake = self._log.tail, self._waiter.wake
        lead.on_change(wake)
        tail.listen(self._waiter, MANAGERS)
        began = False
        try:
            while lead.leads and not self._log.closing:
                self._waiter.clear()
                try:
                    if not began:
                        await self._begin()
                        began = True
                    seconds = await self._step()
                except LogUnavailable as error:
                    logger.warning("phones are told nothing now: %s", error.reason)
                    seconds = RETRY_SECONDS
                except Exception:  # of one event; the next ones must be told
                    logger.exception("telling phones failed")
                    seconds = RETRY_SECONDS
                await self._waiter.wait(seconds)
        finally:
            lead.forget(wake)
            tail.forget(self._waiter, MANAGERS)
            await self._sender.close()
            self._pending.clear()
            self._open.clear()
        if self._log.closing:
            await asyncio.Event().wait()  # until `close`

    async def _begin(self) -> None:
        """Goes on where the process before this one ended; the first time of all, with what comes from now on."""
        found = await self._store.cursor()
        newest = self._log.bounds.newest
        if found is None:
            await self._store.save_cursor(newest)
            found = newest
        self._examined = self._saved = min(found, newest)

    async def _step(self) -> float | None:
        """Does what is due. Returns the seconds until something else is, or None where first something must happen."""
        loop = asyncio.get_running_loop()
        while len(self._pending) < MOST_PENDING and await self._read():
            pass
        while self._pending and self._pending[0].due <= loop.time():
            try:
                await self._tell(self._pending[0])
            except LogUnavailable:
                raise
            except Exception:  # of one event; the next ones must be told
                logger.exception("telling phones of event %d failed", self._pending[0].event.id)
            self._pending.popleft()
        waits = [self._pending[0].due - loop.time()] if self._pending else []
        behind = self._cursor() - self._saved
        if behind > _MANY or (behind > 0 and self._told):
            waits.append(self._save_at - loop.time())
            if waits[-1] <= 0:
                await self._save()
                waits.pop()
        return max(0.0, min(waits)) if waits else None

    async def _save(self) -> None:
        cursor, self._told = self._cursor(), False
        await self._store.save_cursor(cursor)
        self._saved, self._save_at = cursor, asyncio.get_running_loop().time() + SAVE_SECONDS

    def _cursor(self) -> int:
        """Returns the event up to which all is done."""
        undone = [next(iter(self._open), None), self._pending[0].event.id if self._pending else None]
        return min((event_id - 1 for event_id in undone if event_id is not None), default=self._examined)

    async def _read(self) -> bool:
        """Reads the log's next events. Tells whether there are more. Raises LogUnavailable."""
        try:
            page = await self._log.page(self._examined, MANAGERS)
        except Pruned:
            self._examined = self._log.bounds.oldest - 1
            return True
        now = asyncio.get_running_loop().time()
        for event in page.events:
            if event.tipo in TOLD_TYPES:
                appended = self._log.store.steady(event)
                age = (self._log.clocks.steady() - appended) / 1000
                self._pending.append(_Pending(event, now + max(0.0, self._patience - age), appended))
        self._examined = max(self._examined, page.examined)
        return page.more

    async def _tell(self, pending: _Pending) -> None:
        """Has everybody told whom the event concerns. Raises LogUnavailable."""
        event_id = pending.event.id
        if pending.event.tipo in ALARM_TYPES and not self._hours.holds(pending.event.ms, self._zone):
            return
        event = json.loads(pending.event.json)
        orders = await self._store.orders(orders_of(event))
        message = tell(event, orders, self._log.cursor(event_id), full=self._full, stock=self._stock)
        self._told = True
        if message is None:
            return
        until = SteadyMs(pending.appended + message.ttl_seconds * 1000)
        if until <= self._log.clocks.steady():
            for via in self._store.ways:
                self._sender.count(via, LATE)
            return
        people, devices, seen = await self._store.audience(event_id)
        wanted = recipients(message, people)
        for device in devices:
            if device.user_id not in wanted or device.done_id >= event_id or device.is_off:
                continue
            if device.user_id in seen:
                self._sender.count(device.via, SEEN)
                continue
            self._open[event_id] = self._open.get(event_id, 0) + 1
            self._sender.put(Delivery(device, message, until, partial(self._finished, event_id)))

    def _finished(self, event_id: int) -> None:
        left = self._open.get(event_id, 1) - 1
        if left:
            self._open[event_id] = left
        else:
            self._open.pop(event_id, None)
            self._waiter.wake()
