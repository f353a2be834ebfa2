"""Ages, waits and clocks: what is too old, what is kept for how long, and a till that never waits."""

from __future__ import annotations

import contextlib
import inspect
import socket
import sqlite3
import statistics
import time
from pathlib import Path

import pytest

import pos_notif_client
from tests.client.between import Between, said
from tests.soak.check import read_log
from tests.support.bare_rows import bare_rows, seconds_for
from tests.support.waiting import eventually

HOUR, DAY = 3600, 86400


def sql(db: Path, text: str, *values: object) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(db, timeout=30)) as connection, connection:
        return connection.execute(text, values).fetchall()


def age(db: Path, key: str, seconds: float) -> None:
    """Makes an event older."""
    sql(
        db, "UPDATE pos_notif_salida SET creado = creado - ?, reloj = reloj - ? WHERE clave = ?", seconds, seconds, key
    )  # fmt: skip


def left(db: Path) -> list[object]:
    return [key for (key,) in sql(db, "SELECT clave FROM pos_notif_salida ORDER BY id")]


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """As somebody does who sets the machine's."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)


def test_what_waited_too_long_is_kept_and_told_and_sent_only_when_somebody_says_so(server, make_outbox, tmp_path):
    db, told = tmp_path / "salida.db", []
    stored = make_outbox()
    for number, key in enumerate(("old", "older", "new"), 1):
        stored.notificar_nuevo_pedido({"id": number}, operacion_id=key)
    age(db, "old", 12.1 * HOUR)
    age(db, "older", 13 * HOUR)
    age(db, "new", 11.9 * HOUR)
    assert stored.estado()["mas_antiguo_segundos"] == pytest.approx(12.1 * HOUR, abs=600)
    outbox = make_outbox(server, al_rechazar=lambda event, error: told.append((event["operacion_id"], error["codigo"])))
    assert outbox.vaciar(60)
    assert [event["operacion_id"] for event in read_log(server.database)] == ["new"]
    eventually(lambda: len(told) >= 2)  # once they are kept
    assert told == [("old", "caducado"), ("older", "caducado")]
    assert [(kept["clave"], kept["estado"]) for kept in outbox.rechazados()] == [
        ("old", "caducado"), ("older", "caducado"),
    ]  # fmt: skip
    assert outbox.reintentar("older")
    assert not outbox.reintentar("new")
    assert outbox.vaciar(60)
    assert [event["operacion_id"] for event in read_log(server.database)] == ["new", "older"]
    never = make_outbox(server, db=tmp_path / "other.db", caduca_horas=None)
    never.notificar_nuevo_pedido({"id": 9}, operacion_id="kept")
    assert never.vaciar(60)


@pytest.mark.parametrize("seconds", [-HOUR, 400 * DAY])
def test_a_clock_that_is_set_makes_nothing_old_and_holds_up_nothing(server, make_outbox, monkeypatch, seconds):
    with Between(server.port, said(500, b""), said(500, b""), said(500, b""), lambda _: None) as between:
        outbox = make_outbox(server, url=between.url)
        outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="before")
        eventually(lambda: between.requests)
        set_clock(monkeypatch, seconds)
        outbox.notificar_nuevo_pedido({"id": 2}, operacion_id="after")
        assert 0 <= outbox.estado()["mas_antiguo_segundos"] < HOUR
        assert outbox.vaciar(60)
        assert outbox.rechazados() == []
    assert [event["operacion_id"] for event in read_log(server.database)] == ["before", "after"]


def test_after_a_restart_of_the_machine_an_age_goes_by_the_clock_and_never_below_nothing(
    server, make_outbox, monkeypatch, tmp_path
):
    db = tmp_path / "salida.db"
    stored = make_outbox()
    for number, key in enumerate(("yesterday", "today", "tomorrow"), 1):
        stored.notificar_nuevo_pedido({"id": number}, operacion_id=key)
    sql(db, "UPDATE pos_notif_salida SET arranque = 'another', reloj = 5")
    sql(db, "UPDATE pos_notif_salida SET creado = creado - ? WHERE clave = 'yesterday'", DAY)
    sql(db, "UPDATE pos_notif_salida SET creado = creado + ? WHERE clave = 'tomorrow'", DAY)
    outbox = make_outbox(server)
    assert outbox.vaciar(60)
    assert [event["operacion_id"] for event in read_log(server.database)] == ["today", "tomorrow"]
    assert [kept["clave"] for kept in outbox.rechazados()] == ["yesterday"]


def test_what_is_done_with_is_deleted_in_time(make_outbox, tmp_path):
    db = tmp_path / "salida.db"
    stored = make_outbox(max_eventos=50)
    keys = [f"{state}-{number}" for state in ("enviado", "rechazado", "caducado") for number in range(4)]
    for key in keys:
        stored.notificar_nuevo_pedido({"id": 1}, operacion_id=key)
        sql(db, "UPDATE pos_notif_salida SET estado = ?, error = '{}' WHERE clave = ?", key.split("-")[0], key)
        age(db, key, 0.9 * DAY)
    for key, days in (("enviado-1", 0.2), ("rechazado-1", 28), ("caducado-2", 30)):
        age(db, key, days * DAY)
    # The oldest two of the eight that were refused are more than six, and one of the others is too old.
    gone = {"enviado-1", "rechazado-0", "rechazado-1", "caducado-2"}
    with Between(0, said(500, b"")) as between:
        make_outbox(url=between.url, token="pn_x", max_eventos=6)
        eventually(lambda: len(left(db)) <= len(keys) - len(gone))
    assert left(db) == [key for key in keys if key not in gone]


def test_a_call_takes_as_long_as_its_file_whether_the_service_answers_or_not(make_outbox, tmp_path):
    """It is measured by a bare row in a file of the same kind, each after the other: what the disk and the machine are
    doing meanwhile slows both. The median of a hundred."""
    rows, calls = [], []
    with socket.create_server(("127.0.0.1", 0)) as silent, bare_rows(tmp_path) as put:  # it takes what comes, no more
        outbox = make_outbox(url=f"http://127.0.0.1:{silent.getsockname()[1]}", token="pn_x")
        for number in range(100):
            rows.append(seconds_for(put))
            order = {"id": number, "notas": "x" * 500}
            calls.append(seconds_for(lambda order=order: outbox.notificar_nuevo_pedido(order)))
        outbox.cerrar(0)
    assert outbox.pendientes() == 100
    assert statistics.median(calls) < 10 * statistics.median(rows) + 0.005


def test_the_constants_are_those_that_the_readme_names():
    """Each sentence with the value that the module has."""
    readme = " ".join((Path(pos_notif_client.__file__).parents[1] / "README.md").read_text("utf-8").split())
    c = pos_notif_client
    default = {name: known.default for name, known in inspect.signature(c.Salida).parameters.items()}
    draining, ending = (
        inspect.signature(call).parameters["segundos"].default for call in (c.Salida.vaciar, c.Salida.cerrar)
    )
    kib, mib = 2**10, 2**20
    for sentence in (
        f"has more than {c.MAX_EVENT_BYTES // kib} KiB or {c.MAX_DEPTH} levels",
        f"that another program locks for {c.DISK_SECONDS:g} s",
        f"looks every {c.POLL_SECONDS:g} s;",
        f"Up to {c.BATCH_EVENTS} events or {c.BATCH_BYTES // 1000} kB go in one request",
        f"tried every {c.SETUP_SECONDS:g} s, said once a minute",
        f"nothing before that, {c.ASKED_SECONDS:g} s at most",
        f"0.4 s … {c.BACKOFF_SECONDS:g} s, ± 50 %; after {c.NEWS_SECONDS:g} s at once when something new is stored",
        f"is kept for {c.KEPT_SECONDS / DAY:g} days with its answer",
        f"**What waited for {default['caduca_horas']:g} hours** (`caduca_horas`",
        f"{default['max_eventos']:,} events or {default['max_bytes'] // mib} MiB wait at most (`max_eventos`",
        f"stored last, at most {c.EXIT_SECONDS:g} s for each outbox",
        f"`vaciar({draining})` waits until there are none",
    ):
        assert sentence in readme
    # Those that it has in words.
    assert (c.TURN_SECONDS, c.KNOWN_SECONDS, default["estricto"], ending) == (1.0, DAY, False, c.EXIT_SECONDS)
    assert "another goes on within a second" in readme
    assert "stays, for a day" in readme
