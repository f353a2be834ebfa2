"""Logs that earlier versions wrote: this one shows of them what those showed, and finds them sound."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from pos_notif.accounts.passwords import COST
from tests.data.logs.reading import PEOPLE, PIN, boards
from tests.support.command_line import call
from tests.support.logs import opened

FOLDER = Path(__file__).parents[1] / "data" / "logs"
STORED = sorted(FOLDER.glob("*/*.db.gz"))
# Of each version one log in which people sign in by what that version made of their PIN.
WITH_THEIR_HASHES = {file.parent: file for file in reversed(STORED)}
# Of version 0.1.0; what a later one adds stands in that one's folder.
FIRST_TYPES = {
    "nuevo_pedido", "pedido_listo", "cambio_estado", "item_modificado", "pedido_cancelado", "alerta_stock",
    "acuse_recibo", "sin_acuse", "sin_pantalla", "pantalla_recuperada", "descarga", "poda",
}  # fmt: skip


def name_of(file: Path) -> str:
    return f"{file.parent.name}/{file.name.removesuffix('.db.gz')}"


@pytest.fixture(params=STORED, ids=name_of)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A copy of a stored log, and what the version that wrote it showed of it."""
    file: Path = request.param
    copy = tmp_path / "log.db"
    copy.write_bytes(gzip.decompress(file.read_bytes()))
    if file != WITH_THEIR_HASHES[file.parent]:  # four times 40 ms at their cost
        with opened(copy) as connection:
            connection.execute("UPDATE users SET password_hash = ?", (PasswordHasher(*COST).hash(PIN),))
    return copy, json.loads(file.with_name(file.name.replace(".db.gz", ".json")).read_text("utf-8"))


def verify(database: Path) -> str:
    result = call("verify", "--database", str(database))
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


async def test_a_stored_log_opens_with_the_boards_and_orders_that_it_had_and_is_sound(stored):
    database, shown = stored
    assert verify(database) == shown["verify"]  # as it is, before it is migrated
    with opened(database) as connection:  # of logs that are older than what is told of a dish
        rows = connection.execute("SELECT id, name, price FROM products ORDER BY id").fetchall()
    dishes = [{"id": row[0], "nombre": row[1], "precio": row[2], "id_pos": None, "oculto": False} for row in rows]
    found = await boards(database, shown["clock_ms"], list(map(int, shown["orders"])))
    for role in PEOPLE:
        # A later version may tell more beside the orders, and serves other files (`version`).
        told = {name: value for name, value in shown["views"][role].items() if name != "version"}
        assert {name: found["views"][role][name] for name in told} == told, role
    assert found["orders"] == shown["orders"]
    for dish, stored_dish in zip(found["menu"], shown.get("menu", dishes), strict=True):
        assert {name: dish[name] for name in stored_dish} == stored_dish
    assert verify(database) == shown["verify"]


def test_the_first_version_is_there_with_every_type_of_event(tmp_path):
    lines = b"".join(gzip.decompress(file.read_bytes()) for file in FOLDER.glob("0.1.0-schema-5/*.db.gz"))
    assert [tipo for tipo in FIRST_TYPES if f'"tipo":"{tipo}"'.encode() not in lines] == []
