"""Half a minute on each engine of what `tests/soak/run --only nodes` does for ten minutes."""

from __future__ import annotations

import pytest

from tests.cluster.nemesis import torture_nodes

pytestmark = pytest.mark.faults


@pytest.mark.long
@pytest.mark.parametrize("engine", ["etcd3", "redis"])
def test_nodes_that_are_broken_in_every_way_lose_double_and_reorder_nothing(tmp_path, engine):
    outcome = torture_nodes(tmp_path, engine, rounds=2, seed=1, seconds=(0.2, 1.0))
    assert not outcome.problems, outcome.table()
