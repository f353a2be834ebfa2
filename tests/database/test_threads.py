"""The connections' threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pos_notif.database.threads import Database
from pos_notif.errors import LogRefused


def test_a_connection_that_fails_leaves_no_thread_behind(tmp_path):
    """It would end with a traceback where the loop is closed before it says that it has ended."""
    log = tmp_path / "log.db"
    log.symlink_to(tmp_path / "none" / "log.db")

    async def open_and_look() -> list[threading.Thread]:
        before = threading.enumerate()
        with pytest.raises(LogRefused, match="unable to open database file"):
            await Database.open(log)
        return [thread for thread in threading.enumerate() if thread not in before]

    assert asyncio.run(open_and_look()) == []
