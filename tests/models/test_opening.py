"""The rule by which a Redis is opened, in every state of a small model; and that the model sees what is wrong."""

from __future__ import annotations

import pytest

from tests.models.opening import BROKEN, LARGER, SMALL, Model


@pytest.mark.parametrize("model", [SMALL, LARGER[1]], ids=["two nodes", "three nodes"])
def test_no_cursor_is_accepted_over_a_gap(model: Model):
    states, way = model.find()
    assert way == []
    assert states > 2_000


@pytest.mark.parametrize("model", BROKEN, ids=["without a new epoch", "without the fence"])
def test_without_one_of_the_rules_it_would_be(model: Model):
    way = model.find()[1]
    assert 4 <= len(way) <= 6
    assert way[0] == "A appends 1"
