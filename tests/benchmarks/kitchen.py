"""An event on the kitchen's page with sixty open tickets: how long the page's main thread works until it is drawn.

    python -m tests.benchmarks.kitchen

It needs Chromium, as tests/browser does. Other processes make that time hardly longer.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import Restaurant
from tests.browser.full_board import OPEN_TICKETS, draws, events, open_full_board
from tests.support.chromium import PATIENCE_MS, launch
from tests.support.live_server import LiveServer


class MainThread:
    """The time that the page's main thread has worked."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked_ms(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def measure(page: Any, restaurant: Restaurant) -> list[float]:
    """What each event took, in ms."""
    open_full_board(page, restaurant)
    thread, took = MainThread(page), []
    for event in events():
        before = thread.worked_ms()
        draws(page, restaurant, event)
        took.append(thread.worked_ms() - before)
    return took


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        server = LiveServer(Path(directory) / "log.db", {"POS_NOTIF_ACCESS_LOG": "false"}).start()
        try:
            page = launch(playwright.chromium).new_page(
                viewport={"width": 1280, "height": 800}, reduced_motion="reduce", service_workers="block"
            )
            page.set_default_timeout(PATIENCE_MS)
            took = measure(page, Restaurant(server))
        finally:
            server.close()
    figures = f"{statistics.median(took):.1f}   (most {max(took):.1f})"
    print(f"an event on a board of {OPEN_TICKETS}, ms of the page's work    {figures}")


if __name__ == "__main__":
    main()
