"""One node is one process: a second one with its name is refused."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from ..errors import ConfigurationError
from .board import Pace
from .bulletin import Bulletin
from .packet import NODE_KEY, read_packet

# What a node posts of the file that it has open.
FILE = "archivo"
_LOOK_SECONDS = 0.25


def file_mark(database: str) -> bytes:
    """Returns what tells a file from all others, on this machine since it was started and on any other one."""
    boot = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    found = os.stat(database)
    return f"{boot} {found.st_dev} {found.st_ino}".encode() if boot else b""


def refuse_second(bulletin: Bulletin, number: int, name: str, mark: bytes) -> None:
    """Raises ConfigurationError where another process is this node and lives: its key changes while we look. One that
    was killed has left its key for some seconds; where it had the same file, whose lock we have taken since, it is
    known to be gone. Raises Unknown."""
    key = f"{NODE_KEY}{number}"
    found = bulletin.living(key).get(key)
    if found is None or (mark and read_packet(found).posts.get(FILE, (0, b""))[1] == mark):
        return
    deadline = time.monotonic() + Pace().life
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = bulletin.living(key).get(key)
        if now is None:
            return
        if now != found:
            raise ConfigurationError(f"POS_NOTIF_NODE: another process is the node {name} already, and lives")
