"""Three machines with a network of their own, one of which is cut off. Run it in namespaces of its own:

    unshare --net --user --map-root-user --mount python -m tests.cluster.machines DIRECTORY SECONDS...

Each machine is a network namespace with a member of etcd and a node, and has two cables: one to the other machines, and
one to the clients, who are here. The one whose member leads etcd loses the first for so many seconds, and so on.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.checker import difference_problems
from tests.cluster.nodes import Cluster, Node, OnEtcd
from tests.cluster.restarts import epochs
from tests.cluster.workload import PUBLISH
from tests.faults.namespaces import unshare
from tests.support.etcd import Etcd
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

BETWEEN, CLIENTS = "10.77.1", "10.77.2"
HOSTS = [f"{BETWEEN}.{number}" for number in (1, 2, 3)]
INSIDE = ["ip", "netns", "exec", "{host}"]


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=10)


def make_network() -> None:
    # Where `ip netns` keeps the names.
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True, timeout=10)
    ip("link", "set", "lo", "up")
    for bridge, network in (("between", BETWEEN), ("clients", CLIENTS)):
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        ip("address", "add", f"{network}.254/24", "dev", bridge)
    for number, host in enumerate(HOSTS, 1):
        ip("netns", "add", host)
        ip("-netns", host, "link", "set", "lo", "up")
        for bridge, network in (("between", BETWEEN), ("clients", CLIENTS)):
            cable = f"{bridge}{number}"
            ip("link", "add", cable, "type", "veth", "peer", "name", bridge, "netns", host)
            ip("link", "set", cable, "master", bridge)
            ip("link", "set", cable, "up")
            ip("-netns", host, "address", "add", f"{network}.{number}/24", "dev", bridge)
            ip("-netns", host, "link", "set", bridge, "up")


class Machines(Cluster):
    """Each node beside a member, of whose addresses it has its own first."""

    def add(self, name: str) -> Node:
        node = super().add(name)
        number = len(self.nodes) - 1
        hosts = [*HOSTS[number:], *HOSTS[:number]]
        node.settings |= {"POS_NOTIF_CLUSTER": self.engine.url([f"{host}:2379" for host in hosts])}
        node.settings |= {"POS_NOTIF_HOST": "0.0.0.0"}
        node.host, node.port = f"{CLIENTS}.{number + 1}", 5000
        node.settings |= {"POS_NOTIF_NODE_URL": node.url}  # there it is asked whether it is better off
        node.forked = False
        node.command = [part.format(host=HOSTS[number]) for part in INSIDE] + node.command
        return node


def publish(node: Node, key: str) -> int:
    return int(node.request("POST", PUBLISH, stock_alert(1, "agotado"), headers={"Idempotency-Key": key})[0])


def machines_cut(directory: Path, seconds: Sequence[float]) -> subprocess.CompletedProcess[str]:
    """Runs this module in namespaces of its own; what was wrong is on its standard error."""
    command = unshare("--net", ["ip", "link", "add", "name", "near", "type", "veth"])
    module = [sys.executable, "-m", "tests.cluster.machines", str(directory), *map(str, seconds)]
    limit = 180 + sum(120 + each for each in seconds)
    return subprocess.run([*command, "--mount", *module], capture_output=True, text=True, timeout=limit)


def main(directory: Path, seconds: Sequence[float]) -> None:
    make_network()
    with (
        Etcd(directory / "etcd", 3, hosts=HOSTS, prefix=INSIDE) as etcd,
        Machines(directory, OnEtcd(etcd), 3, heartbeat_seconds="0.5") as cluster,
    ):
        for turn, each in enumerate(seconds, 1):
            cut_off(cluster, etcd.members.index(etcd.leader()), each, str(turn))
            cluster.wait_until_level()
            assert difference_problems([node.database for node in cluster.nodes]) == []
        assert epochs(cluster.nodes[0]) == []


def cut_off(cluster: Machines, number: int, seconds: float, turn: str) -> None:
    """Cuts this machine off for so long: it shows what it has and takes nothing, and the others go on."""
    cut, others = cluster.nodes[number], [node for node in cluster.nodes if node is not cluster.nodes[number]]
    before, here, elsewhere = f"before-{turn}", f"here-{turn}", f"elsewhere-{turn}"
    with SseClient(cut, "manager", host=cut.host) as stream:
        stream.next_event("hola")
        assert publish(others[0], before) == 201
        assert stream.next_event().data["operacion_id"] == before
        ip("link", "set", f"between{number + 1}", "down")
        # The engine has a new leader soon. Until then a 503 is no answer, and the key is sent again.
        eventually(lambda: publish(others[0], elsewhere) in (200, 201), seconds=30)
        cluster.wait_until_open(*others, seconds=30)
        assert publish(others[0], f"open-{turn}") == 201
        began = time.monotonic()
        assert publish(cut, here) == 503
        eventually(lambda: "sin_central_desde" in stream.next_event("latido").data)
        while time.monotonic() < began + seconds:
            assert publish(cut, here) == 503
            assert cut.request("GET", "/api/pedidos")[0] == 200
            assert cut.request("GET", "/healthz", token=None)[0] == 200
            time.sleep(0.1)
        eventually(lambda: cut.request("GET", "/readyz", token=None)[0] == 503)
        assert others[0].request("GET", "/readyz", token=None)[0] == 200
        ip("link", "set", f"between{number + 1}", "up")
        while stream.next_event().data.get("operacion_id") != elsewhere:
            pass
        cluster.wait_until_open()
        assert publish(cut, here) in (200, 201)
        eventually(lambda: "sin_central_desde" not in stream.next_event("latido").data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [float(each) for each in sys.argv[2:]])
