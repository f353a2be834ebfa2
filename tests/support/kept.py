"""What every service makes anew, and always the same, made once in a process of the tests: it costs more than most of
them do otherwise. A process that forks services makes it before."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from jinja2 import Environment
from werkzeug.routing import Rule

from pos_notif.app import create_app
from pos_notif.config import Config
from pos_notif.web import static_files
from tests.browser.page_files import STATIC, loaded_by_pages


def keep() -> None:
    """Has what Werkzeug compiles of a route be kept, what Jinja does of a template, and a page's files as they are
    sent, and the word for the whole of them. It may be called again."""
    if Rule._compile_builder.__module__ == __name__:
        return
    Rule._compile_builder = _once(Rule._compile_builder, _of_rule)  # type: ignore[method-assign]
    Environment.compile = _once(Environment.compile, _of_template)  # type: ignore[method-assign]
    static_files._prepare = _once(static_files._prepare, _of_files)
    static_files._version = _once(static_files._version, _of_folder)


def make() -> None:
    """Makes what a service needs for its pages."""
    templates = create_app(Config()).jinja_env
    for name in templates.list_templates():
        templates.get_template(name)
    for files in loaded_by_pages().values():
        for ending in (".js", ".css"):
            paths = tuple(STATIC / file for file in files if file.endswith(ending))
            states = [path.stat() for path in paths]
            static_files._prepare(paths, True, True, [(state.st_mtime_ns, state.st_size) for state in states])


def _once(function: Callable[..., Any], key: Callable[..., Hashable]) -> Any:
    made: dict[Hashable, Any] = {}

    def kept(*given: Any, **named: Any) -> Any:
        asked = key(*given, **named)
        if asked not in made:
            made[asked] = function(*given, **named)
        return made[asked]

    return kept


def _of_rule(rule: Any, append_unknown: bool = True) -> Hashable:
    return tuple(rule._trace), repr(rule.defaults), append_unknown


def _of_template(environment: Environment, *source: Any, **named: Any) -> Hashable:
    return type(environment), source, tuple(named.items())


def _of_folder(folder: Path) -> Hashable:
    return folder if folder == STATIC else object()  # another one is a test's, and changes


def _of_files(paths: Any, lean: bool, gzipped: bool, of: Any) -> Hashable:
    return paths, lean, gzipped, tuple(of)
