"""One worker: what a service of one process is, with the board that it shares with the others."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import ssl
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import msgspec

from ...app import create_app
from ...config import Config
from ...errors import ConfigurationError, LogRefused
from ...log.siblings import Siblings
from ..loop_watch import LoopWatch
from ..run import Server
from ..signals import STOPPING
from .board import WorkersBoard
from .passing import Passing

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Birth:
    """What a worker is born with. `listener` is its own, and its successor's; `pair` leads to the parent, `woken` is
    where its siblings wake it, and `wakes` is where it wakes them; `taken` is where they pass requests to it, and
    `passes` is where it passes some to them."""

    number: int
    config: Config
    listener: socket.socket
    tls: ssl.SSLContext | None
    pair: socket.socket
    woken: socket.socket
    wakes: Sequence[socket.socket]
    taken: socket.socket
    passes: Mapping[int, socket.socket]


def be_worker(birth: Birth) -> NoReturn:
    """Serves in a process that was just forked, until it ends. Nothing of the parent's is run in it any more."""
    begin_anew()
    # A frozen one goes on then, and sees that its parent has gone: nobody would kill it any more, and it would keep the
    # service's lock from the next one.
    be_sent_when_orphaned(signal.SIGCONT)
    code = 1
    try:
        asyncio.run(_serve(birth))
        code = 0
    except (LogRefused, ConfigurationError) as error:
        _refuse(birth, str(error))
    except BaseException:  # noqa: BLE001 - nothing above this one would tell it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def begin_anew() -> None:
    """Gives a process that was just forked from the parent signals of its own."""
    signal.set_wakeup_fd(-1)
    for number in (*STOPPING, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def be_sent_when_orphaned(number: signal.Signals) -> None:
    """Has the kernel send this process a signal when its parent ends."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


async def _serve(birth: Birth) -> None:
    config = birth.config
    stopping = asyncio.Event()
    board = WorkersBoard(birth.number, birth.pair.dup(), stopping.set)
    siblings = Siblings(birth.woken, birth.wakes, first=birth.number == 1)
    try:
        app = create_app(config, board=board, siblings=siblings)
        passing = Passing(app.asgi_app, birth.number, birth.taken, birth.passes)  # type: ignore[arg-type]
        app.asgi_app = passing  # type: ignore[assignment,method-assign]
        server = Server(app, config, birth.listener, birth.tls)
        orphaned = asyncio.get_running_loop().create_task(_stop_when(stopping, server), name="orphaned")

        def open_doors(has_users: bool) -> None:
            passing.start()  # what was passed to who was here before waits until requests are answered
            board.ready(has_users)

        with LoopWatch():
            await server.run(open_doors)
        orphaned.cancel()
        await passing.close()
    finally:
        board.close()


async def _stop_when(stopping: asyncio.Event, server: Server) -> None:
    """Stops a worker whose parent has gone: nobody would start it anew, and another service could not begin."""
    await stopping.wait()
    server.stop()


def _refuse(birth: Birth, reason: str) -> None:
    packed = msgspec.msgpack.encode(["refused", reason])
    with contextlib.suppress(OSError):
        birth.pair.setblocking(True)
        birth.pair.sendall(len(packed).to_bytes(4) + packed)
