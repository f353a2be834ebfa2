"""What clients see on the wire is what was recorded: a change of it is seen in a diff of `tests/data/wire`."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.contract.recording import record

STORED = Path(__file__).parents[1] / "data" / "wire"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recording")
    record(out)
    return out / "wire"


@pytest.mark.long
def test_the_scenario_is_on_the_wire_as_it_was_recorded(recorded):
    """Where the change is meant: `python -m tests.contract.recording tests/data`, and read its diff."""
    names = sorted({file.name for folder in (STORED, recorded) for file in folder.glob("*.txt")})
    assert len(names) > 20
    changes = []
    for name in names:
        before, after = (_lines(folder / name) for folder in (STORED, recorded))
        changes += difflib.unified_diff(before, after, f"stored/{name}", f"recorded/{name}", n=1, lineterm="")
    assert not changes, "\n".join(line[:300] for line in changes[:200])


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").split("\n") if file.exists() else []
