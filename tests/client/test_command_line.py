"""`python -m pos_notif_client`, as somebody calls it who is asked why the kitchen receives nothing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys

import pytest

from tests.client.program import ENVIRONMENT
from tests.soak.check import read_log


def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pos_notif_client", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**ENVIRONMENT, **environment}, timeout=120)


def test_an_outbox_is_looked_into_and_sent(make_outbox, server, tmp_path):
    db = tmp_path / "salida.db"
    outbox = make_outbox()
    key = outbox.notificar_nuevo_pedido({"id": 1})
    bad = outbox.publicar({"tipo": "cambio_estado", "pedido_id": 1, "estado": "volando", "nota": "ñ"})
    state = json.loads(call("estado", "--db", db).stdout)
    assert (state["pendientes"], state["rechazados"], state["enviando"]) == (2, 0, False)

    sending = ("enviar", "--db", db, "--url", server.url)
    done = call(*sending, "--seconds", "7", POS_NOTIF_TOKEN="pn_wrong")  # the service has time to say it
    assert done.returncode == 1
    assert "2 wait still: mal configurado: 401 no_autenticado" in done.stderr
    assert call(*sending, POS_NOTIF_TOKEN=server.token).returncode == 0
    assert [event["operacion_id"] for event in read_log(server.database)] == [key]

    [refused] = map(json.loads, call("rechazados", "--db", db).stdout.splitlines())
    assert (refused["clave"], refused["evento"]["nota"], refused["error"]["status"]) == (bad, "ñ", 422)
    unknown = call("reintentar", "--db", db, "nada")
    assert (unknown.returncode, unknown.stderr) == (
        1, "pos_notif_client: not among those that were refused: nada\n",
    )  # fmt: skip
    assert call("reintentar", "--db", db, "--all").returncode == 0
    assert json.loads(call("estado", "--db", db).stdout)["pendientes"] == 1
    assert call("reintentar", "--db", db).returncode == 2


def test_the_poss_own_database_is_left_as_it_is(make_outbox, tmp_path):
    pos = sqlite3.connect(tmp_path / "pos.db")
    pos.execute("CREATE TABLE pedidos (id INTEGER)")
    outbox = make_outbox(conexion=pos)
    outbox.notificar_nuevo_pedido({"id": 1})
    pos.commit()
    assert json.loads(call("estado", "--db", tmp_path / "pos.db").stdout)["pendientes"] == 1
    assert pos.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    pos.close()


@pytest.mark.parametrize("content", [None, b"no database" * 100])
def test_what_is_no_outbox_is_one_line_and_is_left_alone(tmp_path, content):
    db = tmp_path / "salida.db"
    if content is not None:
        db.write_bytes(content)
    done = call("estado", "--db", db)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert list(tmp_path.iterdir()) == ([] if content is None else [db])


def test_a_database_that_is_no_outbox_is_refused_and_left_as_it_is(tmp_path):
    db = tmp_path / "clientes.db"
    with contextlib.closing(sqlite3.connect(db)) as other, other:
        other.execute("CREATE TABLE clientes (id INTEGER)")
    before = db.read_bytes()
    for arguments in (["estado"], ["rechazados"], ["reintentar", "--all"], ["enviar", "--url", "http://127.0.0.1:1"]):
        done = call(*arguments, "--db", db)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"pos_notif_client: {db} is no outbox\n")
    assert db.read_bytes() == before
    assert list(tmp_path.iterdir()) == [db]
