"""How a node gives its log to one that joins: who is let in, and the copy that it gets (docs/cluster.md, "How a node
gives its log to another")."""

from __future__ import annotations

import hashlib
import hmac
import shutil
import sqlite3
from pathlib import Path
from typing import BinaryIO

from ..cluster.engine import parse
from ..cluster.members import join_key, read_members, register
from ..cluster.places import read_place
from ..cluster.sequence import Unknown
from ..errors import CommandFailed, LogRefused, LogUnavailable, NoCapacity, NodeNameTaken
from .backup import open_copy

# Is left free beside a copy: the log itself must be able to grow meanwhile.
SPARE_BYTES = 64 * 1024 * 1024


def is_proved(cluster: str, log_name: str, name: str, secret: str) -> bool:
    """Tells whether who asks has left the digest of its secret in our engine, and removes that: it is good for one
    copy. Raises LogUnavailable."""
    bulletin = parse(cluster).bulletin(log_name)
    key = join_key(name)
    try:
        proved = hmac.compare_digest(bulletin.living(key).get(key, b""), hashlib.sha256(secret.encode()).digest())
        if proved:
            bulletin.delete(key)
        return proved
    except Unknown as error:
        raise LogUnavailable from error
    finally:
        bulletin.close()


def let_in(connection: sqlite3.Connection, name: str, again: bool, now_ms: int) -> None:
    """Makes `name` a member that has come as far as this node; it may be one already only where it comes `again`.
    Raises NodeNameTaken."""
    if not again and any(member.name == name for member in read_members(connection)):
        raise NodeNameTaken
    register(connection, name, read_place(connection).position, now_ms)


def copy_to_give(database: Path) -> tuple[BinaryIO, int]:
    """Returns a copy of the log as an open file, and its length. Raises NoCapacity where there is no room for it beside
    the log, or LogUnavailable."""
    try:
        if shutil.disk_usage(database.parent).free < database.stat().st_size + SPARE_BYTES:
            raise NoCapacity("No hay espacio para una copia.")
        file = open_copy(database)
        return file, file.seek(0, 2)
    except (CommandFailed, LogRefused, OSError, sqlite3.Error) as error:
        raise LogUnavailable from error
