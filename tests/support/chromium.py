"""The browser of the tests."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType

WHOLE = shutil.which("chromium")
# The shell is the engine without the windows around it: a page costs half the work.
PATH = shutil.which("chromium-headless-shell") or WHOLE
# How long a test waits for what must come. It asserts nothing: a busy machine may take its time.
PATIENCE_MS = 60_000
# The last list of features is the one that Chromium takes: Playwright's own, and the two pages that Chromium loads for
# the address bar of each window, which cost more than most of our pages do.
FEATURES_OFF = (
    "AimEnabled", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "MediaRouter", "OptimizationHints", "PaintHolding",
    "ThirdPartyStoragePartitioning", "Translate", "WebUIOmniboxAimPopup", "WebUIOmniboxPopup",
)  # fmt: skip


def launch(chromium: BrowserType, path: str | None = PATH, *, heard: bool = False) -> Browser:
    """Only one that is heard plays by the machine's sound server; others have an audio clock of their own."""
    return chromium.launch(
        executable_path=path,
        ignore_default_args=["--mute-audio"] if heard else None,
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--disable-features={','.join(FEATURES_OFF)}",
        ],
    )
