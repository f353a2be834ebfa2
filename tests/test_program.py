"""The program's start: what it loads before it does what it was asked, and where it cannot run."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pos_notif
from tests.support.command_line import commands
from tests.support.live_server import clean_environment, run_cli

PACKAGE = Path(pos_notif.__file__).parent
# What serves HTTP and checks what is published: most of the time that a start takes.
HEAVY = ["hypercorn", "pydantic", "quart", "quart_schema", "werkzeug"]
# `python -m pos_notif` where something is another than here, then what it has loaded.
PROGRAM = """
import json, runpy, sys
{meddle}
sys.argv[0] = "pos-notif"
try:
    runpy.run_module("pos_notif", run_name="__main__")
finally:
    print("\\n" + json.dumps(sorted(sys.modules)))
"""


def run(*arguments: str, meddle: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM.format(meddle=meddle), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=clean_environment())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["user", "list", "--database", "{database}"],
        ["menu", "export", "--database", "{database}"],
        *([*path, "--help"] for path, _ in commands()),
    ],
    ids=" ".join,
)
def test_a_command_that_serves_nothing_does_not_load_what_serves(arguments, tmp_path):
    database = tmp_path / "log.db"
    run_cli("user", "create", "Ana", "--role", "manager", "--password", "1234", database=database)
    done = run(*(argument.format(database=database) for argument in arguments))
    assert done.returncode == 0, done.stderr
    said, loaded = done.stdout.rstrip("\n").rsplit("\n", 1)
    assert said.startswith(("pos-notif, version ", "Usage: pos-notif", "1\tmanager\tAna", "\ufeffnombre;"))
    assert set(HEAVY) & set(json.loads(loaded)) == set()


def test_the_package_loads_nothing_before_it_is_asked():
    code = (
        "import json, sys; before = set(sys.modules)\n"
        "import pos_notif; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(loaded) == ["pos_notif"]
    assert pos_notif.Config.__module__ == "pos_notif.config"
    with pytest.raises(AttributeError, match="module 'pos_notif' has no attribute 'Confi'"):
        pos_notif.Confi  # noqa: B018


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("pos-notif: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["serve"], ["user", "list"], ["no-such-command"]], ids=" ".join)
def test_without_locks_on_files_every_command_is_one_line(arguments):
    """As on Windows."""
    assert "needs Linux" in one_line(run(*arguments, meddle="sys.modules['fcntl'] = None"))


def older_pythons() -> list[list[str]]:
    """Those of this machine, pyenv's too."""
    names = ["python2", "python2.7", *(f"python3.{minor}" for minor in range(4, 11))]
    paths = [*map(shutil.which, names), *map(str, Path.home().glob(".pyenv/versions/*/bin/python"))]
    found = []
    for path in filter(None, paths):
        done = subprocess.run(
            [path, "-c", "import sys; print(sys.version_info[:2] < (3, 11))"], capture_output=True, text=True
        )
        if done.stdout.strip() == "True":  # pyenv's shims are there without a Python too
            found.append(path)
    return found


def test_a_python_that_is_too_old_is_one_line():
    line = one_line(run("serve", meddle="sys.version_info = (3, 10, 0, 'final', 0)"))
    assert line.startswith("pos-notif: needs Python 3.11 or newer; this is ")
    for python in older_pythons():
        done = subprocess.run(
            [python, "-m", "pos_notif", "--version"],
            capture_output=True, text=True, cwd=PACKAGE.parent, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert one_line(done).startswith("pos-notif: needs Python 3.11 or newer; this is "), python


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_what_runs_before_the_check_is_in_the_words_of_old_pythons(name):
    tree = ast.parse((PACKAGE / name).read_text("utf-8"), feature_version=(3, 7))
    new = (ast.AnnAssign, ast.AsyncFunctionDef, ast.JoinedStr, ast.NamedExpr, ast.Nonlocal, ast.Starred)
    assert [node for node in ast.walk(tree) if isinstance(node, new)] == []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not any(argument.annotation for argument in node.args.args)
            assert not node.args.kwonlyargs
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__"
