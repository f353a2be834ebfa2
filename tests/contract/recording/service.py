"""The service as its users have it: `python -m pos_notif` in processes of their own, with a clock that is held from
outside."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

START_MS = 1_795_568_712_345  # 2026-11-24T19:05:12.345-06:00
# In the process, before anything of the service is loaded: the system's clock reads a file, and what counts the time
# since the machine was started does too. The event loop's waits go by another clock, which is left as it is.
HELD = """
import runpy, sys, time
file = sys.argv.pop(1)
def held():
    with open(file) as clock:
        return int(clock.read()) * 1_000_000
time.time_ns = held
time.clock_gettime_ns = lambda clock: held()
runpy.run_module("pos_notif", run_name="__main__", alter_sys=True)
"""


class Clock:
    def __init__(self, directory: Path) -> None:
        self.file = directory / "clock"
        self._ms = START_MS
        self.later(0)

    def later(self, seconds: float) -> None:
        self._ms += round(seconds * 1000)
        new = self.file.with_name("clock.new")
        new.write_text(str(self._ms))
        new.replace(self.file)


class Program:
    """`pos-notif` of the installation that `python` belongs to."""

    def __init__(self, python: str, directory: Path) -> None:
        self.directory = directory
        self.clock = Clock(directory)
        self._command = [python, "-c", HELD, str(self.clock.file)]
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("POS_NOTIF_", "PYTHON")) or name == "PYTHONPYCACHEPREFIX"
        }
        # Help and usage are wrapped by the terminal's width; times of day are shown in the machine's zone.
        self._environ = {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "100",
            "TZ": "America/El_Salvador",
            "LC_ALL": "C.UTF-8",
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self._environ, cwd=self.directory,
        )  # fmt: skip

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self._command, *arguments], input=typed.encode(), capture_output=True, env=self._environ,
            cwd=self.directory, timeout=120,
        )  # fmt: skip


class Server:
    """`pos-notif serve`, with these settings, on a free port."""

    def __init__(self, program: Program, database: str, **settings: str) -> None:
        options = [part for name, value in settings.items() for part in ("--" + name.replace("_", "-"), value)]
        self.process = program.start("serve", "--port", "0", "--database", database, *options)
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline().decode()
        if not self.first_line:
            assert self.process.stderr is not None
            raise AssertionError(f"the service did not start: {self.process.stderr.read().decode()}")
        self.port = int(self.first_line.rsplit(":", 1)[1])
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Its pipe is emptied, or the access log would hold it up."""
        assert self.process.stderr is not None
        self.log.extend(line.decode() for line in self.process.stderr)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._reader.join(10)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
