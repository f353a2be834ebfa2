"""A short run of what `tests/soak/run --only outbox` does for five minutes."""

from __future__ import annotations

import pytest

from tests.client.torture import ENOUGH, ENOUGH_CALLS, torture

pytestmark = pytest.mark.faults


@pytest.mark.long
def test_tills_and_the_service_that_are_killed_at_random_lose_double_and_reorder_nothing(tmp_path):
    outcome = torture(tmp_path, seconds=20, seed=11)
    assert not outcome.problems, outcome.table()
    figures = dict(outcome.figures)
    assert int(figures["calls that returned"]) >= ENOUGH_CALLS
    assert all(int(figures[name]) >= count for name, count in ENOUGH.items()), figures
