"""`pos-notif cluster`, and the commands that write into a node's file, as an operator calls them: on a real etcd and a
real Redis."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pos_notif.cluster.engine import parse
from pos_notif.cluster.founding import found
from tests.cluster.checker import difference_problems
from tests.cluster.nodes import OnRedis, engine
from tests.support.command_line import PROGRAM, call, fails
from tests.support.live_server import LiveServer, clean_environment, run_cli, with_accounts
from tests.support.logs import opened
from tests.support.proxies import Proxy
from tests.support.waiting import eventually

PUBLISH = "/api/notificaciones/eventos"
ORDER = {"tipo": "nuevo_pedido", "pedido": {"id": 1, "items": [{"producto_nombre": "Pupusa", "cantidad": 1}]}}


@pytest.fixture(scope="module", params=["etcd", "redis"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `--cluster` is given."""
    with engine(request.param, tmp_path_factory.mktemp(request.param)) as under_test:
        yield under_test.url([f"{host}:{port}" for host, port in under_test.addresses])


@pytest.fixture
def first(url: str, tmp_path: Path) -> tuple[Path, str]:
    """The file of a first node that is not served, and a token."""
    database = tmp_path / "a.db"
    token: str = with_accounts(database, lambda accounts: accounts.create_token("pos"))
    done = call("cluster", "init", "--cluster", url, "--node", "a", "--database", str(database))
    assert done.exit_code == 0, done.stderr
    return database, token


@pytest.fixture
def serve(url: str, make_server: Callable[..., LiveServer]) -> Callable[[Path, str], LiveServer]:
    def start(database: Path, token: str) -> LiveServer:
        server = make_server(database, cluster=url, access_log="false")
        server._token = token
        return server

    return start


def status(database: Path, url: str) -> dict:
    """What `cluster status --json` prints, of a node that can write. It asks each once, and again where that came too
    late."""
    asked = []

    def is_answered() -> bool:
        asked.append(call("cluster", "status", "--json", "--cluster", url, "--database", str(database)))
        return "does not answer" not in asked[-1].stderr

    eventually(is_answered)
    assert asked[-1].exit_code == 0, asked[-1].stderr
    return json.loads(asked[-1].stdout)


def epoch(database: Path) -> str:
    with opened(database) as connection:
        return connection.execute("SELECT epoch FROM log").fetchone()[0]


def join(server: LiveServer, url: str, name: str, database: Path) -> tuple[str, int]:
    """Joins in a process of its own. Returns what that says, and how much memory it has taken, in KB."""
    arguments = ["cluster", "join", server.url, "--cluster", url, "--node", name, "--database", str(database)]
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environment()
    )
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    _, code, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    assert process.returncode == 0, said
    return said, used.ru_maxrss


def test_init_asks_again_where_an_answer_comes_too_late_and_founds_the_log_once(url: str, tmp_path: Path):
    """The engine has done by then what it was asked first."""
    database = tmp_path / "a.db"
    with_accounts(database, lambda accounts: accounts.create_token("pos"))
    scheme, _, address = url.partition("://")
    host, _, port = address.rpartition(":")
    with Proxy((host, int(port))) as proxy:
        proxy.hold_answers()
        mending = threading.Timer(1.5, proxy.mend)
        mending.start()
        done = call(
            "cluster", "init", "--cluster", f"{scheme}://{proxy.address}", "--node", "a", "--database", str(database)
        )
        mending.join()
    assert done.exit_code == 0, done.stderr
    assert status(database, url)["engine"]["position"] == 1


def test_a_log_becomes_the_first_node_and_what_another_has_is_the_same_after_it_has_joined(url, first, serve, tmp_path):
    a, token = first
    known = epoch(a)
    server = serve(a, token)
    server.publish(ORDER)
    said, _ = join(server, url, "b", b := tmp_path / "b.db")
    assert "is the node b" in said
    server.publish({**ORDER, "pedido": {**ORDER["pedido"], "id": 2}})
    assert epoch(b) == epoch(a) == known
    other = serve(b, token)
    eventually(lambda: other.request("GET", "/api/pedidos/2")[0] == 200)
    eventually(lambda: [node["living"] for node in status(b, url)["nodes"]] == [True, True])
    eventually(lambda: [node["behind"] for node in status(b, url)["nodes"]] == [0, 0])
    eventually(lambda: sum(node["leads"] for node in status(b, url)["nodes"]) == 1)
    told = status(b, url)
    assert [(node["name"], node["here"]) for node in told["nodes"]] == [("a", False), ("b", True)]
    assert told["node"]["hash"] == told["engine"]["hash"]
    assert difference_problems([a, b]) == []


@pytest.mark.long
@pytest.mark.parametrize("url", ["redis"], indirect=True)
def test_a_long_log_joins_while_it_is_written_in_little_memory(url, first, serve, tmp_path):
    a, token = first
    server = serve(a, token)
    _, usual = join(server, url, "small", tmp_path / "small.db")
    note = "sin sal " * 240

    def batch(number: int) -> list[dict]:
        items = [{"id": line, "producto_nombre": "Pupusa", "cantidad": 1, "notas": note} for line in (1, 2)]
        return [
            {"tipo": "nuevo_pedido", "pedido": {"id": number * 500 + count, "items": items}} for count in range(1, 501)
        ]

    for number in range(20):
        server.publish({"eventos": batch(number)})
    ended, written = threading.Event(), []

    def write() -> None:
        while not ended.is_set():
            number = 20_000 + len(written)
            written.append(server.publish({**ORDER, "pedido": {**ORDER["pedido"], "id": number}})["id"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        eventually(lambda: written)
        before = len(written)
        said, taken = join(server, url, "b", b := tmp_path / "b.db")
        assert len(written) > before  # nobody had to wait for it
    finally:
        ended.set()
        writer.join()
    assert b.stat().st_size > 40_000_000
    assert taken - usual < 20_000, said
    serve(b, token)
    eventually(lambda: not difference_problems([a, b]))


def test_what_a_node_is_asked_for_by_who_is_not_known_to_its_engine_it_does_not_give(url, first, serve):
    server = serve(*first)
    body = {"nodo": "b", "secreto": "guessed", "de_nuevo": False}
    assert server.request("POST", "/cluster/copia", body, token=None)[0] == 403
    assert server.request("POST", "/cluster/copia", {**body, "nodo": "../b"}, token=None)[0] == 422
    assert [node["name"] for node in status(first[0], url)["nodes"]] == ["a"]


def test_a_service_that_is_no_node_gives_no_copy(server: LiveServer):
    assert server.request("GET", "/cluster/registro", token=None)[0] == 404
    body = {"nodo": "b", "secreto": "guessed", "de_nuevo": False}
    assert server.request("POST", "/cluster/copia", body, token=None)[0] == 404


def test_what_writes_into_a_nodes_file_does_it_through_the_engine_or_not_at_all(url, first, serve, tmp_path):
    a, token = first
    server = serve(a, token)
    join(server, url, "b", b := tmp_path / "b.db")
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    (tmp_path / "menu.csv").write_text("nombre;categoria;precio\nPupusa;Pupusas;0,75\n")
    writing = [
        ["user", "create", "Ana", "--role", "mesero", "--password", "2468"],
        ["user", "role", "Ana", "cajero"],
        ["token", "create", "caja"],
        ["menu", "import", str(tmp_path / "menu.csv")],
        ["publish", str(tmp_path / "order.json")],
        ["prune", "--keep", "400d"],
        ["push", "keys"],
    ]
    for command in writing:
        said = fails(1, *command, "--database", str(b)) if command[0] != "prune" else ""
        assert command[0] == "prune" or ("--cluster" in said and "cluster detach" in said), command
    assert "--cluster" in fails(1, "serve", "--port", "0", "--database", str(b))
    assert call("user", "list", "--database", str(b)).stdout == ""
    rings = {"POS_NOTIF_PUSH": "webpush", "POS_NOTIF_PUSH_CONTACT": "mailto:ana@pupuseria.com.sv"}
    assert "no user Ana" in fails(1, "push", "test", "Ana", "--database", str(b), environ=rings)
    for command in writing:
        run_cli(*command, "--cluster", url, database=b)
    # Without an engine it is read.
    assert call("user", "list", "--database", str(b)).stdout.split()[1:] == ["cajero", "Ana"]
    assert "Ana has no phone" in fails(1, "push", "test", "Ana", "--database", str(b), environ=rings)
    assert call("push", "list", "--database", str(b)).exit_code == 0
    eventually(lambda: server.request("GET", "/api/pedidos/1")[0] == 200)
    assert server.login("Ana", "2468")
    assert [dish["nombre"] for dish in server.request("GET", "/api/productos")[2]["productos"]] == ["Pupusa"]


def test_what_cannot_be_done_is_one_line(url, first, serve, make_server, tmp_path):
    a, token = first
    plain = tmp_path / "plain.db"
    with_accounts(plain, lambda accounts: accounts.create_token("pos"))
    at_plain, at_a = ["--cluster", url, "--database", str(plain)], ["--cluster", url, "--database", str(a)]
    new = ["--cluster", url, "--database", str(tmp_path / "new.db")]
    assert "--node" in fails(2, "cluster", "init", *at_plain)
    assert "--cluster" in fails(2, "cluster", "init", "--node", "a", "--database", str(plain))
    assert "is the node a already" in fails(1, "cluster", "init", "--node", "z", *at_a)
    assert "is no node's" in fails(1, "serve", "--port", "0", *at_plain)
    assert "cluster init" in fails(1, "cluster", "status", *at_plain)
    assert "nothing to detach" in fails(1, "cluster", "detach", *at_plain)
    assert "exists already" in fails(1, "cluster", "join", "http://127.0.0.1:1", "--node", "b", *at_plain)
    assert "address of a node" in fails(2, "cluster", "join", "10.0.0.11:5000", "--node", "b", *new)
    assert "refused" in fails(1, "cluster", "join", "http://127.0.0.1:1", "--node", "b", *new)
    assert "no node of a cluster" in fails(1, "cluster", "join", make_server().url, "--node", "b", *new)
    server = serve(a, token)
    assert "name already" in fails(1, "cluster", "join", server.url, "--node", "a", *new)
    assert "Did you mean 'a'?" in fails(1, "cluster", "detach", "a1", *at_a)
    assert not list(tmp_path.glob("new.db*"))


def test_an_engine_that_is_another_logs_is_refused(url, first, serve, tmp_path):
    """Another engine of the same kind: nothing of this log is there."""
    kind = "redis" if url.startswith("redis") else "etcd"
    with engine(kind, tmp_path) as another:
        foreign = another.url([f"{host}:{port}" for host, port in another.addresses])
        said = fails(1, "user", "create", "Ana", "--role", "mesero", "--password", "2468", "--cluster", foreign,
                     "--database", str(first[0]))  # fmt: skip
        assert "not available" in said
        told = call("cluster", "status", "--cluster", foreign, "--database", str(first[0]))
        assert told.exit_code == 1
        assert "closed" in told.stderr
        other = tmp_path / "other.db"
        with_accounts(other, lambda accounts: accounts.create_token("pos"))
        found(other, parse(foreign), "x")
        server = serve(*first)
        said = fails(1, "cluster", "join", server.url, "--node", "b", "--cluster", foreign,
                     "--database", str(tmp_path / "b.db"))  # fmt: skip
        assert "same engine" in said


def test_a_second_process_of_a_node_is_refused_and_one_that_was_killed_is_not_waited_for(url, first, serve, tmp_path):
    a, token = first
    server = serve(a, token)
    shutil.copy(a, copy := tmp_path / "copy.db")
    eventually(lambda: status(a, url)["nodes"][0]["living"])
    said = fails(2, "serve", "--port", "0", "--cluster", url, "--database", str(copy))
    assert "another process is the node a" in said
    server.kill()
    server.start()  # its key is still there
    assert server.request("GET", "/readyz", token=None)[0] == 200


def test_a_node_that_is_detached_is_a_log_of_its_own_and_the_others_go_on(url, first, serve, tmp_path):
    a, token = first
    server = serve(a, token)
    server.publish(ORDER)
    join(server, url, "b", b := tmp_path / "b.db")
    join(server, url, "c", tmp_path / "c.db")
    before = epoch(b)
    done = call("cluster", "detach", "--cluster", url, "--database", str(b))
    assert done.exit_code == 0, done.stderr
    assert "is a log of its own" in done.stderr
    assert call("cluster", "detach", "c", "--cluster", url, "--database", str(a)).exit_code == 0
    eventually(lambda: [node["name"] for node in status(a, url)["nodes"]] == ["a"])
    assert epoch(b) != before == epoch(a)
    assert "is in use" in fails(1, "cluster", "detach", "--database", str(a))
    run_cli("user", "create", "Ana", "--role", "mesero", "--password", "2468", database=b)
    run_cli("verify", database=b)
    server.publish({**ORDER, "pedido": {**ORDER["pedido"], "id": 2}})


def test_a_backup_of_a_node_is_restored_as_a_log_of_its_own(url, first, serve, tmp_path):
    a, token = first
    server = serve(a, token)
    server.publish(ORDER)
    run_cli("backup", str(tmp_path / "copy.db"), database=a)
    run_cli("restore", str(tmp_path / "copy.db"), database=tmp_path / "restored.db")
    run_cli("user", "create", "Ana", "--role", "mesero", "--password", "2468", database=tmp_path / "restored.db")
    run_cli("verify", database=tmp_path / "restored.db")
    assert "is no node's" in fails(1, "serve", "--port", "0", "--cluster", url, "--database",
                                   str(tmp_path / "restored.db"))  # fmt: skip


@pytest.mark.parametrize("kind", ["etcd", "redis"])
def test_after_the_engines_data_is_lost_a_person_decides_and_what_only_others_had_is_told(kind, make_server, tmp_path):
    a, b = tmp_path / "a.db", tmp_path / "b.db"
    token = with_accounts(a, lambda accounts: accounts.create_token("pos"))
    with engine(kind, tmp_path) as under_test:
        url = under_test.url([f"{host}:{port}" for host, port in under_test.addresses])
        found(a, parse(url), "a")
        at_a, at_b = (["--cluster", url, "--database", str(database)] for database in (a, b))
        first = make_server(a, cluster=url, access_log="false")
        first._token = token
        first.publish(ORDER)
        join(first, url, "b", b)
        assert "nothing to recover" in call("cluster", "recover", "--yes", *at_b).stderr
        run_cli("user", "create", "Ana", "--role", "mesero", "--password", "2468", "--cluster", url, database=a)
        first.publish({**ORDER, "pedido": {**ORDER["pedido"], "id": 2}})
        first.stop()
        if isinstance(under_test, OnRedis):
            under_test.redis.command("flushall")
        else:
            under_test.etcd.stop()
            under_test.etcd.wipe()
            under_test.etcd.start()
        assert "recover" in call("cluster", "status", *at_b).stderr
        asked = call("cluster", "recover", *at_b)
        assert asked.exit_code == 2
        assert "--yes" in asked.stderr
        done = call("cluster", "recover", "--yes", *at_b)
        assert done.exit_code == 0, done.stderr
        second = make_server(b, cluster=url, access_log="false")
        second._token = token
        event = {**ORDER, "pedido": {**ORDER["pedido"], "id": 3}}
        eventually(lambda: second.request("POST", PUBLISH, event, headers={"Idempotency-Key": "3"})[0] in (200, 201))
        assert "rejoin" in call("cluster", "status", *at_a).stderr
        rejoin = ["cluster", "rejoin", second.url, *at_a]
        asked = call(*rejoin)
        assert asked.exit_code == 2
        assert "users Ana" in asked.stderr
        done = call(*rejoin, "--yes")
        assert done.exit_code == 0, done.stderr
        [events] = tmp_path.glob("a.db.before-rejoin-*.ndjson")
        [lost] = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
        assert (lost["pedido"]["id"], lost["conocido"]) == (2, False)
        [names] = tmp_path.glob("a.db.before-rejoin-*.json")
        assert json.loads(names.read_text("utf-8")) == {"usuarios": ["Ana"]}
        [kept] = [path for path in tmp_path.glob("a.db.before-rejoin-*") if path.suffix not in (".json", ".ndjson")]
        assert call("user", "list", "--database", str(kept)).stdout.split()[2] == "Ana"
        first.start()
        eventually(lambda: not difference_problems([a, b]))
        assert status(a, url)["node"]["name"] == "a"
        first.stop()
        for part in tmp_path.glob("a.db*"):
            part.unlink()  # its disk is lost
        assert "--node" in fails(2, *rejoin)
        assert call(*rejoin, "--node", "a").exit_code == 0
        assert difference_problems([a, b]) == []
