"""Imports go down only: each layer may use the ones before it, and its own without a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pos_notif"

# From the ground up. A file that stands in no layer fails the test: a new one says where it belongs.
LAYERS = (
    (
        "wire",
        "socketio",
        "database",
        "orders",
        "log",
        "log.tables",
        "publishing",
        "delivery",
        "history",
        "upkeep",
        "accounts",
        "alarms",
        "figures",
        "server",
        "cli",
    ),
    ("errors", "clock", "resources", "alarm_hours", "counts", "database.literals", "web.rate_limit"),
    (
        "config",
        "events",
        "database.literals",
        "orders.kitchen_copy",
        "wire.json_limits",
        "wire.validation",
        "log.subscriptions",
    ),
    (
        "orders.drafts",
        "orders.state",
        "figures.counting",
        "orders.lines",
        "orders.completion",
        "delivery.presence",
        "alarms.rules",
        "orders.actions",
        "orders.requests",
        "orders.menu",
        "orders.routing",
        "log.hash_chain",
        "log.pruning",
        "log.lines",
        "history.filters",
        "history.event_fields",
        "history.sentences",
        "history.csv_rows",
        "wire",
        "wire.json_text",
        "wire.sse",
        "socketio.packets",
    ),
    ("log.event_log", "database.file", "database.threads"),
    (
        "log.tail",
        "publishing.append",
        "publishing.publication",
        "publishing.receipts",
        "log.tables.alarms",
        "log.tables.orders",
        "log.tables.figures",
        "log.tables.menu",
        "log.tables.events",
        "log.tables.fold",
        "log.tables.pruning",
        "upkeep.retention",
        "upkeep.progress",
        "upkeep.export_reader",
        "upkeep.verification",
        "upkeep.importing",
        "upkeep.backup",
        "log.transaction",
        "log.writer",
        "history.query",
        "history.process",
        "accounts.passwords",
        "accounts.throttle",
        "accounts.accounts",
    ),
    (
        "notifier",
        "delivery.polling",
        "delivery.fanout",
        "publishing.following",
        "publishing.placing",
        "figures.today",
        "socketio.engine",
        "socketio.sockets",
    ),
    (
        "delivery.connections",
        "delivery.streams",
        "delivery.event_feed",
        "delivery.client_socket",
        "alarms.watch",
        "web.metrics",
        "delivery.downloads",
    ),
    (
        "web",
        "web.services",
        "web.schemas",
        "web.documented",
        "web.openapi",
        "web.body",
        "web.errors",
        "web.security_headers",
        "web.access",
        "web.sign_in",
        "web.notifications",
        "web.polling",
        "web.publishing",
        "web.client_actions",
        "web.socketio",
        "web.client_sockets",
        "web.http_connection",
        "web.orders",
        "web.log",
        "web.products",
        "web.figures",
        "web.health",
        "web.pages",
    ),
    ("app",),
    ("server.tls", "server.websocket", "server.connection", "server.uvicorn_server", "server.loop_watch", "server.run"),
    ("cli.accounts", "cli.tail", "cli.export", "cli.serve", "cli.log"),
    ("demo",),
    ("cli.demo",),
    ("cli.main",),
    ("__main__",),
)
# What `from pos_notif import …` offers stands above what it gathers, and nothing inside imports it.
FACADE = "__init__"
# Against the order, each with its reason.
EXCEPTIONS = {
    # `obtener_eventos_pendientes` is a poll, and a poll is a read of the notifier; inside a function.
    ("notifier", "delivery.polling"),
}
# Who alone may import a library.
SOLE_USERS = {
    "hypercorn": {"server.connection", "server.websocket", "server.run"},
    "wsproto": {"server.websocket"},
    "h11": {"server.connection"},
    "aiosqlite": {"database.threads"},
    "argon2": {"accounts.passwords"},
    "prometheus_client": {"web.metrics"},
    "quart_cors": {"app"},
}
# Decisions and encodings: the same answer for the same arguments, whatever loop, request or store is around.
PURE = (
    "errors",
    "clock",
    "alarm_hours",
    "counts",
    "alarms.rules",
    "events",
    "orders.kitchen_copy",
    "wire.json_limits",
    "wire.validation",
    "orders.state",
    "figures.counting",
    "orders.actions",
    "orders.requests",
    "orders.menu",
    "orders.routing",
    "orders.lines",
    "database.literals",
    "log.hash_chain",
    "log.pruning",
    "log.lines",
    "history.filters",
    "history.event_fields",
    "history.sentences",
    "history.csv_rows",
    "orders.completion",
    "orders.drafts",
    "publishing.append",
    "publishing.publication",
    "publishing.receipts",
    "log.subscriptions",
    "log.event_log",
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


def place(module: str) -> int | None:
    """The layer's number. Of `web` and `wire` each file is listed; `demo` stands for all its files."""
    name = "demo" if module.startswith("demo.") else module
    return next((number for number, layer in enumerate(LAYERS) if name in layer), None)


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


def test_every_file_has_its_layer():
    placed = {module for module in MODULES if place(module) is not None}
    assert set(MODULES) - placed == {FACADE}


def test_every_layer_names_files_that_exist():
    named = {module for layer in LAYERS for module in layer}
    assert named - set(MODULES) == set()


def test_imports_go_down():
    wrong = []
    for module in MODULES:
        if module == FACADE:
            continue
        for target in ours(module):
            if (module, target) in EXCEPTIONS:
                continue
            if target == FACADE or (place(target) or 0) > (place(module) or 0):
                wrong.append(f"{module} imports {target}")
    assert wrong == []


def test_exceptions_are_still_needed():
    assert {pair for pair in EXCEPTIONS if pair[1] not in ours(pair[0])} == set()


def test_no_file_needs_itself_in_a_circle():
    needs = {module: {target for target in ours(module) if (module, target) not in EXCEPTIONS} for module in MODULES}
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


def test_each_technology_has_its_own_file():
    for library, users in SOLE_USERS.items():
        found = {module for module in MODULES if library in libraries(module)}
        assert found == users, library


def test_only_the_web_layer_and_the_wiring_know_http():
    http = {"quart", "quart_schema", "quart_cors", "werkzeug"}
    found = {module for module in MODULES if http & libraries(module)}
    assert {module for module in found if module != "app" and not module.startswith("web.")} == set()


def test_decisions_and_encoders_are_pure():
    for module in MODULES:
        if module in PURE or module.split(".")[0] == "wire":
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
