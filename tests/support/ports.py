"""Ports for programs that have to be told one."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Not the one that hypothesis begins anew in every process.
_random = random.SystemRandom()


def free_port() -> int:
    """Returns a port of 127.0.0.1 on which nobody listens. It is below those that the kernel gives to whoever connects
    or asks for any: one of these may be somebody else's before the program has it, or while it is started again."""
    end = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32768
    while True:
        port = _random.randrange(10_000, end)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
