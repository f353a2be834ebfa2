"""What the connections of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as HypercornConfig

from ..counts import Counts
from ..web.services import Services
from .newcomers import Newcomers


class Closing(Protocol):
    """A connection as the server ends it."""

    def close_if_idle(self) -> None: ...

    def abort(self) -> None: ...


@dataclass(slots=True)
class Serving:
    """What the connections of a server share. `services` gives None before the application serves."""

    app: ASGIWrapper
    services: Callable[[], Services | None]
    hypercorn: HypercornConfig
    context: WorkerContext
    counts: Counts
    write_timeout: float
    body_timeout: float | None
    newcomers: Newcomers
    log_accesses: bool = False
    fast_streams: bool = True
    stopping: bool = False
    # Every connection has been ended: one that was accepted before and is made only now is cut.
    over: bool = False
    connections: set[Closing] = field(default_factory=set)
    # Requests under way that no connection is waited for with: they are ended after the connections.
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    on_empty: Callable[[], None] = lambda: None

    def run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
