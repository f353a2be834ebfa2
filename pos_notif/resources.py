"""Where the files beside the code are: inside the package once installed, at the project's top level in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """`schema.sql`, `static` or `templates`."""
    installed = PACKAGE / name
    return installed if installed.exists() else PACKAGE.parent / name
