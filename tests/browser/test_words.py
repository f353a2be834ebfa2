"""What the pages say to people stands in their words.js files, one for each page and one that all share, in the words
that were agreed on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_notif import events
from tests.browser.page_files import STATIC, TEMPLATES

JS = STATIC / "js"
WORDS = sorted(JS.rglob("*words.js"))
# The library speaks to developers; notes.js has the patterns by which notes are read, and says nothing.
SCRIPTS = sorted({*JS.rglob("*.js")} - {*WORDS, JS / "notificaciones.js", JS / "shared" / "notes.js"})
SERVICE = sorted((Path(events.__file__).parent).rglob("*.py"))

OLD_WORDS = re.compile(
    r"Mientras no estabas|[Tt]odo el día|TODO EL DÍA|Agotad[oa]|AGOTADO|Hay de nuevo|hasta el corte|de viva voz"
    r"|\bCambio \$|hace 0 s|no tiene pantalla|Otra vez hay|tras \{|Cada pocos segundos|Lo que toque"
    r"|Error al (?:tomarlo|anotarlo)|Su rol no tiene|[Mm]ediana\b"
    r"|[Pp]ercentil|Recogida|[Dd]ía de negocio|Estado nuevo|[Ff]ilas?\b|>Sala<|'Sala'|\(id\)|con id "
    r"|[Ss]in pantalla desde"
    r"|\bPoda\b|Cabeza del|pasa estos|por pagar|Por pagar|en cola|Bajo\b|\bSSE\b|\bwebsocket\b|HTTPS|verify|\bAPI\b"
)
# Of a spreadsheet they are called so, by what reads the menu's.
ROWS = re.compile(r"[Ff]ilas?")
# What phones are told is older than the pages' words, and the contract's (docs/protocol.md, section 19).
TOLD = ("sin pantalla desde", "Agotado")
TU = re.compile(
    r"\b(?:tú|tus?|contigo|estás|estabas|puedes|tienes|quieres|toca|elige|escribe|intenta|revisa|espera tu)\b",
    re.IGNORECASE,
)
TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>'(?:\\.|[^'\\\n])*')"
    r"|(?P<pattern>(?<=[=(,:;!&|?\[{}\n ])/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[gimuy]*(?=[\s.,;)\]]))",
    re.DOTALL,
)
CLASSES = set(re.findall(r"\.([a-zA-Z][\w-]*)", " ".join(path.read_text("utf-8") for path in STATIC.rglob("*.css"))))
# Of the browser, of HTTP and of what is kept: no person reads them.
NAMES = re.compile(
    r"use strict|GET|POST|PUT|PATCH|DELETE|Accept|Cache-Control|Range|es-SV|/[a-z.]+/\*| ?data-version=\""
    r"|M|h1v1h-1z|#[0-9A-F]{6}|Content-Type|Retry-After|BUTTON|INPUT|A[-+]|S/|Enter|Escape"
    r"|Backspace|Tab|Arrow\w+|T00:00:00Z|\[object Array\]|[a-z]+(?:[A-Z][a-z]+)+|recuperado "
    r"|(?:a|button|input|select|textarea|label)(?:, ?[a-z]+)+|.*\[(?:[\w-]+=[^\]]*)?.*|\"\]|[\\(^].*"
)


def literals(code: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each string of a script."""
    for match in TOKEN.finditer(code):
        if match["string"]:
            yield code.count("\n", 0, match.start()) + 1, match["string"][1:-1]


def is_said(text: str) -> bool:
    """Tells whether a string is for people: none of the words of HTML, CSS and the wire, which are English or lower."""
    if not re.search(r"[^\W\d_]", text) or NAMES.fullmatch(text):
        return False
    if re.fullmatch(r"[a-z0-9_./:?=&#%-]+", text):
        return False
    return not all(word in CLASSES or re.search(r"__|--|-$", word) or word == "num" for word in text.split())


def test_what_is_said_is_known_by_its_looks() -> None:
    for said in (
        "Sin pedidos",
        "¿Todavía vale? ",
        " más",
        "hace un momento",
        "Listo",
        "CAMBIÓ",
        "Mesa ",
        "por cobrar",
        " min de ",
    ):
        assert is_said(said), said
    for code in (
        "en_cocina",
        "btn btn--primary",
        "/api/productos/",
        "×",
        " · ",
        "[data-pedido-id]",
        "evento_pedido",
        "newOrder",
        "GET",
    ):
        assert not is_said(code), code


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(JS).as_posix())
def test_no_other_script_has_a_sentence(script: Path) -> None:
    assert [(line, text) for line, text in literals(script.read_text("utf-8")) if is_said(text)] == []


@pytest.mark.parametrize("words", WORDS, ids=lambda path: path.relative_to(JS).as_posix())
def test_each_sentence_is_said_and_each_that_is_said_is_there(words: Path) -> None:
    """A name that is in no file would be read as "undefined"."""
    text = words.read_text("utf-8")
    names = set(re.findall(r"^    (\w+): ", text, re.MULTILINE))
    object_name = re.findall(r"pages\.(\w*[wW]ords) = ", text)[0]
    scripts = [path.read_text("utf-8") for path in SCRIPTS if words.parent.name in ("shared", path.parent.name)]
    used = set()
    for code in scripts:
        local = re.findall(rf"var (\w+) = pages\.{object_name};", code)
        used |= set(re.findall(rf"\b(?:pages\.{object_name}{''.join('|' + name for name in local)})\.(\w+)", code))
    assert used == names


def said_by_the_service(path: Path) -> str:
    """Its strings without docstrings, comments and what is English."""
    code = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\{[^{}]*\}", "", "\n".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', code)))


def test_the_old_words_are_gone() -> None:
    found = {}
    for path in [*SCRIPTS, *WORDS]:
        texts = [text for _, text in literals(path.read_text("utf-8")) if path in WORDS or is_said(text)]
        found[path] = [word for text in texts for word in OLD_WORDS.findall(text)]
    for path in TEMPLATES.rglob("*.html"):
        if path.stem != "docs":  # the API's, for developers
            found[path] = OLD_WORDS.findall(
                re.sub(r"\{#.*?#\}|\{%.*?%\}", "", path.read_text("utf-8"), flags=re.DOTALL)
            )
            found[path] += [
                word for text in re.findall(r"'([^']*)'", path.read_text("utf-8")) for word in OLD_WORDS.findall(text)
            ]
    for path in SERVICE:
        if (
            path.parent.name in ("alarms", "orders", "push")
            or path.stem in ("sentences", "errors", "events", "pages")
            or path.match("web/log.py")
        ):
            found[path] = OLD_WORDS.findall(said_by_the_service(path))
    for path in found:
        if path.parent.name == "menu" or path.match("orders/menu_*.py"):
            found[path] = [word for word in found[path] if not ROWS.fullmatch(word)]
        if path.match("push/telling.py"):
            found[path] = [word for word in found[path] if word not in TOLD]
    assert {str(path): words for path, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "path", [*WORDS, *sorted(TEMPLATES.rglob("*.html"))], ids=lambda path: "/".join(path.parts[-2:])
)
def test_people_are_usted(path: Path) -> None:
    code = path.read_text("utf-8")
    texts = [text for _, text in literals(code)] if path.suffix == ".js" else re.findall(r">([^<{]+)<", code)
    assert [word for text in texts for word in TU.findall(text)] == []


@pytest.fixture
def pages(page: Any) -> Any:
    for name in (
        "shared/words", "shared/sheetwords", "till/words", "manager/words",
        "shared/clock", "shared/states", "shared/places", "shared/wording",
    ):  # fmt: skip
        page.add_script_tag(path=JS / f"{name}.js")
    return page


@pytest.mark.browser
def test_figures_and_times_are_written_as_people_read_them(pages: Any) -> None:
    pages.evaluate(
        "() => { document.body.setAttribute('data-day-cut-hours', '4');"
        " posNotif.clock.set('2026-11-24T19:21:00-06:00', 0); }"
    )
    said = pages.evaluate("""() => [6826.25, 1234567, 0.5, 999.99].map(posNotif.wording.money).concat(
        [0, 999, 1000, 61000].map(posNotif.clock.ago),
        ['2026-11-24T19:05:12.345-06:00', '2026-11-24T00:05:12-06:00', '2026-11-24T12:00:00-06:00', '']
          .map(posNotif.clock.timeOf),
        [posNotif.clock.secondOf('2026-11-24T19:05:12.345-06:00'), posNotif.clock.dayCutTime(),
         posNotif.clock.hourOf('2026-11-24T07:00:00-06:00')])
    """)
    assert said == [
        "$6,826.25", "$1,234,567.00", "$0.50", "$999.99",
        "ahora", "ahora", "hace 1 s", "hace 1 min",
        "7:05 p. m.", "12:05 a. m.", "12:00 p. m.", "",
        "7:05:12 p. m.", "4:00 a. m.", "7 a. m.",
    ]  # fmt: skip


@pytest.mark.browser
def test_a_state_has_one_word_on_all_pages_and_in_the_log(pages: Any) -> None:
    assert pages.evaluate("posNotif.words.states") == events.STATE_WORD
    word = {state: word.capitalize() for state, word in events.STATE_WORD.items()}
    sheet = pages.evaluate("posNotif.sheetWords")
    assert sheet["states"] == word
    assert (sheet["lineServed"], sheet["lineReady"]) == (word[events.SERVED], word[events.READY])
    assert (sheet["lineWaits"], sheet["lineUnpaid"]) == (word[events.AT_TABLE], word[events.AWAITING_PAYMENT])


@pytest.mark.browser
def test_what_is_to_be_charged_has_one_name_and_a_lane_the_word_of_its_state(pages: Any) -> None:
    word = {state: word.capitalize() for state, word in events.STATE_WORD.items()}
    manager, due = pages.evaluate("posNotif.managerWords"), pages.evaluate("posNotif.tillWords.due")
    assert manager["lanes"] == {
        "por_cobrar": due, "espera": word[events.AT_TABLE], "en_cocina": word[events.COOKING],
        "listo": word[events.READY] + "s", "por_cerrar": "Por cerrar",
    }  # fmt: skip
    assert word[events.AWAITING_PAYMENT] == due
    assert manager["openList"]["due"] == due + " {n}"
