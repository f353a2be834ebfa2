"""Engine.IO's long-polling transport (protocol document v4-current): polls and posts instead of a websocket.

What is sent waits for the client's next poll, what the client posts waits until it is handled. A client may change to a
websocket in between, which then takes what waits: see `probe`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from .engine import NORMAL, ClientGone, EngineSession, EngineSettings, Transport
from .packets import (
    CLOSE,
    NOOP,
    PING,
    PONG,
    PROTOCOL_ERROR,
    SERVICE_RESTART,
    TRY_AGAIN_LATER,
    UPGRADE,
    BadPacket,
)
from .payloads import decode_payload, size_of

# python-engineio's client refuses a payload with more (its `max_decode_packets`).
MAX_PACKETS = 16
# Who sends waits while with its packet more than this would wait for a poll, unless it is the only one.
MAX_WAITING_BYTES = 128 * 1024
# How long a session's last words wait for a poll.
FAREWELL_SECONDS = 5.0
# From a websocket's first message to the one that makes it the session's (the reference's `upgradeTimeout`).
UPGRADE_SECONDS = 10.0
# A poll beside the websocket that is to replace it is answered after this: what the websocket had brought before it
# counts first, and a client that goes on polling does not do so without a pause. What has arrived is handled in so many
# turns of the loop, where all of it was late.
BESIDE_SECONDS = 0.05
BESIDE_TURNS = 10
# Browsers and aiohttp ask again by themselves, with the same address, where a connection ends without an answer: what
# that had carried is lost then. Addresses are stamped (`t`), by some clients with nothing finer than seconds.
REPEATED_SECONDS = 1.5
PROBE = "probe"
POLLING = "polling"

Message = str | bytes


class Misused(Exception):
    """The client broke the rules of the transport, and its session is over."""


class ComeBack(Exception):
    """The session is over, and its client is to open another one."""


class LongPolling:
    """A client's polls and posts, as the `Transport` of its session; and the websocket in their place later on."""

    def __init__(self, settings: EngineSettings) -> None:
        self.session = EngineSession(self, settings, upgrades=("websocket",))
        self.websocket: Transport | None = None
        self._outbox: deque[Message] = deque()
        self._waiting_bytes = 0
        self._inbox: deque[Message] = deque()
        self._poll: asyncio.Future[None] | None = None
        self._polled: tuple[str | None, float] = (None, 0.0)  # the last poll's stamp, and when it came
        self._polls_long = False  # until something comes; else beside a websocket
        self._post: asyncio.Future[bool] | None = None  # True once all of it is handled
        self._posting = False
        self._upgrading = False
        self._left = False  # the client has said that it goes
        self._farewell = False  # its last words wait for a poll
        self._come_back = False
        self._over = False
        self._sending = asyncio.Lock()
        self._changed = asyncio.Event()  # for whoever waits to receive, or for room

    @property
    def name(self) -> str:
        return POLLING if self.websocket is None else self.websocket.name

    @property
    def is_known(self) -> bool:
        """Tells whether the session's id still names something: the session, or its last words."""
        session = self.session
        return self._farewell or not (self._over or (session.is_ending and not session.has_last_words))

    # What the client asks for

    async def poll(self, stamp: str | None = None) -> list[Message]:
        """Returns the packets that wait, or that come next. Raises Misused where another poll waits, a websocket has
        taken over, or the last poll's `stamp` comes again: its answer was lost. Raises ComeBack where the service
        stops. Cancelling it ends the session, since its client has hung up on it."""
        if self._poll is not None:
            self.fail("two polls at once")
        (before, at), now = self._polled, asyncio.get_running_loop().time()
        self._polled = stamp, now
        if stamp and stamp == before and now - at > REPEATED_SECONDS:
            self.fail("a poll that was answered already")
        # Registered before anything is awaited: what is posted after it is answered by it.
        self._poll = asyncio.get_running_loop().create_future()
        self._polls_long = not self._upgrading
        try:
            if not self._outbox and not self._over:
                await (self._poll if self._polls_long else self._stand_by(self._poll))
            if self.websocket is not None:
                raise Misused
            if self._come_back:
                raise ComeBack
            return self._take()
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._poll, self._polls_long = None, False

    async def _stand_by(self, poll: asyncio.Future[None]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BESIDE_SECONDS):
                return await poll
        for _ in range(BESIDE_TURNS):
            await asyncio.sleep(0)

    @contextmanager
    def posting(self) -> Iterator[None]:
        """Lets one body at a time be read and handled. Raises Misused where another one is."""
        if self._posting:
            self.fail("two posts at once")
        self._posting = True
        try:
            yield
        finally:
            self._posting = False

    async def post(self, body: bytes) -> None:
        """Hands a body's packets to the session, and returns once they are handled. Raises Misused where the session
        ends by them."""
        try:
            packets = decode_payload(body)
        except BadPacket as error:
            self.fail(error.reason, error.code)
        if self._over:
            raise Misused
        self._inbox.extend(packets)
        self._post = asyncio.get_running_loop().create_future()
        self._changed.set()
        if not await self._post:
            raise Misused

    def fail(self, reason: str, code: int = PROTOCOL_ERROR) -> None:
        """Ends the session of a client that does not keep to the protocol. Raises Misused."""
        self.session.close(code, reason)
        raise Misused(reason)

    async def forgotten(self) -> None:
        """Returns once nothing of the ended session is to be polled any more."""
        deadline = asyncio.get_running_loop().time() + FAREWELL_SECONDS
        while self._farewell and (left := deadline - asyncio.get_running_loop().time()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    async def probe(self, websocket: Transport) -> None:
        """Makes the websocket the session's transport, if the client goes through with it, and then returns when the
        session is over. Returns where it does not: the session goes on by polls."""
        if self.websocket is not None or self._upgrading or self._over:
            return await websocket.close(PROTOCOL_ERROR, "not to be upgraded")
        self._upgrading = True
        try:
            async with asyncio.timeout(UPGRADE_SECONDS):
                await _expect(websocket, PING + PROBE)
                await websocket.send(PONG + PROBE)
                if self._polls_long and not self._outbox:
                    self._put(NOOP)  # the client sends its last packet by the websocket once no poll is under way
                await _expect(websocket, UPGRADE)
        except (TimeoutError, BadPacket):
            return await websocket.close(PROTOCOL_ERROR, "no upgrade")
        except ClientGone:
            return
        finally:
            self._upgrading = False
        if self._over:
            return await websocket.close(NORMAL, "")
        await self._change_to(websocket)
        await self.session.ended.wait()

    async def _change_to(self, websocket: Transport) -> None:
        self.websocket = websocket
        self._wake_poll()
        self._changed.set()  # whoever waits for room has it; what is received comes from there
        async with self._sending:
            self._outbox = deque(packet for packet in self._outbox if packet != NOOP)
            await self._flush(websocket)
        self.session.upgraded()

    async def _flush(self, websocket: Transport) -> None:
        self._waiting_bytes = 0
        while self._outbox:
            await websocket.send(self._outbox.popleft())

    # As the session sees it

    async def receive(self) -> Message:
        while True:
            if self._inbox:
                return self._next()
            self._finish_post(handled=True)
            if self._over:
                raise ClientGone
            if self.websocket is not None:
                return await self.websocket.receive()
            self._changed.clear()
            await self._changed.wait()

    def _next(self) -> Message:
        message = self._inbox.popleft()
        if message == CLOSE:  # nothing after it counts, and a poll that waits is told nothing new
            self._left = True
            self._inbox.clear()
            self._finish_post(handled=True)
        return message

    async def room(self, size: int) -> None:
        while self._waiting_bytes and self._waiting_bytes + size > MAX_WAITING_BYTES:
            if self.websocket is not None or self._over:
                return
            self._changed.clear()
            await self._changed.wait()

    async def send(self, data: Message) -> None:
        async with self._sending:
            await self.room(size_of(data))
            if self._over:
                return
            self._put(data)
            if self.websocket is not None:
                await self._flush(self.websocket)

    def forget_unsent(self) -> None:
        if self.websocket is None:
            self._outbox.clear()
            self._waiting_bytes = 0

    async def close(self, code: int, reason: str) -> None:
        if self.websocket is not None:
            self._end()
            return await self.websocket.close(code, reason)
        self._farewell = self.session.has_last_words and self._poll is None
        # python-engineio's client does nothing for 20 s after a CLOSE; by an error it comes back at once.
        self._come_back = code in (SERVICE_RESTART, TRY_AGAIN_LATER) and not self._left
        self._put(NOOP if self._left else CLOSE)
        self._end()

    def abort(self) -> None:
        self._outbox.clear()
        self._end()
        if self.websocket is not None:
            self.websocket.abort()

    # What waits

    def _put(self, packet: Message) -> None:
        self._outbox.append(packet)
        self._waiting_bytes += size_of(packet)
        self._wake_poll()

    def _take(self) -> list[Message]:
        """Takes as much as one payload carries: always something, a NOOP where the poll is to end at once."""
        packets: list[Message] = []
        while self._outbox and len(packets) < MAX_PACKETS:
            packets.append(self._outbox.popleft())
            self._waiting_bytes -= size_of(packets[-1])
        self._farewell = self._farewell and bool(self._outbox)
        self._changed.set()
        return packets or [NOOP]

    def _wake_poll(self) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _finish_post(self, *, handled: bool) -> None:
        if self._post is not None and not self._post.done():
            self._post.set_result(handled)
        self._post = None

    def _end(self) -> None:
        self._over = True
        self._inbox.clear()
        self._finish_post(handled=False)
        self._changed.set()
        self._wake_poll()


async def _expect(websocket: Transport, packet: str) -> None:
    if await websocket.receive() != packet:
        raise BadPacket("not an upgrade")
