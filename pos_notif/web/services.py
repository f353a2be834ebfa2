"""What a handler works with, made once by `create_app`."""

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
    from ..delivery.streams import Streams
    from ..figures.today import DayFigures
    from ..notifier import NotificadorPedidos
    from .metrics import Metrics
    from .rate_limit import Buckets

EXTENSION = "pos_notif"


@dataclass(slots=True)
class Services:
    """Everything but the first two exists while the application is serving."""

    config: Config
    notifier: NotificadorPedidos
    accounts: Accounts
    connections: Connections
    streams: Streams
    figures: DayFigures
    metrics: Metrics
    downloads: Downloads
    poll_limit: Buckets
    publish_limit: Buckets
    stopping: bool = False
    # The write that `/readyz` waits for; `create_app` awaits it before the database is closed.
    write_check: asyncio.Task[str | None] | None = None


def services() -> Services:
    return cast(Services, current_app.extensions[EXTENSION])
