"""Whole messages over a pair of sockets: how a worker and the parent talk, without a file or a path.

Each is a list in MessagePack, after its length in four bytes. Both ends are the same version of this program.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import msgspec

_LENGTH_BYTES = 4
_READ_BYTES = 256 * 1024


class Pair:
    """One end. `on_message(message)` is called for each that comes, and `on_end()` once the other end is closed."""

    def __init__(self, own: socket.socket, on_message: Callable[[list[Any]], None], on_end: Callable[[], None]) -> None:
        own.setblocking(False)
        self._socket = own
        self._on_message = on_message
        self._on_end = on_end
        self._read = bytearray()
        self._unsent = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(own, self.receive)
        self._open = True

    @property
    def is_open(self) -> bool:
        return self._open

    def send(self, *message: Any) -> None:
        """Sends a message, later where the other end does not read now. It is lost where nobody is there any more."""
        if not self._open:
            return
        packed = msgspec.msgpack.encode(message)
        waited = bool(self._unsent)
        self._unsent += len(packed).to_bytes(_LENGTH_BYTES) + packed
        if not waited:
            self._write()

    def _write(self) -> None:
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:  # it is told by the reading end
            self._unsent.clear()
        if self._unsent:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def receive(self) -> None:
        """Handles what has come."""
        try:
            while self._open:
                part = self._socket.recv(_READ_BYTES)
                if not part:
                    return self._end()
                self._read += part
                self._handle()
        except BlockingIOError:
            pass
        except OSError:
            self._end()

    def _handle(self) -> None:
        start = 0
        while len(self._read) - start >= _LENGTH_BYTES:
            begin = start + _LENGTH_BYTES
            end = begin + int.from_bytes(self._read[start:begin])
            if end > len(self._read):
                break
            message = msgspec.msgpack.decode(bytes(self._read[begin:end]))
            start = end
            self._on_message(message)
        del self._read[:start]

    def _end(self) -> None:
        if self._open:
            self.close()
            self._on_end()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()

    def forget(self) -> None:
        """Closes it in a process that was forked from the one that has it, whose loop goes on with it."""
        self._open = False
        self._socket.close()
