"""The pages' one list of order states is the service's own, and no other script has a list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pos_notif import events
from tests.browser.page_files import STATIC

# What has words only has them for states too.
SCRIPTS = sorted(path for path in (STATIC / "js").rglob("*.js") if not path.name.endswith("words.js"))
# The service has no use for these, or has them in its table of actions.
OWN_SETS = {
    "COOKED": (events.READY, events.SERVED, events.CLOSED),
    "EARLY": (events.AWAITING_PAYMENT, events.AT_TABLE),
    "TO_CARRY": (events.COOKING, events.READY),
    "MADE": (events.READY, events.SERVED),
    "DUE": (events.AWAITING_PAYMENT, events.SERVED),
}
STATE = f"(?:{'|'.join(events.STATES)})"
# As an object's keys, in a regular expression, in a list, or one comparison after another.
LISTED = re.compile(
    rf"\b{STATE}: true\b|\({STATE}\||'{STATE}', *'{STATE}'|\b{STATE}: '[^']*',\s*{STATE}: '"
    rf"|\bestado (?P<is>[!=]==) '{STATE}'\s*(?:\|\||&&)\s*\(?[\w.]*\bestado (?P=is) '{STATE}'"
)


@pytest.fixture
def states(page: Any) -> Any:
    return scripts(page, "words", "states").evaluate("posNotif.states")


def scripts(page: Any, *names: str) -> Any:
    for name in names:
        page.add_script_tag(path=STATIC / "js" / "shared" / f"{name}.js")
    return page


@pytest.mark.browser
def test_the_pages_know_the_states_of_the_service(states: Any) -> None:
    assert list(states.pop("WORDS")) == list(events.STATES)
    assert set(states.pop("CHIP")) < set(events.STATES)
    assert len(states) == 12
    for name, members in states.items():
        assert list(members) == list(OWN_SETS.get(name) or getattr(events, name)), name
        assert set(members.values()) == {True}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(STATIC / "js").as_posix())
def test_no_other_script_lists_states(path: Path) -> None:
    listed = [found[0] for found in LISTED.finditer(path.read_text("utf-8"))]
    assert bool(listed) == (path.name == "states.js"), listed


@pytest.mark.browser
def test_the_sheet_has_a_word_for_each_state_and_for_what_has_happened(page: Any) -> None:
    words = scripts(page, "sheetwords").evaluate("posNotif.sheetWords")
    assert list(words["states"]) == list(events.STATES)
    assert all(words["states"].values())
    # An order that is there has been sent: of its first two states nothing more is told.
    assert set(events.STATES) - set(words["told"]) == {events.AWAITING_PAYMENT, events.AT_TABLE}
    assert set(words["told"]) < set(events.STATES)
