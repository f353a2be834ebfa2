"""`ClusterBoard`: the board of a node. The nodes tell and ask each other by the engine's keys that pass away.

Each node has one key, `node/<number>`, with all that it has posted and the time by its own clock, and makes it anew
every second or two; who has no such key is gone. A question is a key `ask/…` that the others watch, and each answers by
a key `told/…`. What waits for the engine is done in three threads, each with a bulletin of its own: one watches, one
posts and answers, one counts tries.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import NamedTuple

from ..board import Outcome, Tries
from ..clock import WallClock, WallMs, system_clock
from ..errors import LogUnavailable
from .bulletin import Bulletin
from .caller import Caller, note_failure
from .packet import NODE_KEY, Packet, encode_packet, read_packet
from .sequence import Unknown

# A board that was not read for so long cannot be read.
STALE_SECONDS = 3.0
# At least so often it is read what is posted: a key that has passed away need not be told.
READ_SECONDS = 1.0
RETRY_SECONDS = 0.25
ANSWER_SECONDS = 1.0
# Longer than anybody waits for an answer, so that a key which nobody deletes is gone soon.
ASK_LIFE_SECONDS = 5.0
# Above it nothing is told: etcd takes 1.5 MB.
MAX_ANSWER_BYTES = 1024 * 1024

_ASK, _TOLD = "ask/", "told/"


class Pace(NamedTuple):
    """A node that posts nothing new says after `post` seconds that it is there, and is gone once it has not for `life`:
    a few failed tries longer. Where the board could not be read, what it lacks is unknown until it has been read for
    `settle` seconds: keys may have passed away meanwhile though their nodes live."""

    post: float = 2.0
    life: float = 6.0
    settle: float = 10.0


@dataclass(slots=True)
class Neighbour:
    """Another node, as it is known here. `heard_at` is when its key last changed, by `time.monotonic`; `wall_ms` is
    what its clock said then."""

    identity: str
    number: int
    wall_ms: WallMs
    heard_at: float
    posts: dict[str, tuple[int, bytes]]


@dataclass(slots=True)
class _Question:
    missing: set[int]
    answers: dict[int, bytes | None]
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0  # who makes a try or waits for its turn
    name: str = ""  # of the try that is being made


class ClusterBoard:
    """The board of node `number`. `bulletins()` makes a bulletin; `wall` is the machine's own clock. Use `start` in the
    running loop, and `close` there."""

    same_machine = False

    def __init__(
        self,
        number: int,
        bulletins: Callable[[], Bulletin],
        wall: WallClock = system_clock,
        pace: Pace = Pace(),  # noqa: B008 - it cannot be changed
    ) -> None:
        self.process: int | None = number
        # Of this process: the node's next one is another.
        self.identity = f"{number}:{secrets.token_hex(8)}"
        self.neighbours: dict[int, Neighbour] = {}
        self._number = number
        self._bulletins = bulletins
        self._wall = wall
        self._pace = pace
        self._numbers = count(1)
        self._own: dict[str, tuple[int, bytes]] = {}
        self._posts_due = asyncio.Event()
        self._confirmed_at = self._read_at = float("-inf")
        self._read_since = float("inf")
        self._listeners: dict[str, list[Callable[[int, bytes | None], None]]] = defaultdict(list)
        self._makers: dict[str, Callable[[], bytes]] = {}
        self._questions: dict[str, _Question] = {}
        self._asked: set[str] = set()
        self._turns: dict[str, _Turn] = {}
        self._on_read: list[Callable[[], None]] = []
        self._stopped = threading.Event()
        self._posting: asyncio.Task[None] | None = None
        self.is_withdrawn = False

    def start(self) -> None:
        """Begins to post and to read. What was registered before misses nothing."""
        self._loop = asyncio.get_running_loop()
        self._writer, self._counter = Caller(self._bulletins), Caller(self._bulletins)
        self._watcher = threading.Thread(target=self._watch, name="board-watch", daemon=True)
        self._watcher.start()
        self._posting = self._loop.create_task(self._post_again(), name="board")

    def withdraw(self) -> None:
        """Ends what this node posts, for good: the others take it for gone. It reads on."""
        if self._posting is None or self.is_withdrawn:
            return
        self.is_withdrawn = True
        self._posting.cancel()
        self._writer.soon(self._take_key_away)  # else it passes away by itself

    def _take_key_away(self, bulletin: Bulletin) -> None:
        bulletin.delete(f"{NODE_KEY}{self._number}")

    async def close(self) -> None:
        """Takes the node's key away, so that the others need not wait for its end, and ends the threads."""
        if self._posting is None:
            return
        self._posting.cancel()
        await asyncio.gather(self._posting, return_exceptions=True)
        self._posting = None
        self._stopped.set()
        with contextlib.suppress(Unknown, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._writer.call(self._take_key_away)
        await asyncio.to_thread(self._end_threads)

    def _end_threads(self) -> None:
        self._watcher.join()
        self._writer.close()
        self._counter.close()

    # What is known of the engine

    @property
    def known(self) -> bool:
        """Tells whether who has posted nothing is not there: the board is being read, and has been for long enough.
        Else that is unknown."""
        return self.read_for(float("-inf")) >= self._pace.settle

    @property
    def _is_read(self) -> bool:
        return time.monotonic() - self._read_at < STALE_SECONDS

    @property
    def is_confirmed(self) -> bool:
        """Tells whether the engine has lately confirmed what this node posts: it has an engine."""
        return time.monotonic() - self._confirmed_at < self._pace.post + STALE_SECONDS

    def heard_at(self, identity: str) -> float | None:
        """Returns when a process last posted, by `time.monotonic`; None for one that is not there."""
        if identity == self.identity:
            return time.monotonic()
        return next((each.heard_at for each in self.neighbours.values() if each.identity == identity), None)

    def read_for(self, since: float) -> float:
        """Returns for how many seconds since then the board has been read without a break, up to now."""
        return time.monotonic() - max(self._read_since, since) if self._is_read else 0.0

    def clocks(self) -> list[tuple[int, float]]:
        """Returns what the clocks of the other living nodes said, as `(milliseconds, how many seconds ago)`."""
        now = time.monotonic()
        return [(each.wall_ms, now - each.heard_at) for each in self.neighbours.values()]

    def on_read(self, call: Callable[[], None]) -> None:
        """Has `call()` made in the loop each time that the board was read, or could not be."""
        self._on_read.append(call)

    # Posts

    def post(self, name: str, value: bytes) -> None:
        self._own[name] = (next(self._numbers), value)
        self._posts_due.set()  # together with what else is posted in this turn of the loop

    async def _post_again(self) -> None:
        """Posts all that there is, each time that something is new, and else after the pace's `post` seconds."""
        key = f"{NODE_KEY}{self._number}"
        while True:
            self._posts_due.clear()
            packet = encode_packet(Packet(self.identity, next(self._numbers), self._wall(), self._own))
            asked_at = time.monotonic()
            try:
                await self._writer.call(partial(_put, key=key, value=packet, seconds=self._pace.life))
            except Unknown:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._confirmed_at = asked_at
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.post):
                    await self._posts_due.wait()

    def posted(self, name: str) -> Mapping[int, bytes]:
        return {number: each.posts[name][1] for number, each in self.neighbours.items() if name in each.posts}

    def on_post(self, name: str, call: Callable[[int, bytes | None], None]) -> None:
        self._listeners[name].append(call)

    # What the watching thread finds

    def _watch(self) -> None:
        bulletin, after, at = self._bulletins(), None, float("-inf")
        own, mine = f"{NODE_KEY}{self._number}", f"{_TOLD}{self._number}/"
        while not self._stopped.is_set():
            try:
                is_new = after is None
                after, keys = bulletin.changes(after, READ_SECONDS)
                if not is_new and all(key == own for key in keys) and time.monotonic() - at < READ_SECONDS:
                    continue
                at, nodes = time.monotonic(), bulletin.living(NODE_KEY)
                is_asked = is_new or any(key.startswith(_ASK) for key in keys)
                asked = bulletin.living(_ASK) if is_asked else None
                told = bulletin.living(mine) if any(key.startswith(mine) for key in keys) else {}
            except Exception as error:  # noqa: BLE001 - what cannot be read is unknown, whatever the reason
                after = None
                note_failure(error)
                self._in_loop(self._not_read)
                self._stopped.wait(RETRY_SECONDS)
            else:
                self._in_loop(self._read, at, nodes, asked, told)
        bulletin.close()

    def _in_loop(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # it is closed
            self._stopped.set()

    def _not_read(self) -> None:
        self._read_at, self._read_since = float("-inf"), float("inf")
        for call in self._on_read:
            call()

    def _read(
        self, at: float, nodes: Mapping[str, bytes], asked: Mapping[str, bytes] | None, told: Mapping[str, bytes]
    ) -> None:
        if at - self._read_at > STALE_SECONDS:
            self._read_since = at
        self._read_at = at
        self._take_in({int(key.removeprefix(NODE_KEY)): value for key, value in nodes.items()})
        if asked is not None:
            self._answer_to(set(asked))
        for key, value in told.items():
            _, _, nonce, number = key.split("/")
            self._note(nonce, int(number), value)
        for call in self._on_read:
            call()

    def _take_in(self, nodes: dict[int, bytes]) -> None:
        nodes.pop(self._number, None)
        for number, packed in nodes.items():
            self._hear(number, read_packet(packed))
        if self.known:
            for number in self.neighbours.keys() - nodes.keys():
                gone = self.neighbours.pop(number)
                for name in gone.posts:
                    self._tell(name, number, None)
                for nonce in list(self._questions):
                    self._note(nonce, number, b"")

    def _hear(self, number: int, packet: Packet) -> None:
        before = self.neighbours.get(number)
        posts: dict[str, tuple[int, bytes]] = {}
        if before is not None:
            if before.identity == packet.identity:
                if before.number == packet.number:
                    return
                posts = before.posts
            else:  # the node was started anew
                for name in before.posts.keys() - packet.posts.keys():
                    self._tell(name, number, None)
        self.neighbours[number] = Neighbour(
            packet.identity, packet.number, WallMs(packet.wall_ms), time.monotonic(), packet.posts
        )  # fmt: skip
        for name, (post, value) in packet.posts.items():
            if name not in posts or posts[name][0] != post:
                self._tell(name, number, value)

    def _tell(self, name: str, number: int, value: bytes | None) -> None:
        for call in self._listeners[name]:
            call(number, value)

    # Questions

    def answer(self, name: str, make: Callable[[], bytes]) -> None:
        self._makers[name] = make

    def _answer_to(self, asked: set[str]) -> None:
        new, self._asked = asked - self._asked, asked
        for key in new:
            _, asking, nonce, name = key.split("/", 3)
            if asking != str(self._number):
                make = self._makers.get(name)
                value = zlib.compress(make(), 1) if make is not None else b""
                if len(value) <= MAX_ANSWER_BYTES:
                    answer = f"{_TOLD}{asking}/{nonce}/{self._number}"
                    self._writer.soon(partial(_put, key=answer, value=value, seconds=ASK_LIFE_SECONDS))

    async def ask(self, name: str) -> dict[int, bytes | None]:
        if not self._is_read:
            raise LogUnavailable from Unknown("the other nodes cannot be asked, the engine does not answer")
        others = set(self.neighbours)
        if not others:
            return {}
        nonce = secrets.token_hex(8)
        question = self._questions[nonce] = _Question(others, dict.fromkeys(others))
        key = f"{_ASK}{self._number}/{nonce}/{name}"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._writer.call(partial(_put, key=key, value=b"", seconds=ASK_LIFE_SECONDS))
                await question.done.wait()
        except TimeoutError:
            pass
        except Unknown as error:
            raise LogUnavailable from error
        finally:
            del self._questions[nonce]
            self._writer.soon(lambda bulletin: bulletin.delete(key))
        return question.answers

    def _note(self, nonce: str, number: int, value: bytes) -> None:
        question = self._questions.get(nonce)
        if question is not None and number in question.missing:
            question.missing.discard(number)
            question.answers[number] = zlib.decompress(value) if value else None
            if not question.missing:
                question.done.set()

    # Tries

    async def begin_try(self, key: str, seconds: float, limit: int) -> Tries:
        turn = self._turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            await turn.lock.acquire()
        except BaseException:
            self._leave(key, turn)
            raise
        turn.name = name = f"{self.identity}.{next(self._numbers)}"
        try:
            may, counted = await self._counter.call(lambda bulletin: bulletin.begin_try(key, name, seconds, limit))
        except BaseException as error:
            # It may have been counted, or may be yet.
            self._counter.soon(lambda bulletin: bulletin.forget(key, name))
            self._end_turn(key, turn)
            if isinstance(error, Unknown):
                raise LogUnavailable from error
            raise
        if not may:
            self._end_turn(key, turn)
        return Tries(may, counted.tries, counted.seconds)

    def end_try(self, key: str, outcome: Outcome) -> None:
        turn = self._turns[key]
        if outcome is not Outcome.FAILED:
            name = turn.name if outcome is Outcome.NOT_MADE else None
            self._counter.soon(lambda bulletin: bulletin.forget(key, name))
        self._end_turn(key, turn)

    def _end_turn(self, key: str, turn: _Turn) -> None:
        turn.lock.release()
        self._leave(key, turn)

    def _leave(self, key: str, turn: _Turn) -> None:
        turn.users -= 1
        if not turn.users:
            del self._turns[key]


def _put(bulletin: Bulletin, key: str, value: bytes, seconds: float) -> None:
    bulletin.put(key, value, seconds)
