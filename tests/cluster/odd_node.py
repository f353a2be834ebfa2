"""`pos-notif serve` as a node that is odd: its clock is wrong, its disk slow, or its version a newer one.

    python -m tests.cluster.odd_node CONTROL serve --port 0 --database FILE

CONTROL is that of `tests.faults.held_app`, and in it `commit`: seconds that each COMMIT of a record takes longer;
`fails`: whether each COMMIT fails, as on a disk that does; and `newer`: whether this version has one step of the schema
more.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from pos_notif.cli.main import main
from pos_notif.cluster.replica import Replica
from pos_notif.cluster.service import ClusterService
from pos_notif.config import Config
from pos_notif.database import file
from pos_notif.server import run as server
from tests.faults.held_app import SetClock

NEWER_STEP = """
    UPDATE products SET category = 'Sin categoría' WHERE category IS NULL;
    CREATE INDEX products_price ON products (price);
"""
SOUND = {"offset": 0.0, "passed": 0.0, "hold": 0.0, "commit": 0.0, "fails": False, "newer": False}


def set_control(control: Path, **odd: Any) -> list[str]:
    """What is odd from now on; returns the node's command."""
    whole = control.with_suffix(".new")
    whole.write_text(json.dumps({**SOUND, **odd}))
    os.replace(whole, control)
    return [sys.executable, "-m", "tests.cluster.odd_node", str(control)]


def run(control: Path, arguments: list[str]) -> None:
    commit = Replica._commit

    def slowly(self: Replica, *rest: Any) -> None:
        odd = json.loads(control.read_text())
        time.sleep(odd["commit"])
        if odd["fails"]:
            raise sqlite3.OperationalError("disk I/O error")
        commit(self, *rest)

    def odd_cluster(config: Config, port: int) -> ClusterService:
        clock = SetClock(control)
        return ClusterService.of(config, port, clock, clock.ticks)

    Replica._commit = slowly  # type: ignore[method-assign]
    server.cluster_of = odd_cluster
    if json.loads(control.read_text())["newer"]:
        file.SCHEMA_VERSION += 1
        file.MIGRATIONS[file.SCHEMA_VERSION] = NEWER_STEP  # type: ignore[index]
    main(arguments)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
