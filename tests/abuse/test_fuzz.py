"""Some rounds of what `python -m tests.soak.fuzz` does for ten minutes."""

from __future__ import annotations

import pytest

from tests.soak.fuzz import fuzz


@pytest.mark.faults
def test_nothing_that_is_sent_is_answered_by_a_fault_or_makes_the_service_grow_or_work_harder(tmp_path):
    figures = fuzz(tmp_path, seed=3, rounds=10)
    assert figures.problems() == [], str(figures)
    for kind in ("publications", "requests", "frames", "polls", "logins", "half requests"):
        assert figures.report.sent[kind] > 0
