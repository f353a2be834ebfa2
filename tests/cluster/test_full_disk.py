"""A node whose disk is full leads no more: nobody would raise alarms."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.test_stopped_node import leads, two_files
from tests.faults.namespaces import unshare
from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.redis import RedisServer, redis_server
from tests.support.waiting import eventually

__all__ = ["redis_server"]

pytestmark = pytest.mark.faults


def test_a_leader_whose_disk_is_full_leaves_the_lead_and_goes_on_when_there_is_room(
    redis_server: RedisServer, make_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    namespace = unshare("--mount", ["mount", "-t", "tmpfs", "tmpfs", "/tmp"])
    disk, url = tmp_path / "disk", f"redis://127.0.0.1:{redis_server.port}"
    disk.mkdir()
    a, b, token = two_files(tmp_path, url)
    script = (
        f'mount -t tmpfs -o size=40m tmpfs "{disk}" && cp "{a}" "{disk}/a.db"'
        f' && exec "{sys.executable}" -m pos_notif "$@"'
    )
    settings = {"POS_NOTIF_CLUSTER": url}
    full = LiveServer(disk / "a.db", settings, command=[*namespace, "sh", "-c", script, "sh"], _token=token).start()
    try:
        eventually(lambda: leads(full))
        other = make_server(b, cluster=url)
        other._token = token
        assert full.process is not None
        inside = Path(f"/proc/{full.process.pid}/root{disk}")
        filler = inside / "filler"
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"x" * 512)
        number = 0

        def another_leads() -> bool:
            nonlocal number
            number += 1
            assert other.publish(stock_alert(number, "agotado"))["duplicado"] is False
            return leads(other)

        eventually(another_leads)
        assert not leads(full)
        filler.unlink()
        newest = other.publish(stock_alert(number + 1, "agotado"))["id"]
        eventually(lambda: full.request("GET", "/readyz")[0] == 200)
        eventually(
            lambda: full.request("GET", "/api/notificaciones/polling/manager")[2]["cursor"].endswith(f"-{newest}")
        )
        # Who leads it reads half a second later.
        eventually(lambda: (leads(other), leads(full)) == (True, False))
    finally:
        full.close()
