"""How the pages ask the service, and what they keep in the browser: `shared/http.js` and `shared/storage.js` alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.console import watch
from tests.browser.page_files import STATIC
from tests.support.chromium import PATIENCE_MS

SHARED = STATIC / "js" / "shared"

# Asks once; `window.answers` is what came back.
ASK = """([patience, wanted]) => {
  window.answers = [];
  window.request = posNotif.http.get('/api/algo', wanted, (answer) => window.answers.push(answer), patience);
}"""
NONE = {"status": 0, "body": {}, "retryAfter": 0}


@pytest.mark.parametrize(
    ("word", "script"), [("XMLHttpRequest", "http.js"), ("(?:local|session)Storage", "storage.js")]
)
def test_no_page_has_its_own_way_to_ask_or_to_keep(word: str, script: str) -> None:
    """The client library has: a page of the POS includes nothing else. So has what the page without a connection asks
    by: it is kept on the tablet whole, and small."""
    users = {path.name for path in (STATIC / "js").rglob("*.js") if re.search(word, path.read_text("utf-8"))}
    assert users == {"notificaciones.js", script} | ({"retry.js"} if word == "XMLHttpRequest" else set())


ADDRESS = "http://restaurante.test/"


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def kept(browser: Any, said: list[str]) -> Iterator[Any]:
    """A page for the tests of this file, one after the other: a new one would cost three times as much."""
    context = browser.new_context(service_workers="block")
    context.set_default_timeout(PATIENCE_MS)
    page = watch(context.new_page(), said)
    page.clock.install(time=0)
    page.clock.pause_at(3600)  # it runs until then, and what has passed already is no time to pause at
    yield page
    context.close()


@pytest.fixture
def blank(kept: Any, said: list[str]) -> Iterator[Any]:
    """An empty document of a restaurant's address, with the two scripts, and with nothing in its storage."""
    said.clear()
    kept.route(ADDRESS, lambda route: route.fulfill(body="<!DOCTYPE html>", content_type="text/html"))
    kept.goto(ADDRESS)
    kept.evaluate("localStorage.clear(); sessionStorage.clear();")
    kept.add_script_tag(path=SHARED / "http.js")
    kept.add_script_tag(path=SHARED / "storage.js")
    yield kept
    kept.goto("about:blank")
    kept.unroute_all()
    assert said == []


def later(page: Any, milliseconds: int) -> None:
    """Playwright's own has each later document of the page live through it too."""
    page.evaluate("ms => globalThis.__pwClock.controller.runFor(ms)", milliseconds)


@pytest.fixture
def silent(blank: Any) -> Iterator[Any]:
    """Nobody answers it."""
    held: list[Any] = []
    blank.route("**/api/algo", lambda route: held.append(route))
    yield blank
    for route in held:
        route.abort()


@pytest.mark.browser
@pytest.mark.parametrize(("patience", "ms"), [(None, 12_000), (120_000, 120_000)])
def test_a_request_that_nobody_answers_ends(silent: Any, patience: int | None, ms: int) -> None:
    with silent.expect_request("**/api/algo"):
        silent.evaluate(ASK, [patience, {}])
    later(silent, ms - 1)
    assert silent.evaluate("answers") == []
    with silent.expect_event("requestfailed") as failed:
        later(silent, 1)
    assert failed.value.failure == "net::ERR_ABORTED"
    assert silent.evaluate("answers") == [NONE]


@pytest.mark.browser
def test_a_request_that_is_dropped_is_not_answered(silent: Any) -> None:
    with silent.expect_request("**/api/algo"):
        silent.evaluate(ASK, [None, {}])
    with silent.expect_event("requestfailed"):
        silent.evaluate("request.drop()")
    later(silent, 60_000)
    assert silent.evaluate("answers") == []


def error(codigo: str) -> dict[str, Any]:
    return {"error": {"codigo": codigo, "mensaje": "No."}}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("wanted", "sent", "got"),
    [
        ({"a": "number"}, {"status": 200, "json": {"a": 1}}, {"status": 200, "body": {"a": 1}, "retryAfter": 0}),
        ({"a": "list"}, {"status": 201, "json": {"a": [{}]}}, {"status": 201, "body": {"a": [{}]}, "retryAfter": 0}),
        (None, {"status": 204}, {"status": 204, "body": {}, "retryAfter": 0}),
        (
            {"a": "number"},
            {"status": 429, "json": error("x"), "headers": {"Retry-After": "7"}},
            {"status": 429, "body": error("x"), "retryAfter": 7},
        ),
        (None, {"status": 401, "json": error("x")}, {"status": 401, "body": error("x"), "retryAfter": 0}),
    ],
    ids=["json", "list", "empty", "later", "refused"],
)
def test_an_answer_comes_once_as_the_service_gave_it(
    blank: Any, wanted: Any, sent: dict[str, Any], got: dict[str, Any]
) -> None:
    assert answer_to(blank, wanted, sent) == [got]


def answer_to(blank: Any, wanted: Any, sent: dict[str, Any]) -> Any:
    """All that the page has been told of a request that is answered so, once it has been told something."""
    blank.route("**/api/algo", lambda route: route.fulfill(**sent))
    blank.evaluate(ASK, [None, wanted])
    blank.wait_for_function("answers.length > 0", timeout=20_000)
    later(blank, 60_000)
    return blank.evaluate("answers")


FOREIGN = (
    "{}",
    "[]",
    "true",
    "null",
    '{"a": null}',
    '{"a": [7]}',
    '{"error": "no"}',
    '{"error": {"codigo": 4}}',
    "<h1>",
)


@pytest.mark.browser
@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 413, 502])
def test_what_somebody_else_answers_is_no_answer(blank: Any, status: int) -> None:
    """A hotspot, a proxy, another service on its port: whatever they say, it is not the service who says it."""
    for body in FOREIGN:
        sent = {"status": status, "body": "" if status == 204 else body, "headers": {"Retry-After": "7"}}
        assert answer_to(blank, {"a": "list"}, sent) == [NONE], body
        blank.unroute("**/api/algo")
    if status < 300 and status != 204:  # nor is a body where there should be none
        assert answer_to(blank, None, {"status": status, "body": "{}"}) == [NONE]


@pytest.mark.browser
def test_what_is_sent_is_json(blank: Any) -> None:
    blank.route("**/api/algo", lambda route: route.fulfill(json={}))
    with blank.expect_request("**/api/algo") as request:
        blank.evaluate("posNotif.http.send('PATCH', '/api/algo', {disponible: true}, {}, () => 0)")
    assert request.value.method == "PATCH"
    assert request.value.post_data_json == {"disponible": True}
    assert request.value.headers["content-type"] == "application/json"


@pytest.mark.browser
@pytest.mark.parametrize(("store", "real"), [("tab", "sessionStorage"), ("browser", "localStorage")])
def test_what_is_kept_is_read_again(blank: Any, store: str, real: str) -> None:
    blank.evaluate(f"posNotif.storage.{store}.set('a:1', {{x: 1}}); {real}.setItem('a:2', 'no JSON'); {real}.b = '3'")
    assert blank.evaluate(f"{real}['a:1']") == '{"x":1}'
    assert blank.evaluate(f"posNotif.storage.{store}.get('a:1')") == {"x": 1}
    assert blank.evaluate(f"posNotif.storage.{store}.get('a:2')") is None
    assert blank.evaluate(f"posNotif.storage.{store}.get('a:3')") is None
    assert blank.evaluate(f"[posNotif.storage.{store}.has('a:2'), posNotif.storage.{store}.has('a:3')]") == [
        True,
        False,
    ]
    assert sorted(blank.evaluate(f"posNotif.storage.{store}.keys('a:')")) == ["a:1", "a:2"]
    blank.evaluate(f"posNotif.storage.{store}.remove('a:1')")
    assert blank.evaluate(f"posNotif.storage.{store}.get('a:1')") is None


FORBIDDEN = "Object.defineProperty(window, '{0}', {{get: () => {{ throw new Error('SecurityError'); }}}})"
FULL = (
    "window.{0}.setItem('full', '1'); Storage.prototype.setItem = () => {{ throw new Error('QuotaExceededError'); }}; 0"
)


@pytest.mark.browser
@pytest.mark.parametrize(("store", "real"), [("tab", "sessionStorage"), ("browser", "localStorage")])
@pytest.mark.parametrize("trouble", [FORBIDDEN, FULL], ids=["forbidden", "full"])
def test_where_nothing_can_be_kept_nothing_fails(blank: Any, store: str, real: str, trouble: str) -> None:
    blank.evaluate(trouble.format(real))
    blank.evaluate(f"posNotif.storage.{store}.set('a', 1)")
    assert blank.evaluate(f"posNotif.storage.{store}.get('a')") is None
    assert blank.evaluate(f"posNotif.storage.{store}.has('a')") is False
    assert blank.evaluate(f"posNotif.storage.{store}.keys('a')") == []
    blank.evaluate(f"posNotif.storage.{store}.remove('a')")
