"""What a handler works with, made once when the application begins to serve (`app.py`)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from quart import current_app

if TYPE_CHECKING:
    from ..accounts.accounts import Accounts
    from ..config import Config
    from ..delivery.connections import Connections
    from ..delivery.downloads import Downloads
    from ..delivery.presence import Directory
    from ..delivery.streams import Streams
    from ..figures.today import DayFigures
    from ..log.live import LiveLog
    from ..publishing.publish import Publishing
    from .metrics import Metrics
    from .rate_limit import Buckets

EXTENSION = "pos_notif"


@dataclass(slots=True)
class Services:
    """What a handler works with. It exists while the application is serving."""

    config: Config
    log: LiveLog
    publishing: Publishing
    directory: Directory
    accounts: Accounts
    connections: Connections
    streams: Streams
    figures: DayFigures
    metrics: Metrics
    downloads: Downloads
    poll_limit: Buckets
    publish_limit: Buckets
    stopping: bool = False
    # The write that `/readyz` waits for.
    write_check: asyncio.Task[str | None] | None = None

    async def end_write_check(self) -> None:
        """Waits for the write that `/readyz` has begun, before the database is closed."""
        if self.write_check is not None:
            await asyncio.gather(self.write_check, return_exceptions=True)


def services() -> Services:
    """Returns the services of the application that answers the present request."""
    return cast(Services, current_app.extensions[EXTENSION])
