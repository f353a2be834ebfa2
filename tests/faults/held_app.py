"""`pos-notif serve` with a clock that a test can set, and with which it can hold the event loop up.

    python -m tests.faults.held_app CONTROL serve --port 0 --database FILE

CONTROL is a file of JSON: `offset`, seconds that the clock is ahead; `passed`, seconds that have passed besides;
`hold`, seconds for which the next publication's reading of the clock blocks the event loop.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from pos_notif.app import NotificationApp, create_app
from pos_notif.cli.main import main
from pos_notif.clock import system_clock, system_ticks
from pos_notif.config import Config
from pos_notif.server import run as server


class SetClock:
    def __init__(self, control: Path) -> None:
        self._control = control

    def __call__(self) -> int:
        found = json.loads(self._control.read_text())
        # Heartbeats and alarms ask for the time as well, and might come first.
        if found.get("hold") and any(frame.f_code.co_name == "publish" for frame, _ in traceback.walk_stack(None)):
            self._control.write_text(json.dumps({**found, "hold": 0}))
            time.sleep(found["hold"])
        return system_clock() + int((found["offset"] + found["passed"]) * 1000)

    def ticks(self) -> int:
        return system_ticks() + int(json.loads(self._control.read_text())["passed"] * 1000)


def create_held_app(config: Config, cluster: Any = None) -> NotificationApp:
    clock = SetClock(Path(sys.argv[1]))
    return create_app(config, clock=clock, ticks=clock.ticks, cluster=cluster)


if __name__ == "__main__":
    server.create_app = create_held_app  # type: ignore[assignment]
    main(sys.argv[2:])
