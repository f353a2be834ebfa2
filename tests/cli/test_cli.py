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

import click
import pytest

from pos_notif.config import Config, env_name
from pos_notif.history.filters import NAMES
from tests.support.command_line import PROGRAM, call, commands, fails, running
from tests.support.live_server import clean_environment, run_cli


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


def test_every_option_says_what_it_is_for_and_no_default_is_empty():
    for path, command in commands():
        shown = call(*path, "--help").stdout
        assert "default: ]" not in " ".join(shown.split()), path
        assert [line for line in shown.splitlines() if line.endswith("...") and "Usage" not in line] == [], path
        unexplained = [
            parameter.name
            for parameter in command.params
            if isinstance(parameter, click.Option) and not (parameter.help or "").strip()
        ]
        assert unexplained == [], path


def test_defaults_of_settings_are_shown_as_they_are_typed():
    text = " ".join(call("serve", "--help").stdout.split())
    for name, shown in (("HEARTBEAT_SECONDS", "15"), ("ACCESS_LOG", "true"), ("CERTFILE", "none"), ("ORIGINS", "none")):
        assert f"[POS_NOTIF_{name}; default: {shown}]" in text


def test_options_are_english_and_a_role_is_called_the_same_everywhere():
    spanish = {*NAMES, "desde_id", "separador"} - {"q"}
    roles = set()
    for path, command in commands():
        for parameter in command.params:
            names = {name.lstrip("-").replace("-", "_") for name in parameter.opts}
            assert not names & spanish, path
            if isinstance(parameter, click.Option) and "role" in f"{parameter.opts} {parameter.metavar}".lower():
                roles.add((*parameter.opts,))
    assert roles == {("--role",)}
    refused = call("export", "--rol", "cajero")
    assert (refused.exit_code, refused.stdout, "--role" in refused.stderr) == (2, "", True)


# Words of a Spanish sentence that no English one has, and that stand in no word of the wire.
SPANISH = re.compile(
    r"[áéíóúñ¿¡]|\b(el|la|los|las|un|una|de|del|debe|ser|existe|ya|está|hay|que|para|tiene)\b", re.IGNORECASE
)


@pytest.mark.parametrize(
    "arguments",
    [
        *((path, "--help") for path, _ in commands()),
        *((("export",), option, "\x01") for option in (
            "--from", "--to", "--day", "--type", "--subject", "--order", "--number", "--table", "--user", "--role",
            "--room", "--state", "--text", "--after", "--separator", "--format",
        )),
        (("export",), "--text", "x" * 201),
        (("user", "create", "Ana"), "--role", "jefe"),
        (("user", "create", ""), "--role", "mesero", "--password", "1234"),
        (("user", "create", "Ana"), "--role", "mesero", "--password", "1"),
        (("user", "role", "Ana", "mesero"),),
        (("user", "password", "Ana"), "--password", "12345"),
        (("user", "delete", "Ana"),),
        (("token", "revoke", "pos"),),
        (("session", "revoke", "3"),),
        (("session", "revoke", "tres"),),
        (("prune",), "--keep", "ayer"),
        (("verify",), "--head", "x"),
        (("import", "log.db"),),
        (("restore", "log.ndjson"),),
        (("demo",), "--pace", "rápido"),
    ],
    ids=lambda arguments: " ".join((*arguments[0], *arguments[1:]))[:40],
)  # fmt: skip
def test_what_a_command_says_is_english(arguments, database):
    assert call("token", "create", "caja", "--database", database).exit_code == 0
    path, *rest = arguments
    words = [*path, *rest, *(() if "--help" in rest else ("--database", database))]
    result = call(*(database if word == "log.db" else word for word in words))
    said = " ".join((result.stdout if "--help" in rest else result.stderr).replace(database, "").split())
    assert result.exit_code == 0 if "--help" in rest else result.exit_code in (1, 2)
    for word in words:
        said = said.replace(word, "")
    assert said.strip()
    assert SPANISH.search(re.sub(r"`\w+`|\b\w+_\w+\b|El Salvador|America/\w+", "", said)) is None, said


def test_a_log_that_cannot_be_written_is_told_in_english(database):
    assert (
        call("user", "create", "Ana", "--role", "mesero", "--password", "1234", "--database", database).exit_code == 0
    )
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        line = fails(1, "user", "delete", "Ana", "--database", database)
    assert line == "pos-notif: the event log is not available: database is locked\n"


def test_a_mistyped_command_is_told_what_may_have_been_meant():
    assert "Did you mean 'serve'?" in call("serv").stderr
    assert "Did you mean 'user'?" in call("usr", "list").stderr
    assert "Did you mean" not in call("freir").stderr


def test_a_name_of_a_file_that_is_empty_is_refused(database):
    for arguments in (
        ("backup", ""),
        ("restore", ""),
        ("import", ""),
        ("verify", ""),
        ("user", "list", "--database", ""),
    ):
        result = call(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "a file's name must not be empty" in result.stderr


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


# What happens to a command


def shell(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A shell's script, in which "$@" is pos-notif with its arguments."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *PROGRAM, *arguments], env=clean_environment(**environ), capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        ("--help",), ("--version",), ("user", "--help"), ("user", "list"), ("token", "create", "caja"), ("verify",),
        ("export",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_full_standard_output_is_one_line(command, database):
    assert (
        call("user", "create", "Ana", "--role", "mesero", "--password", "1234", "--database", database).exit_code == 0
    )
    where = () if command[-1].startswith("--") else ("--database", database)
    done = shell('"$@" > /dev/full', *command, *where)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "pos-notif: standard output: No space left on device")
    assert "Traceback" not in done.stderr


def test_a_command_whose_standard_streams_are_closed_does_its_work(database, tmp_path):
    """What it opens must not get the number of one of them: it would be written into."""
    out = str(tmp_path / "log.ndjson")
    for command in (("token", "create", "caja"), ("user", "list"), ("export", "--output", out), ("verify",)):
        done = shell('"$@" <&- >&- 2>&-', *command, "--database", database)
        assert done.returncode == 0, command
    assert Path(out).read_text("utf-8").startswith('{"fin":true,"total":0,')
    assert call("verify", "--database", database).exit_code == 0


def test_names_are_shown_where_the_terminal_cannot_write_them(database):
    create = ("user", "create", "Łucja", "--role", "mesero", "--password", "1234", "--database", database)
    assert call(*create).exit_code == 0
    again = shell('"$@"', *create, PYTHONIOENCODING="latin-1")
    assert again.stderr == "pos-notif: there is a user \\u0141ucja already\n"
    listed = shell('"$@"', "user", "list", "--database", database, PYTHONIOENCODING="latin-1")
    assert listed.stdout == "1\tmesero\t\\u0141ucja\n"


INTERRUPTED = """
import atexit, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background have it ignored
_, module, *arguments = sys.argv
class WhenImported:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, WhenImported())
atexit.register(os.kill, os.getpid(), signal.SIGINT)  # and once more
from pos_notif.__main__ import main
sys.argv = ["pos-notif", *arguments]
main()
"""


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("click", ("serve", "--port", "0")),
        ("pos_notif.cli.main", ("serve", "--port", "0")),
        ("pos_notif.cli.serve", ("serve", "--port", "0")),
        ("quart", ("serve", "--port", "0")),
        ("quart", ("demo", "--port", "0")),
        ("pos_notif.cli.accounts", ("user", "list")),
    ],
)
def test_ctrl_c_while_a_command_begins_is_one_line(module, command, database):
    done = subprocess.run(
        [PROGRAM[0], "-c", INTERRUPTED, module, *command, "--database", database], capture_output=True, text=True,
        env=clean_environment(), timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "pos-notif: interrupted\n")
