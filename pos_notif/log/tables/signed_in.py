"""Who may still act when their work is done: a body may arrive a minute after its head was let in."""

from __future__ import annotations

import sqlite3

from ...clock import SteadyMs
from ...errors import NotAuthenticated
from ...principal import Principal


def check_signed_in(connection: sqlite3.Connection, who: Principal, now: SteadyMs) -> None:
    """Raises NotAuthenticated where the session or token has ended, or has another role by now."""
    if who.expires_ms is not None and who.expires_ms <= now:
        raise NotAuthenticated
    found = (
        connection.execute("SELECT 1 FROM tokens WHERE id = ? AND role = ?", (who.id, who.role))
        if who.kind == "token"
        else connection.execute(
            "SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ? AND u.role = ?",
            (who.id, who.role),
        )
    )
    if found.fetchone() is None:
        raise NotAuthenticated
