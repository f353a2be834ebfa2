"""Who is connected: streams, sockets and polling clients, and who has gone in this business day."""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from ..clock import Clocks, SteadyMs, business_day, business_day_start, iso
from ..principal import Principal

MAX_GONE = 200
# A polling client counts as connected for so many of its intervals.
POLL_INTERVALS = 3


@dataclass(slots=True, kw_only=True)
class Presence:
    """One connection, with its times by the steady clock. `served` tells the id up to which it has been served and when
    it was last written to."""

    sid: str
    user_id: int | None
    role: str
    username: str
    transport: str
    rooms: list[str]
    client: str | None
    since: SteadyMs
    seen: SteadyMs
    served: Callable[[], tuple[int, SteadyMs]]
    until: SteadyMs | None = None  # a polling client's, None: until it is closed
    own_room: str = ""
    is_screen: bool = False  # a session's: a token has no eyes
    who: Principal | None = None  # None: registered from Python
    is_over: bool = False  # its session or token was ended: nobody is missed

    def identity(self) -> tuple[Any, ...]:
        return (self.user_id, self.username, self.role, self.client, self.transport)


@dataclass(slots=True)
class Directory:
    """Everybody who is connected, and who has gone. `lag(room, position)` tells how many of a room's events follow a
    position."""

    clocks: Clocks
    zone: tzinfo
    lag: Callable[[str, int], int] = lambda room, position: 0
    _present: dict[str, Presence] = field(default_factory=dict)
    _polling: dict[tuple[Any, ...], Presence] = field(default_factory=dict)
    _gone: OrderedDict[tuple[Any, ...], Presence] = field(default_factory=OrderedDict)
    _here: Counter[tuple[Any, ...]] = field(default_factory=Counter)  # connections of each identity
    _screens: Counter[str] = field(default_factory=Counter)  # streams and sockets of each room
    _on_screen: set[Callable[[], None]] = field(default_factory=set)

    def on_screen(self, call: Callable[[], None]) -> None:
        """Has `call()` made when a room's first screen has come or its last one has gone, until it is forgotten."""
        self._on_screen.add(call)

    def forget(self, call: Callable[[], None]) -> None:
        self._on_screen.discard(call)

    def _tell(self) -> None:
        for call in list(self._on_screen):
            call()

    def connect(
        self,
        *,
        user_id: int | None,
        role: str,
        username: str,
        transport: str,
        room: str,
        client: str | None = None,
        served: Callable[[], tuple[int, SteadyMs]],
        sid: str | None = None,
        is_screen: bool = False,
        who: Principal | None = None,
    ) -> Presence:
        """Notes a connection; one that has the same `sid` has gone then. It lasts until it is disconnected."""
        now = self.clocks.steady()
        presence = Presence(
            sid=sid or secrets.token_hex(8),
            user_id=user_id,
            role=role,
            username=username,
            transport=transport,
            rooms=[room],
            client=client,
            since=now,
            seen=now,
            served=served,
            own_room=room,
            is_screen=is_screen,
            who=who,
        )
        former = self._present.get(presence.sid)
        if former is not None:
            self.disconnect(former)
        self._present[presence.sid] = presence
        self._here[presence.identity()] += 1
        self._gone.pop(presence.identity(), None)
        if is_screen:
            self._screens[room] += 1
            if self._screens[room] == 1:
                self._tell()
        return presence

    def change_transport(self, presence: Presence, transport: str) -> None:
        """Notes that a connection goes on by another transport."""
        if self._present.get(presence.sid) is presence:
            self._count_out(presence)
            presence.transport = transport
            self._here[presence.identity()] += 1
            self._gone.pop(presence.identity(), None)

    def _count_out(self, presence: Presence) -> bool:
        """Takes a connection out of the count of its identity, and tells whether it was the last one."""
        identity = presence.identity()
        self._here[identity] -= 1
        if self._here[identity]:
            return False
        del self._here[identity]
        return True

    def disconnect(self, presence: Presence) -> None:
        """Notes that a connection has gone; one that is not there any more changes nothing."""
        if self._present.get(presence.sid) is not presence:
            return
        del self._present[presence.sid]
        presence.seen = self.clocks.steady()
        last = (presence.served()[0], presence.seen)
        presence.served = lambda: last
        if self._count_out(presence):
            self._leave(presence)
        if presence.is_screen:
            self._screens[presence.own_room] -= 1
            if not self._screens[presence.own_room]:
                self._tell()

    def watching(self, room: str) -> set[int]:
        """Returns the ids of the users who have a screen of this room."""
        now = self.clocks.steady()
        polling = (one for one in self._polling.values() if (one.until or 0) >= now)
        screens = (one for one in (*self._present.values(), *polling) if one.is_screen and one.own_room == room)
        return {one.user_id for one in screens if one.user_id is not None}

    def find(self, sid: str) -> Presence | None:
        return self._present.get(sid)

    def polled(
        self, *, user_id: int | None, role: str, username: str, room: str, client: str | None, position: int,
        interval_ms: int, is_screen: bool = False, who: Principal | None = None,
    ) -> None:  # fmt: skip
        """Notes that a poll was answered up to `position`: its client is connected for some intervals more."""
        now = self.clocks.steady()
        key = (user_id, username, role, client, "polling")
        presence = self._polling.get(key)
        if presence is None or (presence.until or 0) < now:
            if len(self._polling) > 10_000:
                self._drop_silent(now)
            presence = self._polling[key] = Presence(
                sid=secrets.token_hex(8), user_id=user_id, role=role, username=username, transport="polling",
                rooms=[room], client=client, since=now, seen=now, own_room=room,
                served=lambda: (position, now), is_screen=is_screen, who=who,
            )  # fmt: skip
            self._gone.pop(key, None)
            if is_screen:
                presence.until = SteadyMs(now + POLL_INTERVALS * interval_ms)
                self._tell()
        presence.seen, presence.who = now, who
        presence.until = SteadyMs(now + POLL_INTERVALS * interval_ms)
        presence.served = lambda: (position, now)

    def has_screen(self, room: str) -> bool:
        """Tells whether the room has a stream or socket of a session."""
        return bool(self._screens[room])

    def polled_until(self, room: str) -> SteadyMs | None:
        """Returns until when the room's polling screens count as connected; None where there is none."""
        ends = (
            poller.until or SteadyMs(0)
            for poller in self._polling.values()
            if poller.own_room == room and poller.is_screen
        )
        return max(ends, default=None)

    def people(self) -> set[Principal]:
        """Returns whose sessions and tokens the connected and the gone came by."""
        listed = (*self._present.values(), *self._polling.values(), *self._gone.values())
        return {presence.who for presence in listed if presence.who is not None}

    def end(self, ended: Set[Principal]) -> None:
        """Forgets who has signed out or was revoked: they are not missed. What is still open goes without a trace."""
        for presence in self._present.values():
            presence.is_over = presence.is_over or presence.who in ended
        for listed in (self._polling, self._gone):
            for key in [key for key, presence in listed.items() if presence.who in ended]:
                del listed[key]

    def state(self, cursor: Callable[[int], str]) -> dict[str, Any]:
        """Returns the answer of `GET /api/notificaciones/estado`."""
        self._drop_silent(self.clocks.steady())
        present = [*self._present.values(), *self._polling.values()]
        day_start = business_day_start(business_day(self.clocks.wall(), self.zone), self.zone)
        gone = [presence for presence in self._gone.values() if self.clocks.told(presence.seen) >= day_start]
        return {
            "total_conexiones": len(present),
            "por_rol": dict(Counter(presence.role for presence in present)),
            "conexiones": [self._row(presence, True, cursor) for presence in present]
            + [self._row(presence, False, cursor) for presence in reversed(gone)],
        }

    def summary(self) -> tuple[Counter[tuple[str, str]], int]:
        """Counts the connected by (transport, role), and tells by how many events the last of them is behind."""
        self._drop_silent(self.clocks.steady())
        present = [*self._present.values(), *self._polling.values()]
        lags = (self.lag(presence.own_room, presence.served()[0]) for presence in present)
        return Counter((presence.transport, presence.role) for presence in present), max(lags, default=0)

    def _row(self, presence: Presence, connected: bool, cursor: Callable[[int], str]) -> dict[str, Any]:
        position, seen = presence.served()
        return {
            "sid": presence.sid,
            "usuario_id": presence.user_id,
            "rol": presence.role,
            "username": presence.username,
            "transporte": presence.transport,
            "salas": presence.rooms,
            "cliente": presence.client,
            "cursor": cursor(position),
            "atraso": self.lag(presence.own_room, position),
            "conectado_desde": self._told(presence.since),
            "ultima_senal": self._told(max(seen, presence.seen)),
            "conectado": connected,
        }

    def _told(self, moment: SteadyMs) -> str:
        return iso(self.clocks.told(moment), self.zone)

    def _drop_silent(self, now: SteadyMs) -> None:
        for key, presence in list(self._polling.items()):
            if (presence.until or 0) < now:
                del self._polling[key]
                self._leave(presence)

    def _leave(self, presence: Presence) -> None:
        """Keeps who has gone as the last of its user, role, client and transport: none of the same is here any more."""
        if presence.is_over:
            return
        identity = presence.identity()
        self._gone[identity] = presence
        self._gone.move_to_end(identity)
        while len(self._gone) > MAX_GONE:
            self._gone.popitem(last=False)
