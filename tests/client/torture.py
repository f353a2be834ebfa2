"""Ten tills and the service are killed at random, and power is cut, or the service is away for long: no event is lost,
doubled or out of order."""

from __future__ import annotations

import contextlib
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pos_notif_client import Salida
from tests.client.program import ENVIRONMENT
from tests.client.till import STEPS
from tests.soak.check import Outcome, assert_log_is_sound, read_log
from tests.support.live_server import LiveServer

TILLS, SHARING = 10, 5  # those of one machine have one outbox
ORDERS_EACH = 1_000_000
PAUSE_SECONDS, AWAY_PAUSE_SECONDS = 0.05, 0.5  # between two calls of a till
KILL_EVERY, SERVICE_KILL_EVERY = (0.1, 0.8), (1.0, 4.0)
AWAY_SECONDS = (0.0, 2.0)
# What a run must have had to tell anything. On a busy machine it takes longer, but no longer than LONGEST_SECONDS.
ENOUGH = {"tills killed": 4, "power cuts of a machine of tills": 2, "service killed": 2}
ENOUGH_CALLS, LONGEST_SECONDS = 101, 300.0
AWAY_CALL_MILLISECONDS = 20  # at the median, what a till's call takes at most while the service is away


@dataclass
class Till:
    number: int
    db: Path
    stored: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    other_lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self, server: LiveServer, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Anew, with the order that it was at: whoever repeats a call after a power cut gives the same key."""
        first = self.stored[-1].split("-")[0] if self.stored else str(self.number * ORDERS_EACH + 1)
        program = str(Path(__file__).with_name("till.py"))
        self.process = subprocess.Popen(
            [sys.executable, program, str(self.db), server.url, server.token, first, str(pause_seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self.process,))
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):
                continue  # cut in the middle
            if line.startswith("stored "):
                _, key, milliseconds = line.split()
                self.stored.append(key)
                self.milliseconds.append(float(milliseconds))
            else:
                self.other_lines.append(line)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, kill: bool = False) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        if kill:
            self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def cut_power(tills: list[Till]) -> None:
    """Ends the tills of one machine at once, and leaves of their outbox what was in its file and its -wal then."""
    db = tills[0].db
    for till in tills:
        till.send(signal.SIGSTOP)
    for ending in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(f"{db}{ending}", f"{db}{ending}.kept")
    for till in tills:
        till.end(kill=True)
    for ending in ("", "-wal", "-shm", "-turno"):
        Path(f"{db}{ending}").unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            Path(f"{db}{ending}.kept").rename(f"{db}{ending}")


def torture(directory: Path, seconds: float, seed: int) -> Outcome:
    """For so long at least, and until there was ENOUGH of what may happen, or for LONGEST_SECONDS without it."""
    directory.mkdir(exist_ok=True)
    rng = Random(seed)
    server = LiveServer(directory / "log.db", {"POS_NOTIF_ACCESS_LOG": "false"}, forked=True).start()
    tills = [_till(number, directory) for number in range(TILLS)]
    counts = dict.fromkeys(ENOUGH, 0)
    with contextlib.ExitStack() as ends:
        ends.callback(server.close)
        for till in tills:
            till.start(server)
            ends.callback(till.end, kill=True)
        began = time.monotonic()
        next_service_kill = began + rng.uniform(*SERVICE_KILL_EVERY)
        while time.monotonic() < began + (seconds if _was_enough(counts, tills) else max(seconds, LONGEST_SECONDS)):
            if time.monotonic() >= next_service_kill:
                server.kill()
                counts["service killed"] += 1
                time.sleep(rng.uniform(*AWAY_SECONDS))
                server.start()
                next_service_kill = time.monotonic() + rng.uniform(*SERVICE_KILL_EVERY)
            till = rng.choice(tills)
            if rng.random() < 0.3:
                machine = [other for other in tills if other.db == till.db]
                cut_power(machine)
                counts["power cuts of a machine of tills"] += 1
            else:
                machine = [till]
                till.end(kill=True)
                counts["tills killed"] += 1
            for ended in machine:
                ended.start(server)
            time.sleep(rng.uniform(*KILL_EVERY))  # the tills' own: on a busy machine, none would live to make a call
        for till in tills:
            till.end()
        outcome = _drain_and_check(server, tills)
    outcome.figures = [*((name, str(count)) for name, count in counts.items()), *_figures(server, tills)]
    return outcome


def _was_enough(counts: dict[str, int], tills: list[Till]) -> bool:
    calls = sum(len(till.milliseconds) for till in tills)
    return calls >= ENOUGH_CALLS and all(counts[name] >= count for name, count in ENOUGH.items())


def away(directory: Path, seconds: float) -> Outcome:
    """Ten tills go on while the service is not there, and their calls take no longer for it; then it is. How long a
    call takes is the machine's too: `tests/soak/run` asks that, and no test does."""
    directory.mkdir(exist_ok=True)
    server = LiveServer(directory / "log.db", {"POS_NOTIF_ACCESS_LOG": "false"}, forked=True).start()
    tills = [_till(number, directory) for number in range(TILLS)]
    with contextlib.ExitStack() as ends:
        ends.callback(server.close)
        assert server.token  # made before the service goes
        server.stop()
        for till in tills:
            till.start(server, AWAY_PAUSE_SECONDS)
            ends.callback(till.end, kill=True)
        time.sleep(seconds)
        for till in tills:
            till.end()
        server.start()
        outcome = _drain_and_check(server, tills)
    outcome.figures = [("seconds away", f"{seconds:.0f}"), *_figures(server, tills)]
    median = statistics.median(milliseconds for till in tills for milliseconds in till.milliseconds)
    if median >= AWAY_CALL_MILLISECONDS:
        outcome.problems.append(
            f"a call took {median:.1f} ms at the median, and {AWAY_CALL_MILLISECONDS} at most are meant"
        )
    return outcome


def _till(number: int, directory: Path) -> Till:
    return Till(number, directory / ("one.db" if number < SHARING else f"till-{number}.db"))


def _figures(server: LiveServer, tills: list[Till]) -> list[tuple[str, str]]:
    calls = sorted(milliseconds for till in tills for milliseconds in till.milliseconds)
    return [
        ("calls that returned", str(len(calls))),
        ("events in the log", str(len(read_log(server.database)))),
        ("milliseconds a call: median, 99 %", f"{statistics.median(calls):.1f}, {calls[len(calls) * 99 // 100]:.1f}"),
    ]


def _drain_and_check(server: LiveServer, tills: list[Till]) -> Outcome:
    outcome = Outcome()
    for db in sorted({till.db for till in tills}):
        outbox = Salida(db, server.url, server.token)
        if not outbox.vaciar(120):
            outcome.problems.append(f"{db.name}: not all is sent: {outbox.estado()}")
        outcome.problems += [f"{db.name}: refused: {refused}" for refused in outbox.rechazados()]
        outbox.cerrar()
    assert_log_is_sound(server.database)
    keys = [event["operacion_id"] for event in read_log(server.database)]
    if len(set(keys)) < len(keys):
        outcome.problems.append(f"{len(keys) - len(set(keys))} events are there twice")
    for till in tills:
        outcome.problems += [f"till {till.number} said {line}" for line in till.other_lines]
        lost = set(till.stored) - set(keys)
        outcome.problems += [f"till {till.number}: stored, and not in the log: {sorted(lost)}"] if lost else []
        own = [key for key in keys if int(key.split("-")[0]) // ORDERS_EACH == till.number]
        if own != sorted(own, key=_place):
            outcome.problems.append(f"till {till.number}: out of order")
        there = set(own)
        gaps = [key for key in own if _place(key)[1] and _before(key) not in there]
        outcome.problems += [f"till {till.number}: without what was before it: {gaps}"] if gaps else []
    outcome.problems += [f"the server logged: {line}" for line in server.stderr_lines if "Traceback" in line]
    return outcome


def _place(key: str) -> tuple[int, int]:
    order, step = key.split("-")
    return int(order), STEPS.index(step)


def _before(key: str) -> str:
    order, step = _place(key)
    return f"{order}-{STEPS[step - 1]}"
