"""What is installed with the code: its files, which are at the project's top level in a checkout, and its version."""

from __future__ import annotations

from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Returns where `schema.sql`, `static` or `templates` is."""
    installed = PACKAGE / name
    return installed if installed.exists() else PACKAGE.parent / name


@cache
def package_version() -> str:
    # Half as long to load as all else that a short command needs, and few ask for it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pos-notif")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0"
