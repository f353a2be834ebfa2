"""The process that forks the services of `forking.py`:

    python -m tests.support.forking_process CONTROL

CONTROL is the number of the socket over which it is asked.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
import time
from typing import NoReturn

import pos_notif
from pos_notif.cli.main import main as run_command_line
from tests.support import kept
from tests.support.forking import LARGEST_MESSAGE


def import_everything() -> None:
    """What a service imports when it is asked for something, too."""
    for module in pkgutil.walk_packages(pos_notif.__path__, "pos_notif."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module("encodings.idna")  # for the first name that a socket is given


def fork_what_is_asked_for(control: socket.socket) -> list[str] | None:
    """Returns the arguments in each process that it forks; None where nobody asks any more."""
    ends: dict[int, int] = {}  # the pipe's end that is told a process's exit code
    woken, wakes = os.pipe2(os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _ in selector.select()]
            if woken in ready:
                os.read(woken, 4096)
                tell_who_ended(ends)
            if control.fileno() not in ready:
                continue
            given = array.array("i")
            message, ancillary, _, _ = control.recvmsg(LARGEST_MESSAGE, socket.CMSG_SPACE(3 * given.itemsize))
            if not message:
                return None
            given.frombytes(ancillary[0][2])
            out, err, end = given
            pid = os.fork()
            if pid == 0:
                break
            control.send(str(pid).encode())
            ends[pid] = end
            os.close(out)
            os.close(err)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(out, 1)
    os.dup2(err, 2)
    for descriptor in {out, err, end, woken, wakes, *ends.values()}:
        os.close(descriptor)
    control.close()
    asked = json.loads(message)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    return list(asked["arguments"])


def tell_who_ended(ends: dict[int, int]) -> None:
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        end = ends.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
            os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(end)


def main() -> None:
    import_everything()
    kept.keep()
    kept.make()
    gc.collect()
    gc.freeze()  # no service looks through what it has in common with the others
    with socket.socket(fileno=int(sys.argv[1])) as control:
        arguments = fork_what_is_asked_for(control)
    if arguments is None:
        return
    program = importlib.util.find_spec("pos_notif.__main__")
    assert program is not None
    assert program.origin is not None
    sys.argv = [program.origin, *arguments]  # as of `python -m pos_notif`
    try:
        run_command_line()
    except SystemExit as end:
        leave(end.code)
    leave(None)


def leave(code: object) -> NoReturn:
    """Ends as Python does, but that it does not take to pieces all that was imported before: the process has that in
    common with the others, and would get a copy of each page of it to do so, which costs half of what a short service
    costs in all."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    main()
