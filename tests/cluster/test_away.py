"""Some seconds of what `tests/soak/run --only node-away` does for an hour."""

from __future__ import annotations

import pytest

from tests.cluster.away import node_away

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("engine", ["etcd", "redis"])
def test_a_node_that_was_off_catches_up_while_it_serves(tmp_path, engine):
    outcome = node_away(tmp_path, engine, seconds=2, rate=50)
    assert not outcome.problems, outcome.table()
