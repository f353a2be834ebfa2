"""The command line: what goes to which output, exit codes, and what an operator reads when something is wrong."""

from __future__ import annotations

import contextlib
import logging
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from pos_notif.config import Config, env_name
from tests.support.command_line import call, commands, fails, running
from tests.support.live_server import run_cli


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    """`serve` sends what is logged to the standard error of its call."""
    loggers = [logging.getLogger(name) for name in ("pos_notif", "pos_notif.access")]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "log.db")


# Help and usage


@pytest.mark.parametrize("command", [path for path, _ in commands()], ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself(command, option):
    result = call(*command, option)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: ")
    assert len(result.stdout.splitlines()) > 3


def test_the_commands_of_the_contract_are_there():
    assert {
        ("serve",), ("demo",), ("tail",), ("user", "create"), ("user", "list"), ("user", "role"), ("user", "password"),
        ("user", "delete"), ("token", "create"), ("token", "list"), ("token", "revoke"), ("session", "list"),
        ("session", "revoke"),
    } <= {path for path, _ in commands()}  # fmt: skip


def test_the_list_of_commands_says_what_each_is_for_without_breaking_a_line():
    lines = call("--help").stdout.split("Commands:\n", 1)[1].splitlines()
    assert [line.split()[0] for line in lines] == sorted(path[0] for path, _ in commands() if len(path) == 1)
    for line in lines:
        assert re.fullmatch(r"  [a-z]+ +[A-Z].{10,}\.", line), line
        assert len(line) <= 78


def test_every_setting_is_an_option_of_serve_with_its_variable():
    text = " ".join(call("serve", "--help").stdout.split())
    for setting in fields(Config):
        assert f"--{setting.name.replace('_', '-')} " in text
        assert f"[{env_name(setting.name)};" in text


def test_the_version():
    assert re.fullmatch(r"pos-notif, version \d+\.\d+.*\n", call("--version").stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nada",),
        ("serve", "--nada"),
        ("serve", "extra"),
        ("user",),
        ("user", "nada"),
        ("user", "create"),
        ("user", "create", "Ana"),
        ("user", "create", "Ana", "--role", "jefe"),
        ("user", "role", "Ana"),
        ("user", "role", "Ana", "Cocinero"),
        ("token", "create"),
        ("token", "create", "pos", "--role", "jefe"),
        ("session", "revoke"),
        ("session", "revoke", "uno"),
        ("session", "revoke", "0"),
        ("session", "revoke", "9" * 30),
        ("tail", "--role", "jefe"),
        (),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_standard_output_stays_empty(arguments, database):
    result = call(*arguments, environ={"POS_NOTIF_DATABASE": database})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr
    assert not Path(database).exists()


# Settings


@pytest.mark.parametrize("name", [f.name for f in fields(Config) if type(f.default) in (int, float, bool)])
@pytest.mark.parametrize("value", ["x", "nan", "-1", "1e400"])
def test_a_bad_value_is_one_line_that_names_where_it_came_from(name, value):
    option = "--" + name.replace("_", "-")
    assert fails(2, "serve", f"{option}={value}").startswith(f"pos-notif: {option}: ")
    assert fails(2, "serve", environ={env_name(name): value}).startswith(f"pos-notif: {env_name(name)}: ")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--port", "70000"), ("--origins", "*"), ("--origins", "https://pos.example/"), ("--timezone", "Marte"),
     ("--kitchen-hides", "a*b"), ("--host", ""), ("--database", ""), ("--tax-rate", "13")],
)  # fmt: skip
def test_values_that_can_be_read_and_not_used(option, value):
    assert fails(2, "serve", option, value).startswith(f"pos-notif: {option}: ")
    variable = "POS_NOTIF_" + option[2:].upper().replace("-", "_")
    assert fails(2, "serve", environ={variable: value}).startswith(f"pos-notif: {variable}: ")


def test_variables_of_no_setting_are_warned_of(database):
    result = call("serve", "--port", "x", environ={"POS_NOTIF_HEARTBEAT": "1"})
    assert result.stderr.splitlines()[0] == (
        "pos-notif: warning: POS_NOTIF_HEARTBEAT is not a setting of this version; it does nothing"
    )


def test_other_commands_name_a_bad_variable_too(database):
    for command in (("user", "list"), ("tail",)):
        line = fails(2, *command, "--database", database, environ={"POS_NOTIF_PORT": "x"})
        assert line.startswith("pos-notif: POS_NOTIF_PORT: ")


# serve


def serve(*arguments: str, **environ: str):
    return running("serve", *arguments, environ=environ)


def test_serve_prints_its_url_first_and_nothing_else_on_standard_output(database):
    with serve("--port", "0", "--database", database) as process:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", url)
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "")
    assert f"{url}/cocina" in err
    assert f"{url}/login" in err
    assert f"{url}/docs" in err
    assert "--host 0.0.0.0" in err
    assert "Traceback" not in err


def test_serve_on_all_addresses_names_one_of_the_lan_and_gives_no_hint(database):
    with serve("--port", "0", "--host", "0.0.0.0", "--database", database) as process:
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.terminate()
        err = process.communicate(timeout=60)[1]
    assert "--host" not in err
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with contextlib.suppress(OSError):
            probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
    assert address == "0.0.0.0" or f"http://{address}:" in err


def test_the_hint_for_the_first_user_works_when_pasted(tmp_path):
    folder = tmp_path / "mi restaurante"
    folder.mkdir()
    with running("serve", "--port", "0", "--database", "el log.db", cwd=folder) as process:
        process.stdout.readline()
        hint = next(line for line in process.stderr if line.startswith("No users yet"))
        command = shlex.split(hint.partition("manager: ")[2].strip())
        created = subprocess.run(command, input="1234\n", cwd=folder, text=True, capture_output=True, timeout=30)
        assert (created.returncode, created.stdout) == (0, ""), created.stderr
    assert run_cli("user", "list", database=folder / "el log.db").stdout == "1\tmanager\tNAME\n"
    with serve("--port", "0", "--database", str(folder / "el log.db")) as process:
        process.stdout.readline()
        process.terminate()
        assert "No users yet" not in process.communicate(timeout=60)[1]


def test_options_win_over_the_environment(tmp_path):
    chosen, other = tmp_path / "chosen.db", tmp_path / "other.db"
    with serve("--port", "0", "--database", str(chosen), POS_NOTIF_PORT="x", POS_NOTIF_DATABASE=str(other)) as process:
        assert process.stdout.readline().startswith("http://")
    assert chosen.exists()
    assert not other.exists()


def test_serve_is_set_by_the_environment_alone(database):
    with serve(POS_NOTIF_PORT="0", POS_NOTIF_DATABASE=database, POS_NOTIF_HOST="localhost") as process:
        assert process.stdout.readline().startswith("http://localhost:")
    assert Path(database).exists()


def test_a_port_in_use_is_one_line_and_makes_no_database(database):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = fails(1, "serve", "--port", port, "--database", database)
    assert port in line
    assert "in use" in line
    assert not Path(database).exists()


def test_a_host_that_is_not_here_is_one_line(database):
    for host in ("192.0.2.1", "no.such.host.invalid"):
        assert host in fails(1, "serve", "--port", "0", "--host", host, "--database", database)


BAD_DATABASES = {
    "a missing folder": lambda path: path / "missing" / "log.db",
    "a folder": lambda path: path,
    "a name that is too long": lambda path: path / ("x" * 300),
    "no SQLite file": lambda path: written(path / "text.db", b"hello, this is no database at all"),
    "another program's": lambda path: another_programs(path / "other.db"),
    "a file in no folder": lambda path: written(path / "file", b"") / "log.db",
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def another_programs(path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (id)")
    return path


@pytest.mark.parametrize("kind", BAD_DATABASES)
def test_a_database_that_cannot_be_used_is_one_line_and_1(kind, tmp_path):
    path = str(BAD_DATABASES[kind](tmp_path))
    for command in (
        ("serve", "--port", "0"),
        ("user", "list"),
        ("user", "create", "Ana", "--role", "mesero", "--password", "1234"),
        ("token", "create", "pos"),
        ("tail",),
    ):
        assert path in fails(1, *command, "--database", path)


@pytest.mark.parametrize(
    "command",
    [
        ("user", "list"),
        ("user", "role", "Ana", "mesero"),
        ("user", "password", "Ana", "--password", "1234"),
        ("user", "delete", "Ana"),
        ("token", "list"),
        ("token", "revoke", "pos"),
        ("session", "list"),
        ("session", "revoke", "1"),
        ("tail",),
    ],
    ids=" ".join,
)
def test_a_missing_database_is_not_made_by_looking(command, database):
    assert "does not exist" in fails(1, *command, "--database", database)
    assert not Path(database).exists()
