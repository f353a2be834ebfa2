"""Which signals stop the service. Each that would kill it lets it end its streams first."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

STANDARD_ERROR = 2
# What a person types, what a supervisor sends, and what is sent to a daemon that is taken for another one.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Has `stop()` called in the running loop for each signal that stops the service.

    A hang-up stops it where standard error is a terminal, which has gone then; elsewhere it is what other daemons are
    told to read their configuration by, and nothing happens.
    """
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` has it ignored
        loop.add_signal_handler(signal.SIGHUP, stop if os.isatty(STANDARD_ERROR) else _nothing)


def _nothing() -> None:
    pass
