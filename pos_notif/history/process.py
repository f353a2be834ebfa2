"""The process that reads and encodes a download, so that the service's event loop does neither: started by
`delivery/downloads.py` as `python -c … PACKAGE_DIRECTORY`, with what to read as JSON on standard input.

A thread would not do: while it encodes, each of the loop's sends would wait for Python's global lock. Nothing of the
web framework is loaded here (`tests/delivery/test_downloads.py` holds it), and the memory goes back when the process
ends.

Standard output: frames of a head (rows, size) and `size` bytes. The first frame's rows are how many will come, and its
bytes how many there are in all; a frame of size 0 is the end, without which what came is not the whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import struct
import sys
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from ..database.connecting import is_damage, open_for_reading
from ..log.event_log import Pruned
from ..log.lines import LogState
from .filters import parse_filters
from .query import Export

FRAME_HEAD = struct.Struct("!II")
PIPE_BYTES = 1024 * 1024
# Publishing and the streams come first where the cores are busy.
NICENESS = 10


# The exit code that says that the file is damaged.
DAMAGED = 3


def describe(export: Export, database: str, identity: tuple[int, int] | None) -> bytes:
    """Returns what `main` is told on standard input. `identity` is the device and the inode of the file that is to
    have the database's name."""
    state = export.state
    return json.dumps(
        {
            "database": database,
            "identity": identity,
            "format": export.format,
            "filters": export.filters.sent,
            "separator": export.separator,
            "after": export.after,
            "state": [state.head_id, state.head_hash, state.anchor_id, state.anchor_hash],
            "zone": str(export.zone),
        }
    ).encode()


def _described(asked: Mapping[str, Any]) -> Export:
    zone = ZoneInfo(asked["zone"])
    filters = parse_filters(asked["filters"], zone)
    return Export(asked["format"], filters, asked["separator"], asked["after"], LogState(*asked["state"]), zone)


def main() -> None:
    asked = json.load(sys.stdin.buffer)
    out = sys.stdout.fileno()
    os.nice(NICENESS)
    with contextlib.suppress(OSError):  # more than this user may have: the usual 64 KB do too
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    try:
        with contextlib.closing(open_for_reading(asked["database"])) as connection:
            found = os.stat(asked["database"])
            if [found.st_dev, found.st_ino] != asked["identity"]:
                sys.exit("the database file was replaced")
            reading = _described(asked).begin(connection)
            _write(out, reading.remaining, str(reading.total).encode())
            for rows, page in reading.pages:
                if page:
                    _write(out, rows, page)
            _write(out, 0, b"")
    except BrokenPipeError:  # the client, or the service, has gone
        pass
    except Pruned:
        sys.exit("rows were pruned before they were read")
    except OSError as error:
        sys.exit(str(error))
    except sqlite3.Error as error:
        sys.stderr.write(str(error))
        sys.exit(DAMAGED if is_damage(error) else 1)


def _write(out: int, rows: int, content: bytes) -> None:
    left = memoryview(FRAME_HEAD.pack(rows, len(content)) + content)
    while left:
        left = left[os.write(out, left) :]
