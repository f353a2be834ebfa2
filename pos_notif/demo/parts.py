"""The processes of a demo with several nodes."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ETCD, REDIS = ENGINES = ("etcd", "redis")
NAMES = "abcde"
# In which one may watch the others go on without what was killed.
AWAY_SECONDS = 10.0
_STOP_SECONDS = 5.0


@dataclass(slots=True)
class Part:
    """A process of the demo: a node, or what orders the nodes' transactions. What it says is in the file `says`."""

    name: str
    command: list[str]
    says: Path
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it in a session of its own: the terminal's Ctrl-C is for the demo, which ends all in their order."""
        with self.says.open("ab") as said:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )

    @property
    def number(self) -> int:
        """Returns its process's id."""
        assert self.process is not None
        return self.process.pid

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Ends it, and waits for that."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        """Returns the last line that it has said."""
        lines = self.says.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


@dataclass(slots=True)
class Parts:
    """All of them: what orders, and the nodes, which are ended first."""

    engine: list[Part]
    nodes: list[Part]

    def end(self) -> None:
        for part in (*self.nodes, *self.engine):
            part.end()
