"""Real-time notifications for restaurants."""

# Not typing's, which not every Python has that must be able to read this file (`__main__.py`).
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .app import create_app
    from .config import Config
    from .notifier import NotificadorPedidos

__all__ = ["Config", "NotificadorPedidos", "create_app"]
_WHERE = {"Config": "config", "NotificadorPedidos": "notifier", "create_app": "app"}


def __getattr__(name):
    # type: (str) -> object
    """Loads what the package offers when it is asked for: a process that only reads the log (`history/process.py`)
    needs neither the web framework nor its memory."""
    from importlib import import_module

    if name not in _WHERE:
        raise AttributeError("module " + repr(__name__) + " has no attribute " + repr(name))
    return getattr(import_module("." + _WHERE[name], __name__), name)
