"""Reads an exported log line by line, each checked before it is handed on (docs/protocol.md, section 12)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import Unsound
from ..events import PRUNING
from ..log.hash_chain import ChainWalk, stated_id
from ..log.lines import LogState, split_line
from .progress import OnProgress

# No event is nearly so long; what is, is no export.
MAX_LINE_BYTES = 64 * 1024 * 1024
_LAST_LINE_BYTES = 4096
_IS_PRUNING = re.compile(rb'\{"id":[0-9]+,"tipo":"' + PRUNING.encode() + rb'"')
_HASH = re.compile("[0-9a-f]{64}")


class ExportReader:
    """A complete export. Iterate over it once, to its end: (stored bytes, hash) of each event. Raises Unsound with the
    first thing that is wrong, in words; where the last line is not that of a complete export, before anything else.
    """

    def __init__(self, file: BinaryIO, progress: OnProgress) -> None:
        self._file = file
        self._progress = progress
        self._end, self._total, self.state = self._read_last_line()
        self.rows = 0

    def __iter__(self) -> Iterator[tuple[bytes, str]]:
        walk = ChainWalk(self.state.anchor_id, self.state.anchor_hash)
        prunings = _Prunings()
        self._file.seek(0)
        position = 0
        while position < self._end:
            line = self._file.readline(MAX_LINE_BYTES)
            position += len(line)
            parts = split_line(line)
            if parts is None:
                raise Unsound(f"line {walk.rows + 1}: is no event")
            stored, previous_hash, own_hash = parts[0], parts[1].decode(), parts[2].decode()
            problem = walk.line(stored, previous_hash, own_hash)
            if problem is not None:
                raise Unsound(f"line {walk.rows + 1}: {self._reordered(walk) or problem}")
            if _IS_PRUNING.match(stored):
                prunings.add(stored)
            self.rows = walk.rows
            self._progress(position, self._end)
            yield stored, own_hash
        if walk.last_hash != self.state.head_hash:
            ends = f"it ends at event {walk.last_id}, but its head is {self.state.head_id}"
            raise Unsound(f"{ends}: its tail was cut")
        if walk.last_id > self.state.head_id or walk.rows != self._total:
            raise Unsound(f"it has {walk.rows} events, but its last line says {self._total}")
        if self.state.anchor_id and not prunings.explain(self.state):
            raise Unsound(f"it begins after event {self.state.anchor_id}, and no {PRUNING} event says so")

    def _read_last_line(self) -> tuple[int, int, LogState]:
        """Returns where the last line begins, how many events it speaks of, and the log's state."""
        size = self._file.seek(0, 2)
        self._file.seek(max(0, size - _LAST_LINE_BYTES))
        tail = self._file.read()
        start = tail.rstrip(b"\n").rfind(b"\n") + 1
        try:
            told = json.loads(tail[start:])
            if told["fin"] is not True:
                raise ValueError
            state = LogState(told["cabeza_id"], told["cabeza_hash"], told["ancla_id"], told["ancla_hash"])
            numbers, hashes = (state.head_id, state.anchor_id, told["total"]), (state.head_hash, state.anchor_hash)
            if not all(type(number) is int for number in numbers) or not all(map(_HASH.fullmatch, hashes)):
                raise ValueError
        except (ValueError, KeyError, TypeError) as error:
            raise Unsound(
                'it does not end with the line {"fin": true, …} of an NDJSON export: it broke off, or its tail was cut'
            ) from error
        if told.get("completo") is not True:
            raise Unsound("it is a filtered export: only a complete one can be verified or imported")
        return size - len(tail) + start, told["total"], state

    def _reordered(self, walk: ChainWalk) -> str | None:
        """Says so where the line that should follow the last good one comes later; None where it does not. It is looked
        for only where something is wrong."""
        here = self._file.tell()
        found = None
        self._file.seek(0)
        for number, line in enumerate(iter(lambda: self._file.readline(MAX_LINE_BYTES), b"")):
            event_id = stated_id(line)
            if number == walk.rows:
                found = event_id
            elif found is not None and number > walk.rows and event_id == walk.last_id + 1 and found > event_id:
                return f"event {found} stands before event {event_id}"
        self._file.seek(here)
        return None


class _Prunings:
    """The newest set of `poda` events."""

    def __init__(self) -> None:
        self._parts = 0
        self._last: tuple[int, str, int] = (0, "", 0)

    def add(self, stored: bytes) -> None:
        event = json.loads(stored)
        self._parts = self._parts + 1 if event["parte"] > 1 else 1
        self._last = (event["hasta_id"], event["ancla_hash"], event["partes"])

    def explain(self, state: LogState) -> bool:
        return self._last == (state.anchor_id, state.anchor_hash, self._parts)
