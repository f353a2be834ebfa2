"""Imports between packages go down only, none needs itself in a circle, and each technology has its own place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "pos_notif"

# From the ground up: a package, or a module of the top, uses those before it. What stands in none fails the test: a new
# one says where it belongs.
ORDER = (
    "errors",
    "clock",
    "resources",
    "alarm_hours",
    "counts",
    "events",
    "config",
    "principal",
    "wire",
    "socketio",
    "database",
    "orders",
    "log",
    "publishing",
    "history",
    "upkeep",
    "accounts",
    "delivery",
    "alarms",
    "figures",
    "notifier",
    "web",
    "app",
    "server",
    "demo",
    "cli",
    "__main__",
)
# What `from pos_notif import …` offers stands above what it gathers, and nothing inside imports it.
FACADE = "__init__"
# Who alone may import a library: modules, or whole packages.
SOLE_USERS = {
    "hypercorn": {"server"},
    "wsproto": {"server.websocket"},
    "h11": {"server.connection"},
    "uvicorn": {"server.uvicorn_server"},
    "aiosqlite": {"database.threads"},
    "sqlite3": {"database", "log", "history", "upkeep", "accounts"},
    "argon2": {"accounts.passwords"},
    "prometheus_client": {"web.metrics"},
    "quart": {"web", "app"},
    "quart_schema": {"web", "app"},
    "quart_cors": {"app"},
    "werkzeug": {"web"},
    "click": {"cli", "demo.service"},
}
# Decisions and encodings: the same answer for the same arguments, whatever loop, request or store is around.
PURE = (
    "errors",
    "clock",
    "alarm_hours",
    "counts",
    "events",
    "principal",
    "wire",
    "socketio.packets",
    "orders",
    "log.event_log",
    "log.hash_chain",
    "log.lines",
    "log.pruning",
    "log.subscriptions",
    "publishing.append",
    "publishing.publication",
    "publishing.receipts",
    "publishing.system_events",
    "history.filters",
    "history.event_fields",
    "history.sentences",
    "history.csv_rows",
    "alarms.rules",
    "figures.counting",
    "demo.people",
    "demo.menu",
    "demo.board",
    "demo.guests",
    "demo.staff",
)
IMPURE = {"asyncio", "quart", "sqlite3", "aiosqlite", "socket", "threading", "time", "random"}
# The clock is where the time comes from; the simulation's chance is passed in, or of a seed.
MAY_BE_IMPURE = {
    ("clock", "time"),
    ("demo.people", "random"),
    ("demo.menu", "random"),
    ("demo.guests", "random"),
    ("demo.staff", "random"),
}


def module_names() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__init__" and len(parts) > 1:
            parts = parts[:-1]
        found[".".join(parts)] = path
    return found


MODULES = module_names()


def top(module: str) -> str:
    """The package, or the module of the top, that a module belongs to."""
    return module.split(".")[0]


def belongs(module: str, places: Iterator[str] | set[str] | tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def imports(module: str) -> Iterator[tuple[str, bool]]:
    """What a file imports, (name, ours): in functions and for type checkers too, since those are knowledge as well."""
    path = MODULES[module]
    package = path.parent.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module), False
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1]
            target = ".".join((*start, *(node.module or "").split("."))).strip(".")
            for alias in node.names:
                member = f"{target}.{alias.name}".strip(".")
                yield (member if member in MODULES else target or FACADE), True


def ours(module: str) -> set[str]:
    """The project's own modules that a file imports, however it spells them."""
    found = set()
    for name, is_ours in imports(module):
        if is_ours:
            found.add(name)
        elif name.split(".")[0] == "pos_notif":
            inside = name.removeprefix("pos_notif").strip(".")
            found.add(inside or FACADE)
    return found


def libraries(module: str) -> set[str]:
    return {name.split(".")[0] for name, is_ours in imports(module) if not is_ours}


def test_every_module_stands_in_a_place_of_the_order():
    assert {top(module) for module in MODULES} == {*ORDER, FACADE}


def test_imports_between_packages_go_down():
    wrong = [
        f"{module} imports {target}"
        for module in MODULES
        if module != FACADE
        for target in ours(module)
        if (module, target) != ("log.tables.alarms", "alarms.rules")
        if target == FACADE or ORDER.index(top(target)) > ORDER.index(top(module))
    ]
    assert wrong == []


def test_no_module_needs_itself_in_a_circle():
    needs = {module: ours(module) for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path, module))
        if module not in done:
            for target in needs.get(module, ()):
                if target != module:
                    visit(target, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_no_package_loads_anything_by_itself():
    """The process that reads a download loads only what it names: an `__init__` that imported would bring the rest."""
    packages = [path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE]
    loaders = [path for path in packages if len(ast.parse(path.read_text("utf-8")).body) > 1]
    assert loaders == []
    assert len(packages) > 15


def test_the_facade_is_known_to_the_wiring_alone():
    assert {module for module in MODULES if "notifier" in ours(module)} == {FACADE, "app", "demo.own_database"}


def test_each_technology_has_its_own_place():
    for library, places in SOLE_USERS.items():
        users = {module for module in MODULES if library in libraries(module)}
        assert {module for module in users if not belongs(module, places)} == set(), library
        assert {place for place in places if not any(belongs(user, (place,)) for user in users)} == set(), library


def test_decisions_and_encoders_are_pure():
    assert {place for place in PURE if not any(belongs(module, (place,)) for module in MODULES)} == set()
    for module in MODULES:
        if belongs(module, PURE):
            used = {library for library in libraries(module) & IMPURE if (module, library) not in MAY_BE_IMPURE}
            assert used == set(), module


def test_the_environment_is_read_in_one_file():
    readers = set()
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv"):
                readers.add(module)
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                readers |= {module for alias in node.names if alias.name in ("environ", "getenv")}
    assert readers == {"config"}
