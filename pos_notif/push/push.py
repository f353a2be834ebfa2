"""`Push`: everything of phones' notifications that the service has, made only where the settings ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from ..accounts.accounts import Accounts
from ..clock import SteadyMs
from ..config import Config
from ..errors import Invalid, NoSubscription
from ..log.lead import Lead
from ..log.live import LiveLog
from ..principal import Principal
from ..push_settings import NTFY, WEBPUSH
from .addresses import endpoint_problem
from .devices import Device
from .posting import Posting
from .sender import Delivery, Sender
from .sink import PushSink
from .store import PushStore
from .tables import Listed, Subscription
from .telling import TEST
from .webpush_codec import Signer, decode_key, encode_key, is_point


class Push:
    """Use `start` once the log is open, and `close` before it is closed."""

    def __init__(self, log: LiveLog, accounts: Accounts) -> None:
        config = log.config
        self.config = config
        self._log = log
        self._signer: Signer | None = None
        self._store = PushStore(log.database, accounts, log.clocks, config.push_ways, config.push_hosts)
        self._posting = Posting(log.clocks, config.ntfy_url, config.ntfy_token, self._signed)
        counts = log.counts.push
        self._sender = Sender(log.clocks, self._posting.post, self._store, counts)
        # What is sent for a person who waits for it, whichever process the request came to.
        self._tests = Sender(log.clocks, self._posting.post, self._store, counts)
        self._sink = PushSink(log, self._store, self._sender)
        self._keys = asyncio.Lock()

    def start(self, lead: Lead) -> None:
        """Begins to ring phones. What `lead` says is this one's to do."""
        self._sink.start(lead)

    async def close(self) -> None:
        await self._sink.close()
        await self._tests.close()
        await self._posting.close()
        await self._store.close()

    @property
    def queued(self) -> int:
        """Returns how many messages wait here, those included that wait for a page's word."""
        return self._sink.waiting + self._sender.queued + self._tests.queued

    async def public_key(self) -> str | None:
        """Returns the key by which browsers subscribe, or None where there is no Web Push. Raises LogUnavailable."""
        if WEBPUSH not in self.config.push_ways:
            return None
        async with self._keys:
            private, public = await self._store.keys()
            self._signer = self._signer or Signer(private, self.config.push_contact)
        return encode_key(public)

    async def topic(self, who: Principal, origin: str) -> str | None:
        """Returns the person's topic at the ntfy server, or None. `origin` is where the person's pages are."""
        if NTFY not in self.config.push_ways or who.user_id is None:
            return None
        return await self._store.topic(who, who.user_id, origin)

    async def subscribe(
        self, who: Principal, endpoint: str, p256dh: str, auth: str, client: str | None
    ) -> tuple[int, bool]:
        """Has a browser rung as long as the session lasts. Returns the subscription's id, and whether it is new. Raises
        Invalid, NotAuthenticated, TooManySubscriptions or LogUnavailable."""
        if WEBPUSH not in self.config.push_ways:
            raise Invalid(fields={"endpoint": "este servicio no avisa por Web Push"})
        wanted = _checked(self.config, endpoint, p256dh, auth, client)
        return await self._store.subscribe(who, wanted)

    async def unsubscribe(self, who: Principal, endpoint: str) -> None:
        await self._store.unsubscribe(who, endpoint)

    async def seen(self, who: Principal, event_ids: Collection[int]) -> int:
        """Notes that a page of the person's has rung for these events, and returns for how many of them phones might
        still have been rung."""
        assert who.user_id is not None
        return await self._store.note_seen(who, who.user_id, event_ids)

    async def test(self, who: Principal) -> None:
        """Has a test sent to the session's devices. Raises NoSubscription or LogUnavailable."""
        devices = await self._store.devices(who.id)
        if not devices:
            raise NoSubscription
        await self.public_key()
        for device in devices:
            self._tests.put(self._test(device))

    def _test(self, device: Device) -> Delivery:
        until = SteadyMs(self._log.clocks.steady() + TEST.ttl_seconds * 1000)
        return Delivery(device, TEST, until, _nothing)

    async def listed(self) -> list[Listed]:
        """Returns the devices that are rung, for a manager."""
        return await self._store.listed()

    async def _signed(self) -> Signer:
        if self._signer is None:
            await self.public_key()
        assert self._signer is not None
        return self._signer


def _checked(config: Config, endpoint: str, p256dh: str, auth: str, client: str | None) -> Subscription:
    """Returns the subscription that was sent. Raises Invalid, with each field that is wrong."""
    problems = {"endpoint": endpoint_problem(endpoint, config.push_hosts)}
    keys = {
        "keys.p256dh": (p256dh, "un punto de la curva P-256, en base64url"),
        "keys.auth": (auth, "16 bytes en base64url"),
    }
    found = {}
    for name, (text, what) in keys.items():
        try:
            found[name] = decode_key(text)
            good = is_point(found[name]) if name == "keys.p256dh" else len(found[name]) == 16
        except ValueError:
            good = False
        problems[name] = None if good else f"debe ser {what}"
    fields = {name: problem for name, problem in problems.items() if problem is not None}
    if fields:
        raise Invalid(fields=fields)
    return Subscription(endpoint, found["keys.p256dh"], found["keys.auth"], client)


def _nothing() -> None:
    pass
