"""A log's epochs: the one that its cursors name now, and those before it, each with the last id that it had here."""

from __future__ import annotations

import sqlite3

from ...database.file import new_epoch
from ...orders.numbers import FIRST_OWN_ORDER_ID, LAST_OWN_ORDER_ID
from .given import last_given, note_given
from .menu import last_product_id
from .orders import last_own_id

# The next id is so far above the head: what clients were told of events that are lost is never told anew.
ID_GAP = 1_000_000
# So far above the last are the next ids of orders placed here, of dishes, users, sessions and tokens: what is lost came
# in the seconds before.
OTHER_IDS_GAP = 1_000


def read_earlier(connection: sqlite3.Connection) -> dict[str, int]:
    """Returns the epochs before this one, each with the last id that it had here: up to that one this log is what a
    cursor of it has read."""
    return dict(connection.execute("SELECT epoch, last_id FROM epochs").fetchall())


def begin_epoch(connection: sqlite3.Connection) -> str:
    """Gives the log a new epoch, in which nothing is given anew that was given in a part of the log that is lost, and
    returns it. Cursors of the present one stay good up to the present head."""
    epoch, head_id = connection.execute("SELECT epoch, head_id FROM log").fetchone()
    began = new_epoch()
    connection.execute("INSERT INTO epochs (epoch, last_id) VALUES (?, ?)", (epoch, head_id))
    lift_other_ids(connection, OTHER_IDS_GAP)
    connection.execute("UPDATE log SET epoch = ?, head_id = ?", (began, head_id + ID_GAP - 1))
    return began


def lift_other_ids(connection: sqlite3.Connection, gap: int) -> None:
    """Notes as given the next `gap` ids of everything that is no event."""
    last_own = last_own_id(connection, FIRST_OWN_ORDER_ID, LAST_OWN_ORDER_ID)
    note_given(connection, "orders", min(last_own + gap, LAST_OWN_ORDER_ID))
    note_given(connection, "products", last_product_id(connection) + gap)
    for table in ("users", "sessions", "tokens"):
        note_given(connection, table, last_given(connection, table) + gap)
