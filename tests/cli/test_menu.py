"""`pos-notif menu`: the menu from a file and as one, beside a running service."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import PROGRAM, call, fails
from tests.support.live_server import clean_environment, run_cli
from tests.support.sse_client import SseClient

FILE = "nombre;precio;id_pos\nFlan;2,50;10\nAgua;1;\n"


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "log.db")
    assert call("user", "create", "Ana", "--role", "manager", "--password", "1234", "--database", path).exit_code == 0
    return path


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "menu.csv").write_text(FILE, "utf-8")
    return str(tmp_path / "menu.csv")


def exported(database: str) -> str:
    result = call("menu", "export", "--database", database)
    assert result.exit_code == 0
    assert result.stdout_bytes.startswith(b"\xef\xbb\xbf")
    return result.stdout.removeprefix("\ufeff").replace("\r\n", "\n")


def test_a_menu_is_looked_at_imported_and_exported(database, file, tmp_path):
    at = ("--database", database)
    looked = call("menu", "import", file, "--dry-run", *at)
    assert (looked.exit_code, looked.stderr) == (0, f"{file}: would be 2 new, 0 changed, 0 as they were\n")
    assert looked.stdout == (
        "row 2: new: Flan: precio 2.5, disponible true, oculto false, id_pos 10\n"
        "row 3: new: Agua: precio 1.0, disponible true, oculto false\n"
    )
    head = "nombre;categoria;precio;stock_actual;stock_minimo;disponible;oculto;id_pos\n"
    assert exported(database) == head
    done = call("menu", "import", file, *at)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"{file}: 2 new, 0 changed, 0 as they were\n")
    changed = call("menu", "import", "-", "--dry-run", *at, typed="nombre;precio\nFLAN;3\nAgua;1\n")
    assert changed.stdout == 'row 2: changed: Flan: nombre "Flan" -> "FLAN", precio 2.5 -> 3.0\n'
    assert changed.stderr == "standard input: would be 0 new, 1 changed, 1 as they were\n"
    assert exported(database) == head + "Flan;;2,5;;;sí;no;10\nAgua;;1;;;sí;no;\n"
    out = tmp_path / "out.csv"
    assert call("menu", "export", "--output", str(out), *at).stderr == "exported 2 dishes\n"
    again = call("menu", "import", str(out), *at)
    assert again.stderr == f"{out}: 0 new, 0 changed, 2 as they were\n"


def test_each_fault_is_a_line_and_nothing_is_changed(database, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"nombre;precio\nFlan;1\nAgua;gratis\n;2\n")
    for more in ((), ("--dry-run",)):
        result = call("menu", "import", str(bad), *more, "--database", database)
        assert result.exit_code == 1
        assert result.stderr == (
            f"pos-notif: {bad}: row 3, precio: is no number: gratis\n"
            f"pos-notif: {bad}: row 4, nombre: is missing\n"
            f"pos-notif: {bad}: nothing was changed\n"
        )
        assert bool(result.stdout) == bool(more)
    bad.write_bytes(b"PK\x03\x04")
    result = call("menu", "import", str(bad), "--database", database)
    assert result.stderr.startswith(f"pos-notif: {bad}: is a spreadsheet and no CSV: save it as CSV UTF-8\n")
    assert exported(database).count("\n") == 1


def test_no_word_of_a_file_does_anything_to_the_terminal(database, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("nombre;precio\n\x1b[2JFlan;1\n\x9bAgua;\x1b[31m\n", "utf-8")
    result = call("menu", "import", str(bad), "--dry-run", "--database", database)
    assert result.stdout == "row 2: new: \\u001b[2JFlan: precio 1.0, disponible true, oculto false\n"
    assert "row 3, precio: is no number: \\u001b[31m\n" in result.stderr


def test_what_cannot_be_done_is_one_line(database, file, tmp_path):
    at = ("--database", database)
    missing = str(tmp_path / "no.db")
    assert fails(1, "menu", "import", file, "--database", missing).endswith("no.db: does not exist\n")
    assert fails(1, "menu", "export", "--database", missing).endswith("no.db: does not exist\n")
    assert not Path(missing).exists()
    assert "no.csv: No such file or directory" in fails(1, "menu", "import", str(tmp_path / "no.csv"), *at)
    assert "which an export does not replace" in fails(1, "menu", "export", "--output", database, *at)
    assert call("menu", "import", *at).exit_code == 2
    assert call("menu", "import", file, "--colour", *at).exit_code == 2
    # What is larger than a menu may be is not read to its end.
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as content:
        content.truncate(50 * 1024**2)
    assert fails(1, "menu", "import", str(huge), *at) == f"pos-notif: {huge}: is larger than 2 MiB\n"
    with Path("/dev/zero").open("rb") as zeros:
        endless = subprocess.run(
            [*PROGRAM, "menu", "import", "-", *at], stdin=zeros, capture_output=True, text=True,
            env=clean_environment(), check=False,
        )  # fmt: skip
    assert (endless.returncode, endless.stderr) == (1, "pos-notif: standard input: is larger than 2 MiB\n")


def test_an_export_is_its_owners_alone(database, tmp_path):
    out = tmp_path / "menu.csv"
    assert call("menu", "export", "--output", str(out), "--database", database).exit_code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_2000_dishes_are_imported_while_the_service_runs_and_its_screens_hear_of_it(server, tmp_path):
    """By a process of its own; what is published meanwhile is answered."""
    items = [{"producto_id": 7000, "producto_nombre": "x"}]
    orders = [{"tipo": "nuevo_pedido", "pedido": {"id": number, "items": items}} for number in range(1, 101)]
    server.publish({"eventos": orders})
    rows = [f"Plato {number};{number % 20},50;{number};{5000 + number}" for number in range(2000)]
    file = tmp_path / "menu.csv"
    file.write_text("nombre;precio;stock_actual;id_pos\n" + "\n".join(rows), "cp1252")
    with SseClient(server, "cocinero") as screen:
        done = run_cli("menu", "import", str(file), database=server.database)
        assert done.stderr == f"{file}: 2,000 new, 0 changed, 0 as they were\n"
        heard = screen.next_event().data
        assert (heard["nombre"], heard["nivel"]) == ("Plato 0", "agotado")
        assert heard["actor"] == {"usuario_id": None, "username": "terminal", "rol": "manager"}
        dishes = server.request("GET", "/api/productos")[2]["productos"]
        assert len(dishes) == 2000
        # All of them run out.
        file.write_text("nombre;disponible\n" + "".join(f"Plato {n};se acabó\n" for n in range(2000)), "utf-8")
        done = run_cli("menu", "import", str(file), database=server.database)
        assert done.stderr == f"{file}: 0 new, 1,999 changed, 1 as they were\n"
        assert [frame.data["nombre"] for frame in screen.take(1999)] == [f"Plato {n}" for n in range(1, 2000)]
    named = server.new_order(500, items=[{"producto_id": 5003}])
    event = server.request("GET", "/api/pedidos/500")[2]["pedido"]["items"][0]
    assert (event["producto_nombre"], event["precio_unitario"], named["duplicado"]) == ("Plato 3", 3.5, False)
