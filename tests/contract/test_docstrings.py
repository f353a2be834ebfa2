"""Docstrings are whole sentences, as far as a machine can tell, and name no file that is not there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import hypercorn

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pos_notif"
SOURCES = sorted(PACKAGE.rglob("*.py"))
# A sentence that begins so can always begin with its subject or its verb; one that lacks them nearly always begins so.
FRAGMENT = re.compile(
    r"(About|Above|After|Again|Also|Although|And|As|At|Because|Before|Behind|Below|Beside|Between|Beyond|But|By|During|For"
    r"|From|In|Inside|Into|Like|Never|None|Of|On|Once|Only|Or|Outside|Over|Since|So|Soon|Than|Through|To|Twice|Under|Until"
    r"|Up|Whether|While|With|Within|Without)\b"
)
# Their words are read by people: the views' stand in /openapi.json, the commands' in --help.
SHOWN = ("documented", "command", "group")
# Beside the package, the project and the file's own folder: server/ names what it changes of Hypercorn.
PLACES = (PACKAGE, ROOT, Path(hypercorn.__file__).parent)

NAMED = re.compile(
    r"(?<![\w/.])(?:pos_notif|tests|client|static|templates|docs)/[\w/.-]+\.(?:py|js|html|css|md|json|yml|svg)\b"
)


class Docstring(NamedTuple):
    where: str
    text: str
    of_function: bool


@cache
def docstrings() -> list[Docstring]:
    """Those of attributes too, which follow their assignment."""
    return list(read_docstrings())


def read_docstrings() -> Iterator[Docstring]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for statement in node.body if isinstance(getattr(node, "body", None), list) else ():
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    text = statement.value.value
                    if isinstance(text, str):
                        where = f"{path.relative_to(ROOT)}:{statement.lineno}"
                        yield Docstring(where, text, is_function and not is_shown(node))


def is_shown(function: ast.AST) -> bool:
    decorators = [ast.unparse(decorator) for decorator in getattr(function, "decorator_list", ())]
    return any(re.match(rf"[\w.]*\b{name}\(", decorator) for name in SHOWN for decorator in decorators)


def test_all_are_looked_at():
    assert len(docstrings()) > 700
    assert sum(docstring.of_function for docstring in docstrings()) > 400


def test_each_begins_as_a_sentence_and_ends_as_one():
    begins = re.compile(r"[A-ZÁÉÍÓÚÑ`]")
    assert [
        docstring.where
        for docstring in docstrings()
        if not begins.match(docstring.text) or not docstring.text.rstrip().endswith(".")
    ] == []


def test_none_begins_as_a_fragment():
    assert [
        f"{docstring.where}: {docstring.text[:40]}" for docstring in docstrings() if FRAGMENT.match(docstring.text)
    ] == []


def test_one_of_a_function_begins_with_its_verb():
    """`Returns …`, `Raises …`, `Is called …`: the subject is the function itself."""
    assert [
        f"{docstring.where}: {docstring.text[:40]}"
        for docstring in docstrings()
        if docstring.of_function and not re.match(r"[A-Z][a-z]*s\b(?!')", docstring.text)
    ] == []


def comments(path: Path) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def test_every_module_that_a_test_names_is_there():
    """By a path from the project's folder, in comments and docstrings: a string may be an address that is asked for."""
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        definitions = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        texts = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, definitions)]
        for text in (*texts, *comments(path)):
            found += [(str(path.relative_to(ROOT)), name) for name in NAMED.findall(text)]
    assert len(found) > 30
    assert [f"{path}: {name}" for path, name in found if not (ROOT / name).is_file()] == []


def test_every_module_that_is_named_is_there():
    """In comments too. Where a module moves, what speaks of it moves along."""
    named = {(docstring.where.split(":")[0], docstring.text) for docstring in docstrings()}
    named |= {(str(path.relative_to(ROOT)), comment) for path in SOURCES for comment in comments(path)}
    found = [(name, module) for name, text in named for module in re.findall(r"[\w/]+\.py\b", text)]
    assert len(found) > 20
    assert [
        f"{name}: {module}"
        for name, module in sorted(found)
        if not any((place / module).is_file() for place in (*PLACES, (ROOT / name).parent))
    ] == []
