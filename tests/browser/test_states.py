"""The pages' one list of order states is the service's own, and no other script has a list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pos_notif import events
from tests.browser.page_files import STATIC

SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
# The service has no use for this one.
OWN_SETS = {"COOKED": (events.READY, events.SERVED, events.CLOSED)}


@pytest.fixture
def states(page: Any) -> Any:
    for name in ("words", "states"):
        page.add_script_tag(path=STATIC / "js" / "shared" / f"{name}.js")
    return page.evaluate("posNotif.states")


@pytest.mark.browser
def test_the_pages_know_the_states_of_the_service(states: Any) -> None:
    assert list(states.pop("WORDS")) == list(events.STATES)
    assert len(states) == 7
    for name, members in states.items():
        assert list(members) == list(OWN_SETS.get(name) or getattr(events, name)), name
        assert set(members.values()) == {True}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(STATIC / "js").as_posix())
def test_no_other_script_lists_states(path: Path) -> None:
    state = f"(?:{'|'.join(events.STATES)})"
    listed = re.findall(rf"\b{state}: true\b|\({state}\||'{state}', *'{state}'", path.read_text("utf-8"))
    assert bool(listed) == (path.name == "states.js")
