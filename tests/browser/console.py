"""What a page complains of: errors, refused promises, dialogs."""

from __future__ import annotations

import re
from typing import Any

# What Chromium says of a network that breaks: of a socket in other words, where that broke before it was asked.
EXPECTED_NOISE = re.compile(
    r"Failed to load resource|net::ERR_|failed: Connection closed before receiving a handshake response$"
)


def watch(page: Any, complaints: list[str]) -> Any:
    """Collects from now on. A rejection that nobody handled is a page error too."""

    def on_console(message: Any) -> None:
        if message.type in ("error", "assert") and not EXPECTED_NOISE.search(message.text):
            complaints.append(message.text)

    def on_dialog(dialog: Any) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", on_dialog)
    return page
