"""`pos-notif user`, `token` and `session`."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
from pathlib import Path

import pytest

from tests.support.command_line import PROGRAM, call, fails
from tests.support.live_server import clean_environment, run_cli
from tests.support.logs import opened
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "log.db")


def test_users_from_their_creation_to_their_end(database):
    def run(*arguments, **how):
        return call("user", *arguments, "--database", database, **how)

    assert run("create", "Ana", "--role", "cocinero", "--password", "1234").exit_code == 0
    assert run("create", "José Núñez", "--role", "mesero", typed="4321\n").exit_code == 0
    assert run("list").stdout == "1\tcocinero\tAna\n2\tmesero\tJosé Núñez\n"
    changed = run("role", "ANA", "manager")
    assert (changed.exit_code, changed.stdout) == (0, "")
    assert run("list").stdout.startswith("1\tmanager\tAna\n")
    assert run("password", "Ana", "--password", "99999").exit_code == 0
    deleted = run("delete", "ana")
    assert (deleted.exit_code, deleted.stdout) == (0, "")
    assert run("list").stdout == "2\tmesero\tJosé Núñez\n"


def test_what_is_not_possible_is_one_line_and_1(database):
    create = ("user", "create", "Ana", "--role", "mesero", "--database", database)
    assert call(*create, "--password", "1234").exit_code == 0
    at = ("--database", database)
    assert fails(1, *create, "--password", "1234") == "pos-notif: there is a user Ana already\n"
    for arguments in (
        ("user", "role", "Beto", "mesero"),
        ("user", "delete", "Beto"),
        ("user", "delete", "\udcff"),
        ("user", "password", "Beto", "--password", "1234"),
        ("token", "revoke", "pos"),
        ("token", "revoke", "\udcff"),
        ("session", "revoke", "7"),
    ):
        assert f"there is no {arguments[0]} " in fails(1, *arguments, *at)
    for password in ("123", "", "\udcff\udcff\udcff\udcff", "x" * 1001):
        assert "4 to 1000" in fails(1, "user", "create", "Beto", "--role", "mesero", "--password", password, *at)
    assert call("token", "create", "pos", *at).exit_code == 0
    assert fails(1, "token", "create", "pos", *at) == "pos-notif: there is a token pos already\n"


@pytest.mark.parametrize("name", ["", "a\nb", "\udcff", "x" * 81, "\u0430na", "ana\u034f", "\u3164"])
def test_what_is_no_name_is_a_usage_error(database, name):
    for arguments in (
        ("user", "create", name, "--role", "mesero", "--password", "1234"),
        ("user", "create", name, "--role", "mesero"),  # before the password is asked for
        ("token", "create", name),
    ):
        result = call(*arguments, "--database", database, typed="")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Error: Invalid value for " in result.stderr
        assert "1 to 80 characters, letters of one script" in result.stderr
    assert not Path(database).exists()


def test_no_password_from_anywhere_is_a_usage_error(database):
    result = call("user", "create", "Ana", "--role", "mesero", "--database", database, typed="")
    assert result.exit_code == 2
    assert "--password" in result.stderr
    assert not Path(database).exists()


def typed_at_a_terminal(*lines: str, arguments: tuple[str, ...]) -> tuple[int, str]:
    """The command with a terminal of its own: exit code, and all that it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background have it ignored
        os.execve(PROGRAM[0], [*PROGRAM, *arguments], clean_environment())
    shown, waiting = "", list(lines)
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while True:
            shown += os.read(terminal, 1024).decode()
            if waiting and shown.endswith(": "):
                line = waiting.pop(0)
                os.write(terminal, line.encode() + (b"" if line == "\x03" else b"\n"))
                shown += f"<{len(lines) - len(waiting)}>"
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_a_name_of_an_older_version_does_nothing_to_the_terminal(server):
    server.create_user("Ana", "mesero")
    server.login("Ana")
    assert server.token
    with opened(server.database) as connection:
        connection.execute("UPDATE users SET username = 'A\u202en\u009b31m\u2028a'")
        connection.execute("UPDATE tokens SET name = 'p\x7fo\u202es'")
    for kind, name in (
        ("user", "A\\u202en\\u009b31m\\u2028a"),
        ("session", "A\\u202en"),
        ("token", "p\\u007fo\\u202es"),
    ):
        [line] = call(kind, "list", "--database", str(server.database)).stdout.splitlines()
        assert name in line
        assert all(field.isprintable() for field in line.split("\t"))


def test_the_password_is_asked_for_twice_and_not_shown(database):
    create = ("user", "create", "Ana", "--role", "mesero", "--database", database)
    code, shown = typed_at_a_terminal("secret-pin", "other-pin", "secret-pin", "secret-pin", arguments=create)
    assert code == 0, shown
    assert "secret-pin" not in shown
    assert "do not match" in shown
    assert run_cli("user", "list", database=database).stdout == "1\tmesero\tAna\n"


def test_ctrl_c_at_the_password_creates_nothing(database):
    create = ("user", "create", "Ana", "--role", "mesero", "--database", database)
    code, shown = typed_at_a_terminal("\x03", arguments=create)
    assert code == 1
    assert shown.rpartition("<1>")[2].split() == ["pos-notif:", "aborted"]
    assert not Path(database).exists()


def test_token_create_prints_the_token_alone_and_makes_the_database(database):
    created = call("token", "create", "pos", "--database", database)
    assert (created.exit_code, created.stderr) == (0, "")
    assert re.fullmatch(r"pn_[\w-]{43}\n", created.stdout)
    assert call("token", "create", "pantalla", "--role", "cocinero", "--database", database).exit_code == 0
    listed = call("token", "list", "--database", database).stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    assert [row[:2] for row in rows] == [["cocinero", "pantalla"], ["manager", "pos"]]
    assert created.stdout.strip() not in listed
    assert call("token", "revoke", "pos", "--database", database).exit_code == 0
    assert "\tpos\t" not in call("token", "list", "--database", database).stdout


def test_sessions_are_listed_with_their_address_and_revoked(server):
    server.create_user("Ana", "mesero")
    cookie = server.login("Ana")
    [line] = run_cli("session", "list", database=server.database).stdout.splitlines()
    number, role, name, address, since, until = line.split("\t")
    assert (role, name, address) == ("mesero", "Ana", "127.0.0.1")
    assert since < until
    assert cookie.partition("=")[2] not in line
    assert run_cli("session", "revoke", number, database=server.database).stdout == ""
    with Stopwatch() as watch:
        eventually(lambda: server.request("GET", "/api/auth/sesion", cookie=cookie)[0] == 401)
    assert watch.seconds < 1
