"""What the service says while it runs: all of it on standard error, since standard output is for scripts."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

from hypercorn.logging import Logger

from ..wire.json_text import escaped
from .loop_watch import logger as loop_logger

logger = logging.getLogger("pos_notif")
access_logger = logging.getLogger("pos_notif.access")

_LOGGED = "pos_notif.logged"


class AccessLog(Logger):
    """Writes one JSON line a request, without the query: what is in it is nobody's business who reads logs."""

    async def access(self, request: Any, response: Any, request_time: float) -> None:
        # Of a stream whose client has gone Hypercorn speaks then, and once more when its end has been written.
        if _LOGGED in request:
            return
        request[_LOGGED] = True
        client, _ = request.get("client") or (None, None)
        status = response["status"] if response is not None else None
        log_access(client, request.get("method", "WEBSOCKET"), request["path"], status, request_time)


def log_access(client: str | None, method: str, path: str, status: int | None, seconds: float) -> None:
    """Writes the line of one request. `status` is None where the client went away before the answer ended, as a closed
    stream's does."""
    told = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "client": client,
        "method": method,
        "path": path,
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    access_logger.info(escaped(json.dumps(told, ensure_ascii=False)))


class NoAccessLog(Logger):
    async def access(self, request: Any, response: Any, request_time: float) -> None:
        pass


def set_up_logging() -> None:
    """Sends everything that is logged to standard error; standard output is for scripts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    plain = logging.StreamHandler(sys.stderr)
    plain.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    for lines in (access_logger, loop_logger):  # each is JSON
        lines.addHandler(plain)
        lines.propagate = False
