"""The stock Socket.IO client, which hears what comes in the order in which it came."""

from __future__ import annotations

from typing import Any

import engineio
import socketio


class _InTurn(engineio.Client):  # type: ignore[misc]
    def _trigger_event(self, event: str, *arguments: Any, **how: Any) -> Any:
        """Of itself it has a thread for each message, of which a busy machine may run a later one first."""
        return super()._trigger_event(event, *arguments, **{**how, "run_async": False})


class StockClient(socketio.Client):  # type: ignore[misc]
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InTurn
