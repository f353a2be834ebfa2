"""Three machines, each with a member of etcd and a node: one dies for good, or is cut off from the others."""

from __future__ import annotations

import pytest

from tests.cluster.machines import machines_cut
from tests.cluster.nodes import Cluster, OnEtcd, engine
from tests.cluster.restarts import epochs
from tests.cluster.torture import Torture
from tests.support.stopwatch import Stopwatch

pytestmark = pytest.mark.faults


def test_a_machine_that_dies_for_good_stops_the_others_for_seconds_and_resets_nobody(tmp_path):
    """The one that leads etcd, under load."""
    with engine("etcd3", tmp_path) as under_test, Cluster(tmp_path, under_test, 3) as cluster:
        assert isinstance(under_test, OnEtcd)
        with Torture(cluster.nodes, cluster.token, 5, publishers=3) as torture:
            torture.goes_on(30)
            dead = under_test.etcd.members.index(under_test.etcd.leader())
            under_test.etcd.members[dead].kill()
            cluster.nodes[dead].kill()
            living = [node for node in cluster.nodes if node is not cluster.nodes[dead]]
            # By how busy the machine is, those that are left take longer to choose who leads them.
            leader = under_test.etcd.leader()
            assert leader is not under_test.etcd.members[dead]
            under_test.etcd.ctl("put", "taken", "1", at=leader)
            with Stopwatch() as watch:
                cluster.wait_until_open(*living)
            assert watch.seconds < 5
            torture.goes_on(30)
            torture.nodes = living
            outcome = torture.end()
        assert not outcome.problems, outcome.table()
        assert epochs(living[0]) == []


@pytest.mark.long
def test_a_machine_that_is_cut_off_keeps_showing_what_it_has_and_takes_nothing(tmp_path):
    done = machines_cut(tmp_path, [3])
    assert done.returncode == 0, done.stdout + done.stderr
