"""Imports between packages go down only, none needs itself in a circle, and each technology has its own place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
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
    "push_settings",
    "config",
    "principal",
    "board",
    "wire",
    "socketio",
    "database",
    "cluster",
    "orders",
    "log",
    "publishing",
    "history",
    "upkeep",
    "accounts",
    "delivery",
    "alarms",
    "figures",
    "push",
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
    "h11": {"server.http11"},
    "uvicorn": {"server.uvicorn_server"},
    "aiosqlite": {"database.thread"},
    "sqlite3": {"database", "log", "history", "upkeep", "accounts", "cluster", "push"},
    "argon2": {"accounts.passwords"},
    "redis": {"cluster.redis_connection"},
    "httpx": {"push.posting"},
    "cryptography": {"push.webpush_codec"},
    "http_ece": {"push.webpush_codec"},
    "py_vapid": {"push.webpush_codec"},
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
    "publishing.rehearsal",
    "publishing.receipts",
    "publishing.sent",
    "publishing.system_events",
    "history.filters",
    "history.event_fields",
    "history.sentences",
    "history.csv_rows",
    "alarms.rules",
    "figures.counting",
    "push.addresses",
    "push.devices",
    "push.telling",
    "push_settings",
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


@cache
def imports(module: str) -> tuple[tuple[str, bool], ...]:
    """What a file imports, (name, ours): in functions and for type checkers too, since those are knowledge as well."""
    return tuple(read_imports(MODULES[module]))


def read_imports(path: Path) -> Iterator[tuple[str, bool]]:
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


def test_whoever_is_told_of_something_is_given_and_not_set_from_outside():
    """An attribute that another module fills in later is wired by nobody whom a type checker or a reader can follow."""
    set_from_outside = [
        f"{module}: {ast.unparse(target)}"
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and target.attr.startswith("on_") and ast.unparse(target.value) != "self"
    ]
    assert set_from_outside == []


# Who opens a file by plain calls, and which. Whoever closes one loses every lock that its process has on it (POSIX), so
# none of these may be a log that the process has open through SQLite, its -wal or its -shm.
PLAIN_FILES = {
    "cli.cluster_repair._write_list": "the lists beside a file that was replaced, which are new",
    "cli.main._prepare_standard_streams": "/dev/null",
    "cli.main.main": "/dev/null",
    "cli.output._opened": "the export that is made, under a name that no database has",
    "cli.output.write_output": "/dev/null",
    "cli.tail._follow": "/dev/null",
    "cluster.one_process.file_mark": "what Linux says of its start",
    "database.file._check_schema": "schema.sql",
    "database.file._create": "schema.sql",
    "database.file.is_database": "what SQLite has said is no database",
    "database.locks._open": "the lock file beside the log",
    "database.locks._who_has": "the lock file beside the log",
    "database.paths.private": "what its callers, in this list too, make",
    "demo.nodes._is_ready": "an address",
    "server.tls._check_readable": "certificate and key",
    "upkeep.backup._keep": "the log that is replaced, by the handle that has its lock, or its companions",
    "cluster.statements.check_statement": "the schema's text",
    "upkeep.backup._locked": "the log that is replaced, unless this process has it open",
    "upkeep.backup._remove_abandoned": "what a killed command has left, and has open no more",
    "upkeep.backup._sync": "what has just been made, before anybody has opened it",
    "upkeep.backup.open_copy": "a copy that nobody else has open, and that has no name any more",
    "upkeep.backup_time.note_backup": "the mark beside the log, which has no rows",
    "upkeep.joining.fetch": "a copy that is being received, which nobody has opened yet",
    "upkeep.importing.import_log": "an export",
    "upkeep.verification.verify_export": "an export",
    "web.processes._told": "what Linux says of processes",
    "web.static_files._content": "a file of the pages",
    "web.static_files._version": "the pages' own files",
}
FILE_CALLS = {"open", "fdopen", "read_bytes", "read_text", "write_bytes", "write_text", "copy2", "copyfile", "copytree"}
# Of the same name, but opening no file by themselves.
OTHER_OPENERS = {"Database", "SqliteLog", "notifier", "log", "self", "cls", "download", "_opener", "stack", "request"}


def file_calls(module: str) -> Iterator[str]:
    """`module.function` for each call that may open a file."""
    for function in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id == "open":
                yield f"{module}.{function.name}"
            elif isinstance(called, ast.Attribute) and called.attr in FILE_CALLS:
                owner = called.value
                while isinstance(owner, ast.Attribute):
                    owner = owner.value
                if not (isinstance(owner, ast.Name) and owner.id in OTHER_OPENERS):
                    yield f"{module}.{function.name}"


def test_nothing_opens_a_log_beside_sqlite():
    found = {call for module in MODULES for call in file_calls(module)}
    assert found == set(PLAIN_FILES)
