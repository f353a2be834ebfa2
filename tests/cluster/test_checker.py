"""What judges nodes is judged: it finds nothing wrong with one sound service, and each fault that is put into its log,
its answers or its readers."""

from __future__ import annotations

import copy
import dataclasses
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pos_notif.log.hash_chain import chain
from tests.cluster.checker import difference_problems, log_problems, reader_problems
from tests.cluster.torture import SETTINGS, Torture
from tests.cluster.workload import Answered, History, furnish
from tests.support.live_server import LiveServer
from tests.support.logs import opened
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Torture]:
    """Some seconds of everything that `workload` does, at one service, which was sound."""
    database = tmp_path_factory.mktemp("plain") / "log.db"
    token = furnish(database)
    server = LiveServer(database, dict(SETTINGS), forked=True).start()
    try:
        with Torture([server], token, 3) as torture:
            eventually(lambda: torture.publishers.history.refused or torture.publishers.history.wrong)
            outcome = torture.end()
        assert not outcome.problems, outcome.table()
        yield torture
    finally:
        server.close()


@pytest.fixture
def other(ended: Torture, tmp_path: Path) -> Path:
    """The log as another node would have it."""
    with opened(ended.nodes[0].database) as connection, opened(tmp_path / "other.db") as copied:
        connection.backup(copied)
    return tmp_path / "other.db"


def chain_anew(connection: sqlite3.Connection) -> None:
    """Gives the events ids without a gap and their hashes, as if nothing had been done to them."""
    found = connection.execute("SELECT id, data FROM events ORDER BY id").fetchall()
    before = "0" * 64
    for place, (event_id, data) in enumerate(found, 1):
        data = re.sub('"id":[0-9]+', f'"id":{place}', data, count=1)
        before = chain(before, data.encode())
        connection.execute("UPDATE events SET id = ?, hash = ?, data = ? WHERE id = ?", (place, before, data, event_id))
    connection.execute("UPDATE log SET head_id = ?, head_hash = ?", (len(found), before))


def take_newest(connection: sqlite3.Connection) -> None:
    """Takes the newest events from the log and from all that was made of them, soundly."""
    first = connection.execute("SELECT id FROM events WHERE type = 'alerta_stock' ORDER BY id DESC").fetchone()[0]
    connection.execute("DELETE FROM events WHERE id = ?", (first,))


def double_an_alert(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO events SELECT (SELECT max(id) + 1 FROM events), ms, type, order_id, to_kitchen, to_waiters,"
        " to_tills, hash, data FROM events WHERE type = 'alerta_stock' LIMIT 1"
    )


def swap_two_alerts(connection: sqlite3.Connection) -> None:
    (one, two) = connection.execute("SELECT id, data FROM events WHERE type = 'alerta_stock' LIMIT 2").fetchall()
    connection.execute("UPDATE events SET data = ? WHERE id = ?", (two[1], one[0]))
    connection.execute("UPDATE events SET data = ? WHERE id = ?", (one[1], two[0]))


@pytest.mark.parametrize("harm", [take_newest, double_an_alert, swap_two_alerts])
def test_an_event_that_is_lost_doubled_or_elsewhere_in_a_log_that_is_sound_by_itself_is_found(ended, other, harm):
    with opened(other) as connection:
        harm(connection)
        chain_anew(connection)
    assert log_problems(other, ended.publishers.history)
    assert difference_problems([ended.nodes[0].database, other])


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE products SET price = price + 1 WHERE id = 1",
        "UPDATE subscriptions SET after_id = after_id + 1 WHERE rowid = (SELECT min(rowid) FROM subscriptions)",
        "DELETE FROM sessions WHERE id = (SELECT max(id) FROM sessions)",
        "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'sessions'",
        "UPDATE log SET term = term + 1",
        "INSERT INTO epochs VALUES ('other', 1)",
    ],
)
def test_one_row_that_differs_on_one_node_is_found(ended, other, harm):
    assert difference_problems([ended.nodes[0].database, other]) == []
    with opened(other) as connection:
        assert connection.execute(harm).rowcount == 1
    assert difference_problems([ended.nodes[0].database, other])


def test_an_order_that_was_sold_or_refused_wrongly_is_found(ended, other):
    with opened(other) as connection:
        connection.execute("UPDATE products SET stock = 1 WHERE id = 2")
    found = "\n".join(log_problems(other, ended.publishers.history))
    assert "sold and 1.0 left" in found
    assert "were refused a dish of which 1.0 are left" in found


def test_an_answer_that_nobody_should_have_got_is_found(ended):
    """What was asked for after another had been answered, and stands before it, say."""
    file, history = ended.nodes[0].database, ended.publishers.history
    first = min(history.answered, key=lambda answered: answered.ids)

    def with_(*answered: Answered) -> list[str]:
        changed = History(answered=[*history.answered, *answered], sold=history.sold, refused=history.refused)
        return log_problems(file, changed)

    assert with_() == []
    late = max(answered.ended for answered in history.answered) + 1
    assert "before it was asked for" in with_(dataclasses.replace(first, began=late, ended=late + 1))[0]
    assert "where ['nothing'] stands" in with_(Answered("none", (10**9,), ("none",), 0, late + 9))[0]


@pytest.mark.parametrize(
    "harm",
    [
        lambda tablet: tablet.handled.pop(3),
        lambda tablet: tablet.handled.insert(3, tablet.handled[2]),
        lambda tablet: tablet.handled.insert(2, tablet.handled.pop(3)),
        lambda tablet: tablet.handled.append(10**9) or tablet.handled.append(10**9),
        lambda tablet: tablet.seen.update({tablet.handled[0]: ("alerta_stock", "another time", None, None)}),
        lambda tablet: tablet.followed.update({77: 1}),
        lambda tablet: setattr(tablet, "resets", 1),
    ],
    ids=["lost", "doubled", "swapped", "from nowhere", "another's id", "not followed", "reset"],
)
def test_what_a_reader_lacks_or_had_otherwise_is_found(ended, harm: Callable[..., None]):
    file = ended.nodes[0].database
    for tablet in ended.tablets:
        if tablet.room == "managers":
            continue
        changed = copy.copy(tablet)
        for name in ("handled", "seen", "followed"):
            setattr(changed, name, copy.copy(getattr(tablet, name)))
        assert reader_problems(file, [changed]) == []
        harm(changed)
        assert reader_problems(file, [changed])
