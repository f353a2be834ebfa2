"""Half a minute of `tests/soak/run`'s restaurant."""

from __future__ import annotations

import pytest

from tests.soak.restaurant import Soak

pytestmark = pytest.mark.faults


def test_an_evening_with_cuts_kills_and_a_kitchen_without_power_in_half_a_minute(tmp_path):
    outcome = Soak(tmp_path, seconds=30, pace=30, seed=1, say=lambda text: None).run()
    assert not outcome.problems, outcome.table()
    figures = dict(outcome.figures)
    assert int(figures["events delivered, each once and in order"]) > 500
    assert "sin_acuse" in figures["events"]
