"""A page's scripts stand in its own folder and use nothing but those and the shared ones."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.browser.page_files import STATIC, loaded_by_pages

FOLDERS = {
    "caja": "till",
    "cocina": "kitchen",
    "docs": "other",
    "index": "other",
    "login": "other",
    "manager": "manager",
    "menu": "menu",
    "pos": "waiter",
    "registro": "log",
    "sin_conexion_cocina": "kitchen",
}
JS = STATIC / "js"
SCRIPTS = {path.relative_to(JS).as_posix(): path.read_text("utf-8") for path in sorted(JS.rglob("*.js"))}
IN_FOLDERS = [name for name in SCRIPTS if "/" in name]
AT_THE_TOP = {"notificaciones.js", "sw.js"}

DEFINES = re.compile(r"\bpages\.(\w+) = ")
USES = re.compile(r"\b(?:pages|posNotif)\.(\w+)\b(?! = )")
# `var dom = pages.dom;` of the script itself, not of a function in it: it must be there when the script is loaded.
NEEDS_AT_ONCE = re.compile(r"^  var \w+ = (?:new )?(?:window\.posNotif|pages)\.(\w+)", re.MULTILINE)


def folder(name: str) -> str:
    return Path(name).parent.name


@cache
def definer() -> dict[str, str]:
    """By what the scripts share, the script that defines it."""
    return {thing: name for name in IN_FOLDERS for thing in DEFINES.findall(SCRIPTS[name])}


@cache
def loaded() -> dict[str, list[str]]:
    return {
        page: [file.removeprefix("js/") for file in files if file.startswith("js/")]
        for page, files in loaded_by_pages().items()
    }


def test_only_what_is_named_from_outside_stands_at_the_top() -> None:
    assert {name for name in SCRIPTS if "/" not in name} == AT_THE_TOP
    assert {folder(name) for name in IN_FOLDERS} == {"shared", *FOLDERS.values()}


def test_a_page_loads_its_own_folder_and_shared_scripts_alone() -> None:
    for page, names in loaded().items():
        assert {folder(name) for name in names if "/" in name} <= {"shared", FOLDERS.get(page, "shared")}, page
        assert len(names) == len(set(names)), page


def test_every_script_is_loaded_by_a_page() -> None:
    everywhere = {name for names in loaded().values() for name in names}
    assert everywhere == set(SCRIPTS) - {"sw.js"}


def test_a_shared_script_is_shared() -> None:
    pages = list(loaded().values())
    for name in IN_FOLDERS:
        if folder(name) == "shared":
            assert sum(name in names for names in pages) > 1, name


def test_each_thing_is_defined_once() -> None:
    defined = [thing for name in IN_FOLDERS for thing in DEFINES.findall(SCRIPTS[name])]
    assert len(defined) > 40
    assert sorted(defined) == sorted(set(defined))


@pytest.mark.parametrize("name", IN_FOLDERS)
def test_a_script_uses_only_its_own_folder_and_the_shared_one(name: str) -> None:
    used = set(USES.findall(SCRIPTS[name]))
    assert used <= set(definer())
    assert {folder(definer()[thing]) for thing in used} <= {"shared", folder(name)}


@pytest.mark.parametrize("page", sorted(loaded()))
def test_what_a_script_uses_is_loaded_on_its_page(page: str) -> None:
    names = loaded()[page]
    place = {name: index for index, name in enumerate(names)}
    for name in names:
        assert {definer()[thing] for thing in USES.findall(SCRIPTS[name])} <= set(names), name
        for thing in NEEDS_AT_ONCE.findall(SCRIPTS[name]):
            assert place[definer()[thing]] < place[name], f"{name} needs {thing} before"
