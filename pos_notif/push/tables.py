"""The rows of phones' notifications. Each function is one transaction's work, or a part of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import TooManySubscriptions
from ..log.tables.orders import find_order
from ..push_settings import NTFY, WEBPUSH
from .devices import Device, service_name
from .telling import Person

MAX_SUBSCRIPTIONS = 20
_HEAD = "(SELECT head_id FROM log)"


class Change(NamedTuple):
    """What has come of a message, for its device's row. `sent_ms` is set where it was taken; `failures` is how many
    refusals in a row there are now; a device that is `gone` is forgotten."""

    via: str
    id: int
    done_id: int | None
    sent_ms: int | None
    failures: int
    error: str | None
    gone: bool = False


class Subscription(NamedTuple):
    """What a browser has asked for."""

    endpoint: str
    p256dh: bytes
    auth: bytes
    client: str | None


# Keys


def read_keys(connection: sqlite3.Connection) -> tuple[bytes, bytes] | None:
    """Returns the private and the public key, or None where none were made yet."""
    row: tuple[bytes, bytes] | None = connection.execute("SELECT private_key, public_key FROM push_keys").fetchone()
    return row


def keep_keys(connection: sqlite3.Connection, private: bytes, public: bytes, ms: int) -> tuple[bytes, bytes]:
    """Keeps these keys where there are none yet, and returns those that there are."""
    found = read_keys(connection)
    if found is not None:
        return found
    connection.execute("INSERT INTO push_keys VALUES (1, ?, ?, ?)", (private, public, ms))
    return private, public


# Subscriptions and topics


def save_subscription(
    connection: sqlite3.Connection, session_id: int, wanted: Subscription, ms: int
) -> tuple[int, bool]:
    """Makes a subscription this session's, and returns its id, and whether it is new. What has happened before is not
    told to it. Raises TooManySubscriptions."""
    row = connection.execute(
        "SELECT id, session_id FROM push_subscriptions WHERE endpoint = ?", (wanted.endpoint,)
    ).fetchone()
    if wanted.client is not None:
        connection.execute(
            "DELETE FROM push_subscriptions WHERE session_id = ? AND client = ? AND endpoint <> ?",
            (session_id, wanted.client, wanted.endpoint),
        )
    if row is None or row[1] != session_id:
        held = connection.execute("SELECT count(*) FROM push_subscriptions WHERE session_id = ?", (session_id,))
        if held.fetchone()[0] >= MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions("Esta sesión ya tiene el máximo de dispositivos.")
    if row is None:
        cursor = connection.execute(
            "INSERT INTO push_subscriptions (session_id, endpoint, p256dh, auth, client, created_ms, done_id, failures)"
            f" VALUES (?, ?, ?, ?, ?, ?, {_HEAD}, 0)",
            (session_id, wanted.endpoint, wanted.p256dh, wanted.auth, wanted.client, ms),
        )
        return int(cursor.lastrowid or 0), True
    values = (wanted.p256dh, wanted.auth, wanted.client)
    if row[1] == session_id:
        connection.execute(
            "UPDATE push_subscriptions SET p256dh = ?, auth = ?, client = ?, failures = 0 WHERE id = ?",
            (*values, row[0]),
        )
    else:
        connection.execute(
            "UPDATE push_subscriptions SET p256dh = ?, auth = ?, client = ?, failures = 0, session_id = ?,"
            f" created_ms = ?, done_id = {_HEAD}, sent_ms = NULL, error = NULL WHERE id = ?",
            (*values, session_id, ms, row[0]),
        )
    return int(row[0]), False


def delete_subscription(connection: sqlite3.Connection, session_id: int, endpoint: str) -> None:
    connection.execute("DELETE FROM push_subscriptions WHERE session_id = ? AND endpoint = ?", (session_id, endpoint))


def read_topic(connection: sqlite3.Connection, user_id: int) -> tuple[str, str] | None:
    """Returns a user's topic, and where the pages were when it was last asked for."""
    row: tuple[str, str] | None = connection.execute(
        "SELECT topic, origin FROM ntfy_topics WHERE user_id = ?", (user_id,)
    ).fetchone()
    return row


def keep_topic(connection: sqlite3.Connection, user_id: int, topic: str, origin: str, ms: int) -> str:
    """Keeps this topic where the user has none yet, and returns the one that the user has."""
    found = read_topic(connection, user_id)
    if found is None:
        connection.execute(
            "INSERT INTO ntfy_topics (user_id, topic, origin, created_ms, done_id, failures)"
            f" VALUES (?, ?, ?, ?, {_HEAD}, 0)",
            (user_id, topic, origin, ms),
        )
        return topic
    connection.execute("UPDATE ntfy_topics SET origin = ?, failures = 0 WHERE user_id = ?", (origin, user_id))
    return found[0]


# Who is told


def read_devices(
    connection: sqlite3.Connection,
    ways: Sequence[str],
    living: Mapping[int, str],
    sessions: Iterable[int] | None = None,
) -> list[Device]:
    """Returns what may be rung: of `living` sessions, with their roles, or only those of them in `sessions`."""
    wanted = living.keys() if sessions is None else living.keys() & set(sessions)
    found = []
    if WEBPUSH in ways:
        rows = connection.execute(
            "SELECT p.id, p.session_id, s.user_id, p.done_id, p.failures, p.endpoint, p.p256dh, p.auth"
            " FROM push_subscriptions p JOIN sessions s ON s.id = p.session_id ORDER BY p.id"
        )
        found += [
            Device(WEBPUSH, row[0], row[2], living[row[1]], *row[3:8]) for row in rows if row[1] in wanted
        ]  # fmt: skip
    if NTFY in ways:
        rows = connection.execute(
            "SELECT t.user_id, s.id, t.done_id, t.failures, t.topic, t.origin FROM ntfy_topics t"
            " JOIN sessions s ON s.user_id = t.user_id ORDER BY t.user_id, s.id"
        )
        topics = {
            row[0]: Device(NTFY, row[0], row[0], living[row[1]], row[2], row[3], row[4], origin=row[5])
            for row in rows
            if row[1] in wanted
        }
        found += topics.values()
    return found


def read_people(connection: sqlite3.Connection, living: Iterable[int]) -> list[Person]:
    """Returns all users, and whether each has one of the living sessions."""
    sessions = dict(connection.execute("SELECT id, user_id FROM sessions"))
    here = {sessions[session_id] for session_id in living if session_id in sessions}
    rows = connection.execute("SELECT id, username_key, role FROM users")
    return [Person(user_id, name_key, role, user_id in here) for user_id, name_key, role in rows]


def read_orders(connection: sqlite3.Connection, order_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Returns those of the orders that the log knows."""
    orders = {order_id: find_order(connection, order_id) for order_id in order_ids}
    return {order_id: order.pedido for order_id, order in orders.items() if order is not None}


# How far it has come


def read_cursor(connection: sqlite3.Connection) -> int | None:
    row = connection.execute("SELECT event_id FROM push_cursor").fetchone()
    return int(row[0]) if row else None


def save_cursor(connection: sqlite3.Connection, event_id: int) -> None:
    """Notes that what events up to this one had to say was sent or dropped. A node that has not heard yet that another
    one leads takes nothing of that back."""
    connection.execute(
        "INSERT INTO push_cursor VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET event_id ="
        " max(event_id, excluded.event_id)",
        (event_id,),
    )
    connection.execute("DELETE FROM push_seen WHERE event_id <= ?", (event_id,))


def save_seen(connection: sqlite3.Connection, user_id: int, event_ids: Iterable[int]) -> int:
    """Notes what a user has seen on a page, and returns how much of it phones might still have been rung for."""
    newest = int(connection.execute(f"SELECT {_HEAD}").fetchone()[0])
    cursor = read_cursor(connection)
    noted = 0
    for event_id in event_ids:
        if (newest if cursor is None else cursor) < event_id <= newest:
            noted += connection.execute(
                "INSERT INTO push_seen (event_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING", (event_id, user_id)
            ).rowcount
    return noted


def read_seen(connection: sqlite3.Connection, event_id: int) -> set[int]:
    """Returns the users who have seen the event on a page."""
    rows = connection.execute("SELECT user_id FROM push_seen WHERE event_id = ?", (event_id,))
    return {user_id for (user_id,) in rows}


def save_changes(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Notes what has come of messages."""
    for change in changes:
        table, key = _TABLES[change.via]
        if change.gone:
            connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (change.id,))
            continue
        connection.execute(
            f"UPDATE {table} SET done_id = max(done_id, ?), sent_ms = coalesce(?, sent_ms), failures = ?, error = ?"
            f" WHERE {key} = ?",
            (change.done_id or 0, change.sent_ms, change.failures, change.error, change.id),
        )


_TABLES = {WEBPUSH: ("push_subscriptions", "id"), NTFY: ("ntfy_topics", "user_id")}


class Listed(NamedTuple):
    """A device as a manager is shown it: times are milliseconds since 1970."""

    subscription_id: int | None
    username: str
    role: str
    service: str
    created_ms: int
    sent_ms: int | None
    error: str | None


def list_devices(
    connection: sqlite3.Connection, ways: Sequence[str], living: Iterable[int], may_be_called: Callable[[str], bool]
) -> list[Listed]:
    """Returns the devices of living sessions whose endpoint may be called, and the topics of their users."""
    wanted = set(living)
    found = []
    if WEBPUSH in ways:
        rows = connection.execute(
            "SELECT p.id, u.username, u.role, p.endpoint, p.created_ms, p.sent_ms, p.error, p.session_id"
            " FROM push_subscriptions p JOIN sessions s ON s.id = p.session_id JOIN users u ON u.id = s.user_id"
            " ORDER BY p.id"
        )
        found += [
            Listed(row[0], row[1], row[2], service_name(row[3]), row[4], row[5], row[6])
            for row in rows
            if row[7] in wanted and may_be_called(row[3])
        ]
    if NTFY in ways:
        rows = connection.execute(
            "SELECT u.username, u.role, t.created_ms, t.sent_ms, t.error, s.id FROM ntfy_topics t"
            " JOIN users u ON u.id = t.user_id JOIN sessions s ON s.user_id = u.id ORDER BY u.id, s.id"
        )
        topics = {
            row[0]: Listed(None, row[0], row[1], NTFY, row[2], row[3], row[4]) for row in rows if row[5] in wanted
        }
        found += topics.values()
    return found
