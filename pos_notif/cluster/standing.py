"""How a cluster stands, as one of its nodes' files and the engine say: what `pos-notif cluster status` shows."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .engine import Engine
from .members import Member, read_members
from .packet import NODE_KEY, read_packet
from .places import Membership, hash_at
from .positions import POSITION
from .record import Unreadable, unpack
from .recovery import foresee
from .sequence import Closed, Place, Trimmed, Unknown
from .servers import Server
from .whereabouts import whereabouts_of


@dataclass(frozen=True, slots=True)
class NodeStanding:
    """A node: how far it has come, as it says itself where it `lives`, else as was last told in the log."""

    member: Member
    position: int
    lives: bool
    leads: bool
    is_here: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """`epoch` counts the epochs of this file, from 1 on. `head` is the engine's place; None where it does not say.
    `problem` says why nothing can be written here, in English. `servers` are the engine's own machines, as far as they
    are known."""

    membership: Membership
    epoch: int
    head: Place | None
    problem: str | None
    nodes: list[NodeStanding]
    servers: list[Server] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Returns it as plain values for JSON."""
        head, own = self.head, self.membership
        return {
            "log": own.log_name,
            "engine": {
                "kind": own.engine,
                "position": head.position if head else None,
                "hash": head.hash.hex() if head else None,
                "servers": [server._asdict() for server in self.servers],
            },
            "node": {
                "name": own.name,
                "epoch": self.epoch,
                "position": own.place.position,
                "hash": own.place.hash.hex(),
            },
            "nodes": [
                {
                    "name": node.member.name,
                    "number": node.member.number,
                    "position": node.position,
                    "behind": max(0, head.position - node.position) if head else None,
                    "living": node.lives,
                    "leads": node.leads,
                    "here": node.is_here,
                }
                for node in self.nodes
            ],
            "problem": self.problem,
        }


def look(engine: Engine, membership: Membership, database: Path, connection: sqlite3.Connection) -> Standing:
    """Asks the engine, which may take some seconds where it does not answer."""
    head, problem = _head(engine, membership, connection, database)
    servers: list[Server] = []
    posts: dict[int, int] = {}
    with contextlib.suppress(Unknown):
        servers = engine.servers()
    with contextlib.suppress(Unknown):
        posts = _posted(engine, membership.log_name)
    leader = (connection.execute("SELECT leader FROM log").fetchone()[0] or "").partition(":")[0]
    nodes = []
    for member in read_members(connection):
        is_here = member.name == membership.name
        position = max(posts.get(member.number, 0), member.position)
        if is_here:
            position = membership.place.position
        leads = str(member.number) == leader
        nodes.append(NodeStanding(member, position, member.number in posts, leads, is_here))
    if problem is None and not any(node.is_here for node in nodes):
        problem = "this node is on the list of members no more; `rejoin` puts it there"
    return Standing(membership, whereabouts_of(connection).epochs + 1, head, problem, nodes, servers)


def _head(
    engine: Engine, membership: Membership, connection: sqlite3.Connection, database: Path
) -> tuple[Place | None, str | None]:
    """Returns the engine's place, and why this file cannot go on with it; None where it can."""
    place = membership.place
    sequence = engine.sequence(membership.log_name, membership.identity)
    try:
        head = sequence.head()
        if head.position == place.position:
            return head, None if head.hash == place.hash else _FORKED
        if head.position < place.position:
            return head, _FORKED if hash_at(connection, head.position) != head.hash else _AHEAD
        [(_, packed)] = sequence.read(place.position, 1)
        return head, None if unpack(packed).before == place.hash else _FORKED
    except Closed as error:
        return None, _closed(engine, membership, database, str(error))
    except Unknown as error:
        return None, f"the engine does not answer ({error or 'within a second'})"
    except Trimmed:
        return head, "what this file lacks is kept no more; `pos-notif cluster rejoin` copies it anew"
    except (Unreadable, ValueError):
        return head, "the next record is none of a log's"
    finally:
        sequence.close()


_FORKED = "this file has what the others have not (it is forked); `pos-notif cluster rejoin` copies theirs"
_AHEAD = "the engine has lost records that this file has; `pos-notif cluster recover` says which node goes on"


def _closed(engine: Engine, membership: Membership, database: Path, why: str) -> str:
    """Says what can be done where the engine is closed to this file."""
    foreseen = foresee(engine, database)
    if not foreseen.is_open:
        return f"the engine is closed ({why}); a running node may open it, else `pos-notif cluster recover`"
    place, sequence = membership.place, engine.sequence(membership.log_name, None)
    with contextlib.closing(sequence), contextlib.suppress(Closed, Trimmed, Unreadable):
        if any(unpack(packed).before == place.hash for _, packed in sequence.read(place.position, 1)):
            return "the engine was opened anew after this file's place; it goes on when it is served"
    return _FORKED


def _posted(engine: Engine, log_name: str) -> dict[int, int]:
    """Returns the positions of the living nodes, by their numbers."""
    bulletin = engine.bulletin(log_name)
    try:
        found = {}
        for key, value in bulletin.living(NODE_KEY).items():
            position = read_packet(value).posts.get(POSITION)
            found[int(key.removeprefix(NODE_KEY))] = int(position[1]) if position else 0
        return found
    finally:
        bulletin.close()
