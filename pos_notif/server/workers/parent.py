"""The parent of several workers, which serve one log: it begins them, begins them anew, and ends them.

Each worker has a listening socket of its own, and the kernel deals the connections out among them. (Of one socket that
all listen on, whoever is awake takes most, and streams stay for ten minutes.) The parent keeps the sockets, so that a
worker's successor takes over what waits in its own. It serves nobody itself and never opens the log while there are
workers: a SQLite connection must not be forked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...config import Config
from ...database.file import opened
from ...database.locks import serving_alone
from ...errors import CommandFailed, ConfigurationError, LogRefused
from ..run import bind, collect_seldom, raise_file_limit
from ..signals import STOPPING, stop_on_signals
from ..tls import tls_context
from .exchange import Exchange, Member
from .pair import Pair
from .worker import Birth, be_sent_when_orphaned, be_worker, begin_anew

logger = logging.getLogger("pos_notif")

TICK_SECONDS = 1.0
# A worker that says nothing for so many ticks is frozen: it would hold locks, and its share of the connections.
FROZEN_TICKS = 15
# What is left of the five seconds in which a service stops is for who was killed to be gone.
STOP_SECONDS = 4.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
# Who has served for so long before it ended is begun anew as if it were the first time.
STEADY_SECONDS = 60.0
# Ends in a row before a worker has answered once.
FALSE_STARTS = 3


class _Worker:
    """A place for a worker, and whoever has it. Sockets and number stay; processes come and go."""

    def __init__(self, number: int, listener: socket.socket) -> None:
        self.number = number
        self.listener = listener
        self.woken, self.wakes = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.taken, self.passes = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.pid: int | None = None
        self.pair: Pair | None = None
        self.member: Member | None = None
        self.is_ready = False
        self.silent_ticks = 0
        self.false_starts = 0
        self.pause = FIRST_PAUSE_SECONDS
        self.ready_at = 0.0
        self.refusal: str | None = None

    @property
    def name(self) -> str:
        return f"worker {self.number} (process {self.pid})"


class Parent:
    """Runs until a signal stops it, or until a worker cannot be begun. `announce(port, has_users)` is called once all
    workers answer; `beside(port)` is then run in a process of its own, with whose end the service ends too."""

    def __init__(
        self, config: Config, listeners: list[socket.socket], tls: ssl.SSLContext | None,
        announce: Callable[[int, bool], None], beside: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        self._config = config
        self._beside = beside
        self._beside_pid: int | None = None
        self._tls = tls
        self._announce = announce
        self._announced = False
        self._workers = [_Worker(number, listener) for number, listener in enumerate(listeners, 1)]
        self._exchange = Exchange()
        self._stopping = asyncio.Event()
        self._failure: Exception | None = None
        self._changed = asyncio.Event()  # somebody has ended

    async def run(self) -> None:
        """Raises LogRefused or ConfigurationError where a worker says so, CommandFailed where one cannot begin."""
        stop_on_signals(self.stop)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for worker in self._workers:
            self._begin(worker)
        ticking = loop.create_task(self._tick(), name="heartbeats")
        await self._stopping.wait()
        ticking.cancel()
        await self._end_all()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._stopping.set()

    # Beginning

    def _begin(self, worker: _Worker) -> None:
        if self._stopping.is_set():
            return
        own, its = socket.socketpair()
        try:
            pid = _fork(lambda: self._be(worker, own, its))
        except OSError as error:  # of memory, or of processes
            logger.error("worker %d cannot begin: %s", worker.number, error)
            own.close()
            asyncio.get_running_loop().call_later(LONGEST_PAUSE_SECONDS, self._begin, worker)
            return
        finally:
            its.close()
        worker.pid, worker.silent_ticks, worker.is_ready, worker.refusal = pid, 0, False, None
        worker.pair = Pair(own, lambda message: self._handle(worker, message), lambda: None)
        worker.member = self._exchange.join(worker.number, worker.pair)
        logger.info("%s begins", worker.name)

    def _be(self, worker: _Worker, own: socket.socket, its: socket.socket) -> None:
        """Is a worker, in a process that was just forked."""
        own.close()
        self._let_go(worker)
        others = [other for other in self._workers if other is not worker]
        be_worker(
            Birth(
                worker.number, self._config, worker.listener, self._tls, its,
                worker.woken, [other.wakes for other in others],
                worker.taken, {other.number: other.passes for other in others},
            )
        )  # fmt: skip

    def _let_go(self, worker: _Worker | None = None) -> None:
        """Closes, in a process that was just forked, what leads to the others: they would not see that the parent has
        gone."""
        for other in self._workers:
            if other.pair is not None:
                other.pair.forget()
            if other is not worker:
                other.listener.close()

    def _begin_beside(self, beside: Callable[[int], None]) -> None:
        port, parent = self._port, os.getpid()

        def be() -> None:
            self._let_go()
            begin_anew()
            be_sent_when_orphaned(signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)
            code = 1
            try:
                beside(port)
                code = 0
            except CommandFailed as error:
                logger.error("%s", error)
            finally:
                os._exit(code)

        self._beside_pid = _fork(be)

    @property
    def _port(self) -> int:
        port: int = self._workers[0].listener.getsockname()[1]
        return port

    def _handle(self, worker: _Worker, message: list[Any]) -> None:
        worker.silent_ticks = 0
        assert worker.member is not None
        match message:
            case ["alive"]:
                pass
            case ["refused", reason]:
                worker.refusal = reason
            case ["ready", has_users]:
                worker.is_ready = worker.member.is_ready = True
                worker.false_starts, worker.ready_at = 0, time.monotonic()
                logger.info("%s answers", worker.name)
                if not self._announced and all(each.is_ready for each in self._workers):
                    self._open_doors(has_users)
            case _:
                self._exchange.handle(worker.member, message)

    def _open_doors(self, has_users: bool) -> None:
        self._announced = True
        try:
            self._announce(self._port, has_users)
        except OSError as error:  # standard output is closed
            return self._fail(error)
        if self._beside is not None:
            self._begin_beside(self._beside)

    # Watching

    async def _tick(self) -> None:
        """Counts ticks, not seconds: after a night in which the machine or this process stood still, all are heard
        before anybody is judged."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._reap()
            for worker in self._workers:
                if worker.pid is None:
                    continue
                worker.silent_ticks += 1
                if worker.silent_ticks == FROZEN_TICKS:
                    logger.error("%s has said nothing for %d s; it is killed", worker.name, FROZEN_TICKS)
                    os.kill(worker.pid, signal.SIGKILL)

    def _reap(self) -> None:
        if self._beside_pid is not None and os.waitpid(self._beside_pid, os.WNOHANG)[0]:
            self._beside_pid = None
            self._changed.set()
            self.stop()
        for worker in self._workers:
            if worker.pid is not None:
                pid, status = os.waitpid(worker.pid, os.WNOHANG)
                if pid:
                    self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, code: int) -> None:
        assert worker.pair is not None
        assert worker.member is not None
        worker.pair.receive()  # its last words
        worker.pair.close()
        self._exchange.leave(worker.member)
        name, why = worker.name, f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        worker.pid = worker.pair = worker.member = None
        self._changed.set()
        if self._stopping.is_set():
            logger.info("%s has ended (%s)", name, why)
            return
        if not worker.is_ready:
            worker.false_starts += 1
            if worker.refusal is not None and not self._announced:
                return self._fail(LogRefused(worker.refusal))
            if worker.false_starts == FALSE_STARTS:
                text = worker.refusal or f"{name} has ended {FALSE_STARTS} times before it answered ({why})"
                return self._fail(CommandFailed(text))
        elif time.monotonic() - worker.ready_at > STEADY_SECONDS:
            worker.pause = FIRST_PAUSE_SECONDS
        logger.error("%s has ended (%s); another one begins in %g s", name, why, worker.pause)
        asyncio.get_running_loop().call_later(worker.pause, self._begin, worker)
        worker.pause = min(2 * worker.pause, LONGEST_PAUSE_SECONDS)

    def _fail(self, failure: Exception) -> None:
        self._failure = failure
        self.stop()

    # Ending

    async def _end_all(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                if self._beside_pid is not None:  # its last requests are still answered
                    os.kill(self._beside_pid, signal.SIGTERM)
                    await self._until(lambda: self._beside_pid is None)
                for worker in self._workers:  # of the workers' own nobody hears any more once they have ended
                    worker.listener.close()
                self._signal_all(signal.SIGTERM)
                await self._until(self._have_all_ended)
        self._signal_all(signal.SIGKILL)
        if self._beside_pid is not None:
            os.kill(self._beside_pid, signal.SIGKILL)
        await self._until(lambda: self._have_all_ended() and self._beside_pid is None)

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid is not None:
                if number is signal.SIGKILL:
                    logger.error("%s does not end; it is killed", worker.name)
                os.kill(worker.pid, number)

    def _have_all_ended(self) -> bool:
        return all(worker.pid is None for worker in self._workers)

    async def _until(self, done: Callable[[], bool]) -> None:
        self._reap()
        while not done():
            self._changed.clear()
            await self._changed.wait()


def _fork(be: Callable[[], None]) -> int:
    """Runs `be()`, which does not return, in a process that is forked. Returns that one's id."""
    # A signal in between would be the parent's in both.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOPPING, signal.SIGCHLD))
    try:
        pid = os.fork()
        if pid == 0:
            be()
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*STOPPING, signal.SIGCHLD))


def serve_by_workers(
    config: Config,
    announce: Callable[[int, bool], None],
    prepare: Callable[[], Callable[[int], None]] | None = None,
) -> None:
    """Serves by `config.worker_count` processes until a signal stops them; else it does as `serve` of `server/run.py`.
    `prepare()` is called once the log is ours, and returns what is to run beside the workers. Raises PortUnavailable,
    LogRefused, CommandFailed or ConfigurationError."""
    if config.server != "hypercorn" or sys.platform != "linux":
        raise ConfigurationError("POS_NOTIF_WORKERS: more than one needs Linux and POS_NOTIF_SERVER=hypercorn")
    if config.cluster:
        raise ConfigurationError("POS_NOTIF_WORKERS: a cluster's node is one process; leave --workers away")
    raise_file_limit(config.max_connections)
    tls = tls_context(config)
    # Bound alone once: the kernel lets one that shares its port share it with another service of the same user.
    first = bind(config.host, config.port, config.write_timeout_seconds)
    port = first.getsockname()[1]
    first.close()
    listeners = [bind(config.host, port, config.write_timeout_seconds, shared=True) for _ in range(config.worker_count)]
    with serving_alone(config.database):
        with opened(Path(config.database), create=True):
            pass  # made, or brought up, once for all
        beside = prepare() if prepare is not None else None
        collect_seldom()

        async def run() -> None:
            await Parent(config, listeners, tls, announce, beside).run()

        asyncio.run(run())
