"""What another process writes to the same log: found wherever this one happens to be."""

from __future__ import annotations

import asyncio
import threading

from pos_notif import NotificadorPedidos
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
