"""The reference is complete: what the code has and docs/protocol.md has not fails here, by name."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import click
import pytest
from pydantic import BaseModel, RootModel
from typing_extensions import is_typeddict

from pos_notif import Config, create_app, errors, events
from pos_notif.config import env_name
from pos_notif.delivery import connections, streams
from pos_notif.orders import drafts
from pos_notif.orders.kitchen_copy import HIDDEN_FIELDS
from pos_notif.web import schemas as answers
from pos_notif.web.errors import HTTP_CODES, STATUS
from tests.support.command_line import commands

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# Everything between backticks, in blocks too: prose does not count as a reference.
CODE = " ".join(re.findall(r"```.*?```|`[^`\n]+`", PROTOCOL, re.DOTALL))


def is_documented(word: str) -> bool:
    """As a whole word: `total` is not found in `subtotal`."""
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", CODE) is not None


def undocumented(words: object) -> list[str]:
    return sorted({word for word in words if not is_documented(word)})  # type: ignore[attr-defined]


def section(number: int) -> str:
    return PROTOCOL.split(f"\n## {number}. ", 1)[1].split("\n## ", 1)[0]


def calls() -> list[str]:
    """`GET /api/pedidos`, and so on: every route with its methods."""
    rules = create_app(Config()).url_map.iter_rules()
    return [f"{method} {rule.rule}" for rule in rules for method in sorted(rule.methods or ()) if method not in IMPLIED]


IMPLIED = {"HEAD", "OPTIONS"}


def test_every_route():
    assert len(calls()) > 10
    # A query or an example body may follow.
    assert [call for call in calls() if not re.search(rf"`{re.escape(call)}[`? ]", PROTOCOL)] == []


def test_every_setting_with_its_default():
    rows = {
        match[1]: match[2]
        for match in re.finditer(r"^\| `(POS_NOTIF_\w+)` \| (.*?) \| .{10,} \|$", section(15), re.MULTILINE)
    }
    for setting in fields(Config):
        default = setting.default
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        if isinstance(default, float):
            shown = f"{default:g}"
        if isinstance(default, tuple):
            shown = ",".join(default)
        expected = "(none)" if default in ((), "") else f"`{shown}`"
        assert rows.get(env_name(setting.name)) == expected, setting.name
    assert set(rows) == {env_name(setting.name) for setting in fields(Config)}


def test_every_event_type_has_its_own_heading():
    assert undocumented(events.EVENT_NAME) == []
    for tipo in events.PUBLISHABLE:
        assert f"\n### `{tipo}`\n" in section(3)


def test_every_role_room_and_hidden_field():
    assert undocumented([*events.ROLE_ROOM, *events.ROLE_ROOM.values()]) == []
    assert [name for name in HIDDEN_FIELDS if f"`{name}`" not in section(2)] == []


def shapes() -> dict[str, dict[str, object]]:
    """What is read and what is answered: the type of each field, by the shape's name."""
    read = {
        name: get_type_hints(member)
        for name, member in vars(drafts).items()
        if is_typeddict(member) and member.__module__ == drafts.__name__
    }
    answered = {
        name: {field: info.annotation for field, info in member.model_fields.items()}
        for name, member in vars(answers).items()
        # The one field of a RootModel has no name.
        if isinstance(member, type) and issubclass(member, BaseModel) and not issubclass(member, RootModel)
    }
    return read | answered


@pytest.mark.parametrize("names", [pytest.param([*shape], id=name) for name, shape in shapes().items()])
def test_every_field_that_is_read_or_answered(names: list[str]):
    assert undocumented(names) == []


def literals(annotation: object) -> list[str]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [word for part in get_args(annotation) for word in literals(part)]


def test_every_word_that_a_field_may_be():
    words = [word for shape in shapes().values() for annotation in shape.values() for word in literals(annotation)]
    assert {"nuevo_pedido", "cancelado", "item_agregado", "agotado", "al_final"} <= set(words)
    assert undocumented(words) == []


def sse_event_names() -> set[str]:
    """What `delivery/streams.py` passes to the encoder as an event's name, and the logged events' names."""
    names = {connections.RESTART, streams.RECONNECT, connections.SESSION_ENDED, *events.EVENT_NAME.values()}
    for node in ast.walk(ast.parse(Path(streams.__file__).read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("frame", "_note"):
            names |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    return names


def test_every_event_of_the_stream():
    assert {"hola", "latido", "resincronizar", "ocupado", "reinicio"} <= sse_event_names()
    assert [name for name in sorted(sse_event_names()) if f"`{name}`" not in section(5)] == []


def test_every_reason_to_resynchronise():
    reader = (ROOT / "pos_notif" / "delivery" / "reader.py").read_text("utf-8")
    reasons = set(re.findall(r'_reset\(\s*"(\w+)"', reader))
    assert len(reasons) == 5
    assert [reason for reason in reasons if f"`{reason}`" not in section(1)] == []


def domain_errors(base: type[errors.DomainError] = errors.DomainError) -> set[type[errors.DomainError]]:
    return {base}.union(*(domain_errors(child) for child in base.__subclasses__()))


def test_every_error_code_with_its_status():
    expected = {(STATUS.get(error, 500), error.code) for error in domain_errors() - {errors.UnknownAction}}
    expected |= {(status, code) for status, (code, _) in HTTP_CODES.items()}
    found = {
        (int(match[1]), match[2]) for match in re.finditer(r"^\| (\d{3}) \| `(\w+)` \|", section(13), re.MULTILINE)
    }
    assert found == expected
    assert "`error_http`" in section(13)
    assert "`evento_desconocido`" in section(13)  # on a socket, which has no status


COMMANDS = {
    " ".join(("pos-notif", *path)): command for path, command in commands() if not isinstance(command, click.Group)
}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_with_its_options(path: str):
    command = COMMANDS[path]
    row = re.search(rf"^\| `({path}(?: [^`]*)?)` \| .{{10,}}$", section(14), re.MULTILINE)
    assert row, f"{path} has no row"
    settings = {"--" + setting.name.replace("_", "-") for setting in fields(Config)}
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            assert (parameter.metavar or parameter.name or "").upper() in row[1].upper()
            continue
        for option in parameter.opts:
            if option == "--database" or (path == "pos-notif serve" and option in settings):
                continue  # said once, above the table and by section 15
            assert option in row[1], f"{path} {option}"


def test_no_command_is_documented_that_is_not_there():
    documented = re.findall(r"^\| `(pos-notif [a-z]+(?: [a-z]+)?)", section(14), re.MULTILINE)
    assert set(documented) == set(COMMANDS)


def test_every_command_of_the_clusters_document_is_there_with_its_options():
    text = (ROOT / "docs" / "cluster.md").read_text("utf-8")
    named = re.findall(r"(?:^|`)pos-notif ((?:[a-z]+ ?)+)((?: ?--[a-z-]+)*)", text, re.MULTILINE)
    named += re.findall(r"`(cluster [a-z]+)()", text)
    assert len(named) > 15
    groups = {path.rpartition(" ")[0] for path in COMMANDS}
    for words, options in named:
        path = "pos-notif"
        for word in words.split():
            if f"{path} {word}" in groups | set(COMMANDS):
                path = f"{path} {word}"
        assert path in COMMANDS, words
        known = {option for parameter in COMMANDS[path].params for option in parameter.opts}
        assert set(options.split()) <= known, (words, options)


def test_every_code_reference_to_the_document_is_a_section():
    for path in (ROOT / "pos_notif").rglob("*.py"):
        text = " ".join(path.read_text("utf-8").split())  # the number may stand on the next line
        for match in re.finditer(r"docs/protocol\.md, sections? ([\d, and]+)", text):
            for number in re.findall(r"\d+", match[1]):
                assert f"\n## {number}. " in PROTOCOL, f"{path.name}: section {number}"


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    return [re.match(r"[A-Za-z0-9._-]+", name)[0] for name in named]  # type: ignore[index]


def test_every_dependency_stands_in_the_readme_with_its_reason():
    assert len(dependencies()) > 10
    for name in dependencies():
        assert re.search(rf"^\| `{re.escape(name)}` \| .{{10,}} \|$", README, re.MULTILINE), name


def test_every_package_and_module_of_the_top_stands_in_the_map():
    package = ROOT / "pos_notif"
    top = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    top |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8").split("## The packages", 1)[1]
    assert [name for name in sorted(top) if f"`{name}`" not in table] == []


def test_everything_of_the_client_library():
    library = (ROOT / "static" / "js" / "notificaciones.js").read_text("utf-8")
    document = (ROOT / "docs" / "client.md").read_text("utf-8")
    words = {
        *re.findall(r"\boptions\.(\w+)", library),
        *re.findall(r"^  client\.([a-z]\w+) = function", library, re.MULTILINE),
        *re.findall(r"_emit\('(\w+)'", library),
        *re.search(r"ANSWERS = \{(.*?)\};", library, re.DOTALL)[1].replace("'", "").replace(",", " ").split()[1::2],
        *re.findall(r"^      (\w+): ", library.split("client.getEstado", 1)[1].split("};", 1)[0], re.MULTILINE),
    }
    assert {"withCredentials", "acusarRecibo", "instantanea", "acuse_confirmado", "websocket_activo"} <= words
    assert [word for word in sorted(words) if not re.search(rf"`[^`\n]*\b{word}\b[^`\n]*`", document)] == []


def anchors(document: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path):
    text = re.sub(r"```.*?```|`[^`\n]+`", "", document.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


# CONTRIBUTING.md

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
# What a newcomer asks first.
FIRST_QUESTIONS = (
    "an event type", "a filter of the log", "when a paid takeaway rings", "CSV", "a field of `estado`", "the heartbeat",
    "a setting", "a tone", "a Spanish sentence", "a route",
)  # fmt: skip


def test_what_one_may_want_to_change_is_found():
    table = CONTRIBUTING.split("## I want to change …", 1)[1].split("## Habits", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "`" in line]
    assert [row for row in rows if not re.search(r"\| .*`[\w./-]+[/.]\w*`", row)] == []
    missing = [question for question in FIRST_QUESTIONS if not any(question in row.split("|")[1] for row in rows)]
    assert missing == []


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def named_files(document: str) -> list[str]:
    """Files and folders, written between backticks outside of drawings."""
    text = re.sub(r"```.*?```", "", document, flags=re.DOTALL)
    folders = "pos_notif|client|tests|static|templates|docs|schema|\\.ci"
    return re.findall(rf"`((?:(?:{folders})/[\w./-]*)|[\w./-]+\.(?:py|js|html|css|sql|md|json|csv|yml))`", text)


@pytest.mark.parametrize(
    ("document", "places"),
    [(CONTRIBUTING, (ROOT,)), (ARCHITECTURE, (ROOT, ROOT / "pos_notif"))],  # that one is about the package
    ids=["CONTRIBUTING.md", "architecture.md"],
)
def test_every_file_that_is_named_exists(document: str, places: tuple[Path, ...]):
    """By its path, or beside the one that is named before it."""
    missing, beside = [], ROOT
    named = named_files(document)
    assert len(named) > 40
    for name in named:
        found = next((place / name for place in (*places, beside) if (place / name).exists()), None)
        if found is None:
            missing.append(name)
        else:
            beside = found if found.is_dir() else found.parent
    assert missing == []
