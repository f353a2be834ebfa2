"""Real-time notifications for restaurants."""

from .app import create_app
from .config import Config
from .notifier import NotificadorPedidos

__all__ = ["Config", "NotificadorPedidos", "create_app"]
