"""A file and a function stay small enough to be read whole: what passes is split by noun or route."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "pos_notif"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60


def test_no_file_is_too_long():
    assert len(SOURCES) > 100
    lengths = {str(path.relative_to(PACKAGE)): path.read_text("utf-8").count("\n") for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_too_long():
    """With its decorators and docstring, and what is defined in it."""
    found = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found[f"{path.relative_to(PACKAGE)}:{first} {node.name}"] = node.end_lineno - first + 1
    assert len(found) > 1000
    assert {name: lines for name, lines in found.items() if lines > MAX_FUNCTION_LINES} == {}
