"""Looks whether what rings phones is installed, the extra `push`."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import ConfigurationError

_LIBRARIES = ("httpx", "py_vapid", "http_ece", "cryptography")


def check_installed() -> None:
    """Raises ConfigurationError, in one line, where something is missing."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"POS_NOTIF_PUSH: {missing[0]} is not installed (pip install 'pos-notif[push]')")
