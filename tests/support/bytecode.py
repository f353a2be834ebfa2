"""The tests' bytecode, made once for all the processes among which the tests are distributed: pytest works at the
asserts of a new checkout for longer than at anything else before the first test, and each process would for itself."""

from __future__ import annotations

import contextlib
import importlib
import os
import py_compile
import sys
from collections.abc import Iterable
from importlib.util import cache_from_source
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(arguments: Iterable[str]) -> None:
    """Imports the test modules that pytest's `arguments` name, in a forked process for each core, with which pytest
    leaves their bytecode; and leaves that of what is imported here already, where it has been told another folder for
    it. What fails here fails in the test run, and is told there."""
    sources = [file for file in _named(arguments) if not _is_made(file)]
    if not sources:
        return
    processes = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            try:
                sys.dont_write_bytecode = False
                sys.pycache_prefix = os.environ.get("PYTHONPYCACHEPREFIX")
                if sys.pycache_prefix is not None:
                    _compile_imported(number, processes)
                for source in sources[number::processes]:
                    with contextlib.suppress(BaseException):
                        importlib.import_module(".".join(source.relative_to(ROOT).with_suffix("").parts))
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _named(arguments: Iterable[str]) -> list[Path]:
    files: set[Path] = set()
    for argument in arguments:
        path = Path(argument.partition("::")[0]).absolute()
        if path.is_relative_to(ROOT / "tests"):
            files.update(path.rglob("test_*.py") if path.is_dir() else [path])
    return sorted(files)


def _is_made(source: Path) -> bool:
    prefix = os.environ.get("PYTHONPYCACHEPREFIX", sys.pycache_prefix)
    folder = Path(f"{prefix}{source.parent}") if prefix else source.parent / "__pycache__"
    made = folder.glob(f"{source.stem}.*-pytest-*.pyc")
    return any(file.stat().st_mtime >= source.stat().st_mtime for file in made)


def _compile_imported(number: int, processes: int) -> None:
    for module in list(sys.modules.values())[number::processes]:
        source = getattr(getattr(module, "__spec__", None), "origin", None) or ""
        if source.endswith(".py") and not os.path.exists(cache_from_source(source)):
            py_compile.compile(source, quiet=2)
