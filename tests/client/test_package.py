"""The distribution: what it says of itself, what it needs, and how old a Python it runs on."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import pos_notif_client
from tests.client.program import CLIENT
from tests.soak.check import read_log

ROOT = CLIENT.parent
PACKAGE = CLIENT / "pos_notif_client"
SOURCES = sorted(PACKAGE.glob("*.py"))
OLDEST = (3, 8)


def test_it_has_the_services_version_and_needs_nothing():
    service = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    client = tomllib.loads((CLIENT / "pyproject.toml").read_text("utf-8"))["project"]
    assert client["version"] == service["version"] == pos_notif_client.__version__
    assert client["dependencies"] == []
    assert client["requires-python"] == f">={OLDEST[0]}.{OLDEST[1]}"
    assert (CLIENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_it_is_written_in_the_oldest_pythons_words():
    for path in SOURCES:
        text = path.read_text("utf-8")
        ast.parse(text, str(path), feature_version=OLDEST)  # what the parser knows to be newer
        assert "from __future__ import annotations" in text  # `str | None` is never evaluated
        tree = ast.parse(text)
        for node in ast.walk(tree):
            assert not isinstance(node, ast.Match | ast.TryStar)
            if isinstance(node, ast.With):  # parenthesised context managers are 3.9's
                first = text.splitlines()[node.lineno - 1].strip()
                assert not (first.startswith("with (") and first.endswith("(")), f"{path.name}:{node.lineno}"


def test_it_imports_the_standard_library_alone():
    known = sys.stdlib_module_names | {"pos_notif_client"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {name.split(".")[0] for name in names} <= known, path.name


def oldest_python() -> str:
    """The oldest that there is of those that a till may have, on PATH or pyenv's."""
    for version in range(OLDEST[1], sys.version_info.minor):
        found = shutil.which(f"python3.{version}")
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:  # pyenv has it in name
            return found
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout if shutil.which("pyenv") else ""
        for python in Path(root.strip() or "/nowhere", "versions").glob(f"3.{version}.*/bin/python"):
            return str(python)
    return sys.executable


# One file, copied beside a program: it stores, sends, is forked, and ends in time.
PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pos_notif_client import ClaveReutilizada, Salida
outbox = Salida(sys.argv[2], sys.argv[3], sys.argv[4])
outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="one")
if os.fork() == 0:
    outbox.notificar_nuevo_pedido({"id": 2}, operacion_id="two")
    os._exit(0)
os.wait()
assert outbox.vaciar(60), outbox.estado()
try:
    outbox.notificar_nuevo_pedido({"id": 3}, operacion_id="one")
except ClaveReutilizada:
    print(outbox.estado()["pendientes"], len(outbox.rechazados()), outbox.reintentar("no"))
"""


@pytest.mark.parametrize("which", ["this", "the oldest"])
def test_the_file_alone_runs_with_nothing_but_python(server, tmp_path, which):
    python = sys.executable if which == "this" else oldest_python()
    (tmp_path / "copied").mkdir()
    shutil.copy(PACKAGE / "__init__.py", tmp_path / "copied" / "pos_notif_client.py")
    done = subprocess.run(
        [python, "-S", "-I", "-W", "error::SyntaxWarning", "-c", PROGRAM, str(tmp_path / "copied"),
         str(tmp_path / "salida.db"), server.url, server.token],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "0 0 False\n"), done.stderr
    assert [event["operacion_id"] for event in read_log(server.database)] == ["one", "two"]


def test_every_module_is_imported_by_the_oldest_python_that_is_there():
    names = [f"pos_notif_client.{path.stem}" for path in SOURCES if path.stem != "__init__"]
    program = f"import sys; sys.path.insert(0, {str(CLIENT)!r}); import {', '.join(names)}"
    done = subprocess.run([oldest_python(), "-S", "-I", "-B", "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
