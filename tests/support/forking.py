"""Services without the second that Python takes to import them: a process that has them imported forks one for each.

What runs is the command line's own `main` in a process of its own, with its own arguments, environment and pipes. It is
signalled, killed and waited for as any other. The tests of the command line itself start Python anew.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

LARGEST_MESSAGE = 256 * 1024


class ForkedProcess:
    """It has what the tests use of `subprocess.Popen`; its parent is the process that forks."""

    def __init__(self, pid: int, ended: int, stdout: IO[str], stderr: IO[str]) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._ended = ended
        self._reading = threading.Lock()
        weakref.finalize(self, os.close, ended)

    def poll(self) -> int | None:
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(["pos-notif"], timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _wait(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._ended, selectors.EVENT_READ)
                if not selector.select(timeout):
                    return None
            with self._reading:
                if self.returncode is None:
                    told = os.read(self._ended, 16)
                    assert told, "what forks the services has ended"
                    self.returncode = int(told)
        return self.returncode


class Forker:
    """Starts the process that forks when it is first needed, and ends it with this one. Several threads may ask it."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
        """`pos-notif ARGUMENTS`."""
        out, its_out = os.pipe()
        err, its_err = os.pipe()
        ended, its_end = os.pipe()
        asked = json.dumps({"arguments": list(arguments), "environment": dict(environment), "folder": os.getcwd()})
        with self._asking:
            control = self._started()
            given = array.array("i", [its_out, its_err, its_end])
            control.sendmsg([asked.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, given)])
            answer = control.recv(16)
        for descriptor in given:
            os.close(descriptor)
        assert answer, "what forks the services has ended"
        return ForkedProcess(int(answer), ended, open(out, encoding="utf-8"), open(err, encoding="utf-8"))

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """`pos-notif ARGUMENTS`, to its end."""
        process = self.start(arguments, environment)
        with process.stdout, process.stderr, ThreadPoolExecutor(1) as pool:
            errors = pool.submit(process.stderr.read)
            output = process.stdout.read()
            return subprocess.CompletedProcess(arguments, process.wait(), output, errors.result())

    def _close(self) -> None:
        assert self._process is not None
        assert self._control is not None
        self._control.close()
        self._process.wait(30)

    def _started(self) -> socket.socket:
        if self._control is None:
            self._control, its_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_MESSAGE)
            with its_control:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.forking_process", str(its_control.fileno())],
                    stdin=subprocess.DEVNULL, pass_fds=[its_control.fileno()], cwd=Path(__file__).parents[2],
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )  # fmt: skip
            atexit.register(self._close)
        return self._control


FORKER = Forker()
