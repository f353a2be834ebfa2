"""A short run of what `tests/soak/run --only kills` does in 20 rounds."""

from __future__ import annotations

import pytest

from tests.faults.kills import kill_rounds

pytestmark = pytest.mark.faults


@pytest.mark.long
def test_kills_at_random_points_under_load_lose_nothing_and_no_reader_misses_anything(tmp_path):
    outcome = kill_rounds(tmp_path / "log.db", rounds=4, seed=7)
    assert not outcome.problems, outcome.table()
    figures = dict(outcome.figures)
    assert int(figures["publications answered"]) > 200
    assert int(figures["connections made by readers"]) > 3 + 2  # the poll's was open too, or begun anew
