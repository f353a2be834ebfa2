"""The network between a browser and a service: it can be cut, and be down."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class Network:
    """Passes TCP on to a service. `cut` breaks what is open; while it is not `up`, nothing new gets through. A request
    with the bytes of `refused` breaks its connection."""

    def __init__(self, target_port: int = 0) -> None:
        self.up = True
        self.refused = b""
        self.refusals = 0
        self.torn = threading.Event()
        self._counting = threading.Lock()
        self._left: int | None = None  # bytes of answers that still get through
        self.target_port = target_port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for end in list(self._open):
            _close(end)

    def tear(self, after: int) -> None:
        """Lets so many bytes more of the service's answers through, and breaks the connection on which the last of
        them went: `torn` tells when."""
        self.torn.clear()
        self._left = after

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *_: object) -> None:
        self.up = False
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self.up:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self.target_port))
                except OSError:
                    near.close()
                    continue
                self._open |= {near, far}
                if not self.up:  # since then, and what was cut may have been the others alone
                    _close(near)
                    _close(far)
                    self._open -= {near, far}
                    continue
                for source, target, passed in ((near, far, self._asked), (far, near, self._answered)):
                    threading.Thread(target=self._copy, args=(source, target, passed), daemon=True).start()

    def _asked(self, data: bytes) -> tuple[bytes, bool]:
        refused = bool(self.refused) and self.refused in data
        self.refusals += refused
        return (b"" if refused else data), not refused

    def _answered(self, data: bytes) -> tuple[bytes, bool]:
        with self._counting:  # each connection has its thread
            if self._left is None:
                return data, True
            data = data[: self._left]
            self._left -= len(data)
            if self._left:
                return data, True
            self._left = None
            self.torn.set()
            return data, False

    def _copy(
        self, source: socket.socket, target: socket.socket, passed: Callable[[bytes], tuple[bytes, bool]]
    ) -> None:
        """`passed` gives what goes on, and whether the connection does."""
        with contextlib.suppress(OSError):
            goes_on = True
            while goes_on and (data := source.recv(65536)):
                data, goes_on = passed(data)
                target.sendall(data)
        for end in (source, target):
            self._open.discard(end)
            _close(end)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
