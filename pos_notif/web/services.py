"""What a handler works with, made once when the application begins to serve (`app.py`)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from quart import current_app

from .rate_limit import Buckets

if TYPE_CHECKING:
    from ..accounts.accounts import Accounts
    from ..cluster.service import ClusterService
    from ..config import Config
    from ..delivery.connections import Connections
    from ..delivery.downloads import Downloads
    from ..delivery.presence import Directory
    from ..delivery.streams import Streams
    from ..figures.today import DayFigures
    from ..log.live import LiveLog
    from ..publishing.publish import Publishing
    from ..push.push import Push
    from .metrics import Metrics
    from .together import Together

EXTENSION = "pos_notif"
# Of one session: whoever taps "Probar" wants to see it arrive.
PUSH_TESTS_AT_ONCE, PUSH_TESTS_A_SECOND = 5, 0.1


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
    together: Together
    poll_limit: Buckets
    publish_limit: Buckets
    cluster: ClusterService | None = None
    # None where phones are not rung.
    push: Push | None = None
    push_tests: Buckets = field(default_factory=lambda: Buckets(PUSH_TESTS_AT_ONCE, PUSH_TESTS_A_SECOND))
    stopping: bool = False
    # The write that `/readyz` waits for, and the question to the other nodes.
    write_check: asyncio.Task[str | None] | None = None
    asking_nodes: asyncio.Task[bool] | None = None

    async def end_checks(self) -> None:
        """Waits for what `/readyz` has begun, before the database is closed."""
        begun = [task for task in (self.write_check, self.asking_nodes) if task is not None]
        await asyncio.gather(*begun, return_exceptions=True)


def services() -> Services:
    """Returns the services of the application that answers the present request."""
    return cast(Services, current_app.extensions[EXTENSION])
