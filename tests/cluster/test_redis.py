"""The order of transactions by a real Redis, and what passes away there."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from pos_notif.cluster import redis_connection
from pos_notif.cluster.redis_bulletin import RedisBulletin
from pos_notif.cluster.redis_connection import RedisAddress
from pos_notif.cluster.redis_sequence import RedisSequence
from pos_notif.cluster.sequence import Closed, Conflict, Place, Trimmed, Unfit, Unknown
from tests.support.ports import free_port
from tests.support.redis import RedisServer, redis_server
from tests.support.waiting import eventually

__all__ = ["redis_server"]

FIRST = Place(0, b"\0" * 32, b"")


class Engine:
    """What has been asked of one Redis, and is closed after the test."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self._open: list[RedisSequence | RedisBulletin] = []

    @property
    def address(self) -> RedisAddress:
        ca = None if self.server.certificates is None else str(self.server.certificates / "ca.pem")
        return RedisAddress("127.0.0.1", self.server.port, password=self.server.password, tls=ca is not None, ca=ca)

    def sequence(self) -> RedisSequence:
        return self._kept(RedisSequence(self.address, "log", None))

    def bulletin(self) -> RedisBulletin:
        return self._kept(RedisBulletin(self.address, "log"))

    def _kept(self, made):
        self._open.append(made)
        return made

    def close(self) -> None:
        for made in self._open:
            made.close()


@pytest.fixture(autouse=True)
def answered_within(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets for how long an answer is waited for: long enough for a busy machine, but where none shall come."""

    def within(seconds: float) -> None:
        monkeypatch.setattr(redis_connection, "ANSWER_SECONDS", seconds)

    within(60)
    return within


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server)
    yield engine
    engine.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Starts servers that are not as a cluster needs them."""
    engines: list[Engine] = []

    def make(**options) -> Engine:
        engines.append(Engine(RedisServer(tmp_path / f"redis{len(engines)}", **options).start()))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()
        engine.server.kill()


def founded(sequence: RedisSequence) -> Place:
    return sequence.begin(FIRST, b"base", b"\1" * 16, seen=FIRST)


def test_one_of_two_appends_at_a_place_is_the_next_and_the_other_a_conflict(engine: Engine):
    one, other = engine.sequence(), engine.sequence()
    with pytest.raises(Closed):
        one.head()
    place = founded(one)
    assert place == Place(1, hashlib.sha256(FIRST.hash + b"base").digest(), b"\1" * 16) == other.head()
    second = one.append(place, b"second")
    with pytest.raises(Conflict):
        other.append(place, b"another second")
    third = other.append(second, b"\0\xff" * 300_000)
    assert one.head() == third
    assert one.read(0, 10) == [(1, b"base"), (2, b"second"), (3, b"\0\xff" * 300_000)]
    assert one.read(1, 1) == [(2, b"second")]
    assert one.read(3, 10) == []


def test_what_a_read_gives_is_some_megabytes_and_what_was_trimmed_is_told(engine: Engine):
    sequence = engine.sequence()
    place = founded(sequence)
    for number in range(40):
        place = sequence.append(place, b"%d " % number * 90_000)
    found = sequence.read(1, 1000)
    assert 4_000_000 < sum(len(record) for _, record in found) < 10_000_000
    sequence.trim(30)
    assert [position for position, _ in sequence.read(30, 1000)][:2] == [31, 32]
    with pytest.raises(Trimmed):
        sequence.read(29, 1000)
    sequence.trim(place.position)  # the newest one stays: the next is compared with it
    assert sequence.head() == place
    sequence.append(place, b"and on")


def test_a_wait_is_told_of_what_comes_and_of_what_came_before_it(engine: Engine):
    one, other = engine.sequence(), engine.sequence()
    place = founded(one)
    assert other.wait(0, 30)
    assert not other.wait(place.position, 0)
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(other.wait(place.position, 60)))
    waiting.start()
    eventually(lambda: "blocked_clients:1" in engine.server.command("info", "clients"))
    one.append(place, b"next")
    waiting.join(30)
    assert found == [True]


def test_a_wait_is_ended_by_closing_its_sequence(engine: Engine):
    sequence = engine.sequence()
    place = founded(sequence)
    ended = []

    def wait() -> None:
        with pytest.raises(Unknown):
            sequence.wait(place.position, 600)
        ended.append(True)

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: "blocked_clients:1" in engine.server.command("info", "clients"))
    sequence.close()
    waiting.join(30)
    assert ended == [True]


def test_a_restart_closes_it_until_it_is_opened_at_the_place_where_it_stands(engine: Engine):
    sequence = engine.sequence()
    place = founded(sequence)
    second = sequence.append(place, b"second")
    engine.server.kill()
    for ask in (sequence.head, lambda: sequence.append(second, b"third"), lambda: sequence.wait(2, 5)):
        with pytest.raises(Unknown):
            ask()
    engine.server.start()
    for ask in (sequence.head, lambda: sequence.append(second, b"third"), lambda: sequence.wait(2, 5)):
        with pytest.raises(Closed):
            ask()
    assert sequence.last() == second._replace(base=b"")
    assert sequence.read(0, 10) == [(1, b"base"), (2, b"second")]
    with pytest.raises(Conflict):
        sequence.begin(place, b"from behind", b"\2" * 16)
    opened = sequence.begin(second, b"new base", b"\3" * 16)
    with pytest.raises(Conflict):  # it is open already
        sequence.begin(opened, b"another base", b"\4" * 16)
    assert sequence.head() == opened == Place(3, hashlib.sha256(second.hash + b"new base").digest(), b"\3" * 16)
    with pytest.raises(Conflict):
        sequence.append(opened._replace(base=place.base), b"by who has not heard of it")
    assert sequence.append(opened, b"fourth").position == 4


def test_what_lost_its_records_is_closed_and_begun_anew_only_as_a_person_was_shown(engine: Engine):
    sequence = engine.sequence()
    second = sequence.append(founded(sequence), b"second")
    old = engine.server.keep("old")
    third = sequence.append(second, b"third")
    engine.server.put_back(old)
    eventually(lambda: _closed(sequence))
    shown = sequence.last()
    assert shown.position == 2
    engine.server.command("flushall")
    assert _closed(sequence)
    with pytest.raises(Conflict):  # an empty one is never opened, only founded
        sequence.begin(sequence.last(), b"base", b"\2" * 16)
    with pytest.raises(Conflict):  # it has moved since
        sequence.begin(third, b"base", b"\2" * 16, seen=shown)
    opened = sequence.begin(third, b"base", b"\2" * 16, seen=sequence.last())
    assert sequence.head() == opened
    assert sequence.read(3, 10) == [(4, b"base")]
    with pytest.raises(Trimmed):
        sequence.read(0, 10)


def _closed(sequence: RedisSequence) -> bool:
    try:
        sequence.head()
    except Closed:
        return True
    except Unknown:
        pass
    return False


def test_an_answer_that_does_not_come_within_a_second_is_unknown_and_nothing_is_sent_again(
    engine: Engine, answered_within: Callable[[float], None]
):
    witness = engine.sequence()
    place = founded(witness)
    answered_within(1)
    sequence = engine.sequence()
    eventually(lambda: _position(sequence) == 1)  # it is connected
    engine.server.freeze()
    began = time.monotonic()
    with pytest.raises(Unknown):
        sequence.append(place, b"once")
    assert time.monotonic() - began > 0.9
    engine.server.thaw()
    eventually(lambda: _position(witness) == 2)  # it was done all the same
    assert witness.read(1, 10) == [(2, b"once")]


def _position(sequence: RedisSequence) -> int | None:
    try:
        return sequence.last().position
    except Unknown:
        return None


REFUSED = {
    "appendonly": "no",
    "appendfsync": "everysec",
    "no-appendfsync-on-rewrite": "yes",
    "maxmemory-policy": "allkeys-lru",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_redis_that_may_lose_what_it_has_answered_is_refused(start: Callable[..., Engine], name: str):
    engine = start(settings={name: REFUSED[name]})
    with pytest.raises(Unfit, match=f"{name} is {REFUSED[name]}, and must be "):
        engine.sequence().last()


def test_a_cluster_a_replica_and_a_redis_that_does_not_let_itself_be_looked_at_are_refused(start, redis_server):
    with pytest.raises(Unfit, match="needs etcd"):
        # Its second port, by itself the first one's + 10,000, may be another's.
        start(settings={"cluster-enabled": "yes", "cluster-port": str(free_port())}).sequence().last()
    replica = start(settings={"replicaof": f"127.0.0.1 {redis_server.port}"})
    with pytest.raises(Unfit, match="needs etcd"):
        replica.sequence().last()
    engine = Engine(redis_server)
    eventually(lambda: "connected_slaves:1" in redis_server.command("info", "replication"))
    with pytest.raises(Unfit, match="needs etcd"):
        engine.sequence().last()
    secret = start()
    secret.server.command("acl", "setuser", "default", "-config")
    with pytest.raises(Unfit, match="does not let its settings be read"):
        secret.sequence().last()


def test_a_setting_that_is_changed_is_seen_by_the_next_connection(engine: Engine):
    sequence = engine.sequence()
    founded(sequence)
    engine.server.command("config", "set", "appendfsync", "no")
    assert sequence.head().position == 1
    engine.server.command("client", "kill", "type", "normal", "skipme", "yes")
    with pytest.raises(Unfit):
        sequence.head()


def test_a_password_and_certificates(start: Callable[..., Engine], tmp_path: Path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    engine = start(password="secreto", certificates=tmp_path)
    sequence = engine.sequence()
    assert founded(sequence) == sequence.head()
    engine.server.password = "otro"
    with pytest.raises(Unfit, match="does not let us in"):
        engine.sequence().head()
    engine.server.password = None
    with pytest.raises(Unfit, match="does not let us in"):
        engine.sequence().head()


def test_where_nobody_listens_it_is_unknown():
    with pytest.raises(Unknown):
        RedisSequence(RedisAddress("127.0.0.1", free_port()), "log", None).head()


def test_a_key_lives_until_its_time_is_over_and_whoever_waits_is_told_of_it(engine: Engine):
    one, other = engine.bulletin(), engine.bulletin()
    after, _ = other.changes(None, 0)
    one.put("nodo/1/reloj", b"1\0\xff", 60)
    one.put("nodo/2/reloj", b"2", 0.05)
    one.put("turno", b"3", 60)
    eventually(lambda: other.living("nodo/") == {"nodo/1/reloj": b"1\0\xff"})
    after, keys = other.changes(after, 5)
    assert keys == ["nodo/1/reloj", "nodo/2/reloj", "turno"]
    assert other.changes(after, 0.05) == (after, [])
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.extend(other.changes(after, 60)[1]))
    waiting.start()
    eventually(lambda: "blocked_clients:1" in engine.server.command("info", "clients"))
    one.delete("turno")
    waiting.join(30)
    assert found == ["turno"]
    assert "turno" not in one.living("")


def test_tries_of_a_key_are_counted_for_all_and_forgotten_after_a_success(engine: Engine):
    one, other = engine.bulletin(), engine.bulletin()
    assert one.begin_try("ana", "a", 60, 2)[0]
    may, counted = other.begin_try("ana", "b", 60, 2)
    assert may
    assert counted.tries == 2
    assert 50 < counted.seconds <= 60
    assert one.begin_try("ana", "c", 60, 2)[0] is False
    assert one.begin_try("berta", "c", 60, 2)[0]
    one.forget("ana", "b")
    assert other.begin_try("ana", "d", 0.001, 2)[0]
    eventually(lambda: one.begin_try("ana", "e", 60, 2)[0])  # that one counts no more
    other.forget("ana")
    assert one.begin_try("ana", "f", 60, 2)[1].tries == 1
