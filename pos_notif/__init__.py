"""Real-time notifications for restaurants."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import create_app
    from .config import Config
    from .notifier import NotificadorPedidos

__all__ = ["Config", "NotificadorPedidos", "create_app"]
_WHERE = {"Config": "config", "NotificadorPedidos": "notifier", "create_app": "app"}


def __getattr__(name: str) -> Any:
    """What the package offers, loaded when it is asked for: a process that only reads the log (`history/process.py`)
    needs neither the web framework nor its memory."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)
