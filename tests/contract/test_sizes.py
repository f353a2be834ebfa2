"""A file and a function stay small enough to be read whole: what passes is split by noun or route."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "pos_notif").rglob("*.py"), *(ROOT / "client").rglob("*.py")])
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60
# It is one file because it may be copied beside a POS.
COPIED, MAX_COPIED_LINES = "client/pos_notif_client/__init__.py", 500


def test_no_file_is_too_long():
    assert len(SOURCES) > 100
    lengths = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8").count("\n") for path in SOURCES}
    assert lengths.pop(COPIED) <= MAX_COPIED_LINES
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_too_long():
    """With its decorators and docstring, and what is defined in it."""
    found = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found[f"{path.relative_to(ROOT)}:{first} {node.name}"] = node.end_lineno - first + 1
    assert len(found) > 1000
    assert {name: lines for name, lines in found.items() if lines > MAX_FUNCTION_LINES} == {}
