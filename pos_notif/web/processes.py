"""What the processes of one service have of the machine, together, for `/metrics`. Prometheus' library tells of one
process alone, and of nothing where there are several."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Processes(NamedTuple):
    """What a parent and its workers have. Memory that they share is counted once; `cpu_seconds` has what ended ones
    have had too, and so never becomes less."""

    cpu_seconds: float
    resident_bytes: int
    virtual_bytes: int
    open_files: int
    max_files: int
    started: float


def read_processes(parent: int) -> Processes:
    """Returns what a service's processes have by now, from `/proc`. Raises OSError where it has ended, or where that
    may not be read."""
    for _ in range(10):
        own = _stat(parent)
        children = _told(f"{parent}/task/{parent}/children").split()
        try:
            return _read(parent, own, list(map(int, children)))
        except (FileNotFoundError, ProcessLookupError):
            pass  # one has ended meanwhile, and what it had is the parent's now
    raise OSError("its processes come and go")


def _read(parent: int, own: list[int], children: list[int]) -> Processes:
    family = [parent, *children]
    stats = [own, *map(_stat, children)]
    found = Processes(
        sum(sum(stat[_TIMES]) for stat in stats) / os.sysconf("SC_CLK_TCK"),
        sum(map(_shared_out_bytes, family)),
        sum(stat[_VIRTUAL] for stat in stats),
        sum(len(os.listdir(f"/proc/{process}/fd")) for process in family),
        sum(map(_max_files, family)),
        _booted() + own[_STARTED] / os.sysconf("SC_CLK_TCK"),
    )
    if _stat(parent)[_CHILDRENS_TIMES] != own[_CHILDRENS_TIMES]:
        raise ProcessLookupError  # it would be counted as its own and as the parent's, or not at all
    return found


# Of what follows the name in /proc/<pid>/stat: user's and system's time, one's own and that of one's ended children.
_TIMES, _CHILDRENS_TIMES = slice(11, 15), slice(13, 15)
_STARTED, _VIRTUAL = 19, 20


def _stat(process: int) -> list[int]:
    fields = _told(f"{process}/stat").rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]


def _shared_out_bytes(process: int) -> int:
    """Returns its memory, and of what it shares with others its part."""
    for line in _told(f"{process}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _max_files(process: int) -> int:
    for line in _told(f"{process}/limits").splitlines():
        if line.startswith("Max open files"):
            return int(line.split()[3])
    return 0


def _booted() -> float:
    for line in _told("stat").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0


def _told(name: str) -> str:
    return Path(f"/proc/{name}").read_text()
