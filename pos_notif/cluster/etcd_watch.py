"""A watch of etcd's: one answer without an end, a line for each change of its keys."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from .etcd_client import ANSWER_SECONDS, EtcdClient
from .etcd_messages import Watched, WatchLine, decoded, encoded
from .sequence import Unfit, Unknown

_MOST_BYTES = 64 * 1024 * 1024


class EtcdWatch:
    """It is asked for in the words of HTTP 1.0, whose answer is nothing but the lines, and read in one thread; `close`
    may be called in another. It tells nothing that a decision may go by: its member may be behind."""

    def __init__(self, client: EtcdClient, keys: dict[str, Any], revision: int) -> None:
        """Begins to watch the keys, given as for a range, from this revision on. Raises Unknown or Unfit."""
        deadline = time.monotonic() + ANSWER_SECONDS
        self._connection = client.another(deadline)
        self.at = self._connection.at
        self._rest = b""
        try:
            self._send(encoded({"create_request": {**keys, "start_revision": revision}}))
            self._read_head(deadline)
            created = self.next(deadline)
            if created is None or not created.created:
                raise Unknown(f"etcd at {self.at} does not begin a watch")
        except BaseException:
            self.close()
            raise
        self.began_at = created.header.revision

    def next(self, deadline: float) -> Watched | None:
        """Returns the next line; None where there is none until then. Raises Unknown where the watch has ended."""
        line = self._line(deadline)
        if line is None:
            return None
        try:
            told = decoded(WatchLine, line)
        except msgspec.DecodeError as error:
            raise Unknown(f"etcd at {self.at}: its watch says what is none of its lines") from error
        if told.error is not None:
            raise self._connection.refused(told.error)
        if told.result is None or (told.result.canceled and not told.result.compact_revision):
            raise Unknown(f"etcd at {self.at} has ended a watch")
        return told.result

    def close(self) -> None:
        """Ends it, also for a thread that reads it."""
        self._connection.close()

    def _send(self, body: bytes) -> None:
        headers = {**self._connection.headers(), "Content-Length": str(len(body))}
        lines = ["POST /v3/watch HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        try:
            self._connection.socket.sendall("\r\n".join(lines).encode() + body)
        except OSError as error:
            raise self._broken(error) from error

    def _read_head(self, deadline: float) -> None:
        """Reads the status and the headers. An error stands in the line that follows, whatever the status is."""
        while (line := self._line(deadline)) not in (b"", b"\r"):
            if line is None:
                raise Unknown(f"etcd at {self.at} did not answer")

    def _line(self, deadline: float) -> bytes | None:
        while True:
            line, end, rest = self._rest.partition(b"\n")
            if end:
                self._rest = rest
                return line
            if len(self._rest) > _MOST_BYTES:
                raise Unknown(f"etcd at {self.at}: its watch has no end of a line")
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            try:
                self._connection.socket.settimeout(left)
                came = self._connection.socket.recv(256 * 1024)
            except TimeoutError:
                return None
            except (OSError, ValueError) as error:
                raise self._broken(error) from error
            if not came:
                raise self._broken(None)
            self._rest += came

    def _broken(self, error: Exception | None) -> Unknown | Unfit:
        return Unknown(f"etcd at {self.at}: its watch has broken ({error or 'it was closed'})")
