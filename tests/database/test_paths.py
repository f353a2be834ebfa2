"""A file that may not be seen is not said to be missing, on every version of Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pos_notif.database.paths import exists, is_directory, is_file
from pos_notif.database.threads import Database
from pos_notif.errors import LogRefused
from tests.support.command_line import drop_root_privileges, without_pauses
from tests.support.live_server import clean_environment
from tests.support.logs import fill_log, stock_alert

# Each command line of standard input in a process of its own, forked from one that has imported it all: a Python of its
# own for each would take a second. Prints their exit codes and what they said.
RUN_ALL = """
import json, os, sys, tempfile
from pos_notif import create_app, NotificadorPedidos
from pos_notif.cli.main import main

results = []
for arguments in json.load(sys.stdin):
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            main(arguments)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said.seek(0)
        results.append([code, said.read().decode()])
json.dump(results, sys.stdout)
"""


@pytest.fixture
def open_log(tmp_path: Path) -> Path:
    fill_log(tmp_path / "open.db", [stock_alert(1)])
    return tmp_path / "open.db"


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A log in a folder without any right."""
    folder = tmp_path / "closed"
    folder.mkdir()
    fill_log(folder / "log.db", [stock_alert(1)])
    folder.chmod(0)
    yield folder / "log.db"
    folder.chmod(0o700)


def test_no_command_says_of_a_log_without_rights_that_it_does_not_exist(tmp_path, open_log, closed):
    new = closed.with_name("new")
    (tmp_path / "export.ndjson").touch()
    commands = {
        closed: [
            ["serve", "--port", "0", "--database", closed],
            ["demo", "--port", "0", "--database", closed],
            ["user", "list", "--database", closed],
            ["user", "create", "Ana", "--role", "manager", "--password", "1234", "--database", closed],
            ["tail", "--database", closed],
            ["export", "--database", closed],
            ["verify", "--database", closed],
            ["verify", closed],
            ["prune", "--keep", "1d", "--database", closed],
            ["backup", tmp_path / "copy.db", "--database", closed],
            ["restore", closed, "--database", open_log],
            ["restore", open_log, "--database", closed],
            ["import", tmp_path / "export.ndjson", "--database", closed],
        ],
        new: [
            ["export", "--output", new, "--database", open_log],
            ["backup", new, "--database", open_log],
            ["import", new, "--database", tmp_path / "none.db"],
        ],
    }
    flat = [(file, [str(word) for word in words]) for file, all_words in commands.items() for words in all_words]
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL], input=json.dumps([words for _, words in flat]),
        capture_output=True, text=True, timeout=120, env=clean_environment(), preexec_fn=drop_root_privileges,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for (file, words), (code, said) in zip(flat, json.loads(done.stdout), strict=True):
        assert (code, without_pauses(said)) == (1, f"pos-notif: {file}: Permission denied\n"), words
    assert sorted(path.name for path in tmp_path.iterdir()) == ["closed", "export.ndjson", "open.db", "open.db-writer"]


async def test_a_link_to_itself_is_not_said_to_be_missing(tmp_path):
    loop = tmp_path / "log.db"
    loop.symlink_to(loop)
    for create in (True, False):
        with pytest.raises(LogRefused, match=r"log\.db: Too many levels of symbolic links"):
            await Database.open(loop, create=create)


def test_what_stands_at_a_path(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    (tmp_path / "link").symlink_to(tmp_path)
    found = {
        name: (exists(tmp_path / name), is_directory(tmp_path / name), is_file(tmp_path / name))
        for name in ("file", ".", "link", "dangling", "none", "none/x", "file/x")
    }
    assert found == {
        "file": (True, False, True),
        ".": (True, True, False),
        "link": (True, True, False),
        "dangling": (False, False, False),
        "none": (False, False, False),
        "none/x": (False, False, False),
        "file/x": (False, False, False),
    }
