"""`pos-notif demo --nodes 2`: a real Redis, two real nodes, and the restaurant at both."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.demo.test_demo import LONG, Follower, start_demo
from tests.support.command_line import fails
from tests.support.redis import need_redis
from tests.support.waiting import eventually

__all__ = ["start_demo"]

NODE = re.compile(r"node (\w+), process (\d+):\s+(http://[\d.:]+)/cocina")


def test_the_restaurant_goes_on_at_the_other_node_when_one_is_killed(start_demo):
    need_redis()
    demo = start_demo("--nodes", "2", "--engine", "redis", "--pace", "20", "--seed", "8")
    eventually(lambda: any("Ctrl-C ends the demo" in line for line in demo.errors), LONG)
    found = [match.groups() for match in map(NODE.match, demo.errors) if match]
    assert [name for name, _, _ in found] == ["a", "b"]
    at_first = Follower(demo, "manager")
    demo.url = found[1][2]
    at_other = Follower(demo, "manager")
    eventually(lambda: at_first.poll() and at_other.poll(), LONG)
    killed = int(found[1][1])
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: any(f"b (process {killed}) has ended" in line for line in demo.errors), LONG)
    before = len(at_first.events)
    eventually(lambda: len(at_first.poll()) > before + 5, LONG)
    assert at_other.events == at_first.events[: len(at_other.events)]
    assert f"kill -9 {killed}" in "".join(demo.errors)
    code, errors = demo.stop()
    assert code == 0
    assert "Traceback" not in errors
    for _, number, _ in found:
        with pytest.raises(ProcessLookupError):
            os.kill(int(number), 0)


def test_what_it_needs_is_named_in_one_line(tmp_path):
    bare = {"PATH": str(tmp_path)}
    assert "apt-get install -y etcd-server" in fails(2, "demo", "--nodes", "2", "--port", "0", environ=bare)
    said = fails(2, "demo", "--nodes", "2", "--engine", "redis", "--port", "0", environ=bare)
    assert "apt-get install -y redis-server" in said
