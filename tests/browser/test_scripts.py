"""The pages run in browsers of 2013: every script is ES5, without what came after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from calmjs.parse import es5
from calmjs.parse.asttypes import FuncBase
from calmjs.parse.exceptions import ECMASyntaxError
from calmjs.parse.walkers import Walker

from tests.browser.page_files import STATIC, TEMPLATES, loaded_by_pages

SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
STYLES = sorted((STATIC / "css").rglob("*.css"))

NEWER_THAN_ES5 = re.compile(
    r"\b(?:Promise|fetch|Symbol|WeakMap|Proxy|Reflect|Map|Set|URLSearchParams|Object\.(?:assign|entries|values)"
    r"|Array\.from|Number\.isNaN)\b\s*[(.]"
    r"|\.(?:includes|startsWith|endsWith|padStart|repeat|closest|matches|append|prepend|find|findIndex|replaceAll)\("
)
STRINGS_AND_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:[^'\\\n]|\\.)*'", re.DOTALL)


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(STATIC).as_posix() for path in paths]


def test_every_file_that_a_page_loads_is_checked_here() -> None:
    loaded = [file for files in loaded_by_pages().values() for file in files]
    assert len(loaded) > 100
    assert set(loaded) <= {*names(SCRIPTS), *names(STYLES)}


@pytest.fixture(scope="module", params=SCRIPTS, ids=names(SCRIPTS))
def functions(request: pytest.FixtureRequest) -> list[tuple[int, int]] | ECMASyntaxError:
    """A script's functions; or why it does not parse."""
    try:
        return spans(request.param.read_text("utf-8"))
    except ECMASyntaxError as error:
        return error


def test_script_parses_as_es5(functions: list[tuple[int, int]] | ECMASyntaxError) -> None:
    assert isinstance(functions, list), functions


def test_the_parser_refuses_what_came_after_es5() -> None:
    for newer in ("let a = 1;", "const a = 1;", "f(() => 1);", "a = `b`;", "class A {}", "f({a});"):
        with pytest.raises(ECMASyntaxError):
            es5(newer)


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_script_needs_no_newer_library(script: Path) -> None:
    code = STRINGS_AND_COMMENTS.sub(" ", script.read_text("utf-8"))
    if script.name == "sw.js":  # a browser that has service workers has what they are made of
        code = re.sub(r"self\.(?:Promise|fetch)\b", " ", code)
    assert NEWER_THAN_ES5.findall(code) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_script_never_writes_markup(script: Path) -> None:
    code = script.read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in code


@pytest.mark.parametrize("style", STYLES, ids=names(STYLES))
def test_style_needs_no_grid_and_no_variables(style: Path) -> None:
    css = re.sub(r"/\*.*?\*/", "", style.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"var\(|display:\s*grid|\bgap:|clamp\(|url\(|@import", css)


MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
# A page of the POS includes it alone, without a build.
ONE_WHOLE = {"js/notificaciones.js"}


@pytest.mark.parametrize("file", [*SCRIPTS, *STYLES], ids=names([*SCRIPTS, *STYLES]))
def test_a_file_can_be_read_in_one_go(file: Path) -> None:
    lines = len(file.read_text("utf-8").splitlines())
    assert (lines > MOST_LINES) == (names([file])[0] in ONE_WHOLE)


def test_functions_are_short(functions: list[tuple[int, int]]) -> None:
    """But for the one that wraps a whole file, so that nothing in it is global."""
    wrappers = [span for span in functions if not any(is_within(span, other) for other in functions)]
    assert len(wrappers) <= 1
    assert [
        first for first, last in functions if last - first >= MOST_LINES_OF_A_FUNCTION and (first, last) not in wrappers
    ] == []


def spans(code: str) -> list[tuple[int, int]]:
    """The first and the last line of each function."""
    functions = Walker().filter(es5(code), lambda node: isinstance(node, FuncBase))
    return [(function.getpos("function", 0)[1], function.getpos("}", 0)[1]) for function in functions]


def is_within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def test_a_function_is_measured_from_its_name_to_its_brace() -> None:
    assert spans("(function () {\n  var a = function () { if (a) {\n    a();\n  } };\n}());\n") == [(1, 5), (2, 4)]


def test_templates_obey_the_content_security_policy() -> None:
    for template in TEMPLATES.rglob("*.html"):
        html = template.read_text("utf-8")
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)", html), template.name
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html), template.name
