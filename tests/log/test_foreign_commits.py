"""What another process writes to the same log: found wherever this one happens to be."""

from __future__ import annotations

import asyncio
import threading

from pos_notif import NotificadorPedidos
from pos_notif.log.event_log import Bounds
from pos_notif.log.writer import SqliteLog
from tests.support.in_process import in_process
from tests.support.live_server import with_accounts
from tests.support.logs import fill_log, stock_alert


async def test_what_is_committed_while_a_process_starts_to_watch_is_not_missed(tmp_path):
    database = tmp_path / "log.db"
    async with NotificadorPedidos(database=str(database)) as notifier:
        # Before the loop runs again, and with it the task that watches.
        other = threading.Thread(target=fill_log, args=(database, [stock_alert(1)]))
        other.start()
        other.join()
        async with asyncio.timeout(60):
            while notifier.log.bounds.newest != 1:
                await asyncio.sleep(0.02)


async def test_what_is_committed_while_a_process_opens_the_log_is_held_once_and_in_order(tmp_path, monkeypatch):
    """As by the siblings of a worker that begins anew: between its look at the log's end and its look at what is
    newest."""
    database = tmp_path / "log.db"
    await asyncio.to_thread(fill_log, database, [stock_alert(1), stock_alert(2)])
    refresh, others = SqliteLog.refresh, [stock_alert(3)]

    async def refresh_late(log: SqliteLog) -> Bounds:
        if others:
            await asyncio.to_thread(fill_log, database, [others.pop()])
        return await refresh(log)

    monkeypatch.setattr(SqliteLog, "refresh", refresh_late)
    async with NotificadorPedidos(database=str(database)) as notifier:
        page = notifier.log.tail.page(0, "managers")
        assert page is not None
        assert [event.id for event in page.events] == [1, 2, 3]


async def test_another_process_that_publishes_has_nobody_looked_up_anew_and_one_that_revokes_has(tmp_path):
    """Under load there would be a look-up of everybody four times a second."""
    database = tmp_path / "log.db"
    async with in_process(database) as service:
        await service.create_tokens()
        await service.call("GET", "/api/auth/sesion", token=service.manager)
        known = service.accounts.remembered
        assert known("token", service.manager) is not None
        async with NotificadorPedidos(database=str(database)) as other:
            await other.notificar_stock_bajo(1, "Queso", 0)
        async with asyncio.timeout(60):
            while service.app.notifier.log.bounds.newest != 1:
                await asyncio.sleep(0.02)
        assert known("token", service.manager) is not None
        await asyncio.to_thread(with_accounts, database, lambda accounts: accounts.revoke_token("cajero"))
        async with asyncio.timeout(60):
            while known("token", service.manager) is not None:
                await asyncio.sleep(0.02)
        assert (await service.call("GET", "/api/auth/sesion", token=service.tokens["cajero"])).status == 401
        assert (await service.call("GET", "/api/auth/sesion", token=service.manager)).status == 200
