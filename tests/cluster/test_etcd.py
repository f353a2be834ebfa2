"""The order of transactions by a real etcd: one history, whoever leads it; another etcd, or an older one, is closed."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pos_notif.cluster import etcd_client, etcd_watch
from pos_notif.cluster.engine import parse
from pos_notif.cluster.members import Trimmer
from pos_notif.cluster.sequence import Closed, Conflict, Full, Place, Sequence, Trimmed, Unfit, Unknown, place_after
from pos_notif.errors import ConfigurationError
from tests.support.etcd import Etcd, Member
from tests.support.proxies import Proxy
from tests.support.waiting import eventually

FIRST = Place(0, bytes(32), b"")


class Log:
    """A log of a name of its own at an etcd, founded by a first record. What is made of it is closed after the test."""

    def __init__(self, etcd: Etcd) -> None:
        self.etcd = etcd
        self.name = secrets.token_hex(8)
        self._made: list[Sequence] = []
        founder = self.sequence()
        self.place = founder.begin(FIRST, b"base", b"\1" * 16, seen=founder.last())
        self.identity = founder.identity

    def sequence(self, identity: dict | None = None, url: str | None = None) -> Sequence:
        made = parse(url or self.etcd.url).sequence(self.name, identity)
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()


@pytest.fixture(autouse=True)
def answered_within(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets for how long an answer is waited for: long enough for a busy machine, but where none shall come."""

    def within(seconds: float) -> None:
        for module in (etcd_client, etcd_watch):
            monkeypatch.setattr(module, "ANSWER_SECONDS", seconds)

    within(60)
    return within


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    with Etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture
def found() -> Iterator[Callable[[Etcd], Log]]:
    logs: list[Log] = []

    def make(etcd: Etcd) -> Log:
        logs.append(Log(etcd))
        return logs[-1]

    yield make
    for log in logs:
        log.close()


@pytest.fixture
def log(etcd: Etcd, found: Callable[[Etcd], Log]) -> Log:
    return found(etcd)


def hash_after(place: Place, record: bytes) -> bytes:
    return hashlib.sha256(place.hash + record).digest()


def test_one_of_two_appends_at_a_place_is_the_next_and_the_other_a_conflict(log: Log):
    one, other = log.sequence(), log.sequence()
    assert log.place == Place(1, hash_after(FIRST, b"base"), b"\1" * 16) == one.head()
    with pytest.raises(Conflict):
        one.begin(FIRST, b"another", b"\2" * 16, seen=FIRST)
    second = one.append(log.place, b"second")
    with pytest.raises(Conflict):
        other.append(log.place, b"another second")
    third = other.append(second, b"\0\xff" * 500_000)
    assert one.head() == third == Place(3, hash_after(second, b"\0\xff" * 500_000), b"\1" * 16)
    assert one.read(0, 10) == [(1, b"base"), (2, b"second"), (3, b"\0\xff" * 500_000)]
    assert one.read(1, 1) == [(2, b"second")]
    assert one.read(3, 10) == []


def test_what_a_read_gives_is_some_megabytes_and_what_was_trimmed_is_told_and_takes_no_room(etcd: Etcd, log: Log):
    sequence, place = log.sequence(), log.place
    for _ in range(2, 42):
        place = sequence.append(place, secrets.token_bytes(200_000))
    read, sizes = 0, []
    while read < place.position:
        records = sequence.read(read, 1000)
        sizes.append(sum(len(record) for _, record in records))
        assert [position for position, _ in records] == [*range(read + 1, read + len(records) + 1)]
        read += len(records)
    assert max(sizes) < 5_000_000
    revision = sequence.identity["revision"]
    assert "base" in etcd.ctl("get", f"pos-notif/{log.name}/log/{1:016}", f"--rev={revision}")
    sequence.trim(30)
    assert sequence.read(30, 1000)[0][0] == 31
    with pytest.raises(Trimmed):
        sequence.read(29, 1000)
    past = ("get", f"pos-notif/{log.name}/log/{1:016}", f"--rev={revision}")
    assert etcd.ctl(*past, check=False) == ""  # etcd does not keep what was there either
    sequence.trim(place.position)  # the newest one stays
    assert sequence.read(place.position - 1, 1000)[0][0] == place.position
    assert sequence.append(place, b"and on").position == 42


def test_what_its_keys_have_been_is_forgotten_also_where_no_record_is_old_enough_to_go(etcd: Etcd, log: Log):
    one = log.sequence()
    place = one.append(log.place, b"second")
    past = ("get", f"pos-notif/{log.name}/head", f"--rev={one.identity['revision']}")
    one.append(place, b"third")
    assert "2 " in etcd.ctl(*past)
    assert Trimmer(one).trim([3, 3]) is None
    assert etcd.ctl(*past, check=False) == ""
    assert [position for position, _ in one.read(0, 9)] == [1, 2, 3]


def watchers(member: Member) -> float:
    with urllib.request.urlopen(f"http://{member.address}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("etcd_debugging_mvcc_watcher_total "))


def test_a_wait_is_told_of_what_comes_and_of_what_came_before_it_and_ends_with_its_sequence(etcd: Etcd, log: Log):
    one, other = log.sequence(), log.sequence()
    assert other.wait(0, 30)
    assert not other.wait(1, 0)
    told: list[object] = []

    def wait(position: int) -> None:
        try:
            told.append(other.wait(position, 600))
        except Unknown:
            told.append("ended")

    for position, change in ((1, lambda: one.append(log.place, b"next")), (2, other.close)):
        waiting = threading.Thread(target=wait, args=(position,))
        waiting.start()
        eventually(lambda: watchers(etcd.members[0]) > 0)
        change()
        waiting.join(30)
    assert told == [True, "ended"]


def test_what_was_answered_too_late_is_unknown_and_there_once(etcd: Etcd, log: Log, answered_within):
    with Proxy((etcd.members[0].host, 2379)) as proxy:
        sequence = log.sequence(url=f"etcd://{proxy.address}")
        assert sequence.head() == log.place
        proxy.hold_answers()
        answered_within(1)
        began = time.monotonic()
        with pytest.raises(Unknown):
            sequence.append(log.place, b"its answer is lost")
        assert 0.9 < time.monotonic() - began < 30
        proxy.mend()
        answered_within(60)
        assert sequence.read(1, 10) == [(2, b"its answer is lost")]
        second = sequence.head()
        # One that was given up before etcd had it comes later, behind the same bytes that were sent again.
        proxy.hold_requests()
        answered_within(1)
        with pytest.raises(Unknown):
            sequence.append(second, b"it comes late")
        answered_within(60)
        third = log.sequence().append(second, b"it comes late")
        proxy.mend()
        fourth = sequence.append(third, b"after it")
        assert [record for _, record in log.sequence().read(2, 10)] == [b"it comes late", b"after it"]
        assert sequence.head() == fourth


def test_an_etcd_that_was_restarted_meanwhile_is_asked_on_a_new_connection(etcd: Etcd, log: Log):
    sequence = log.sequence(log.identity)
    assert sequence.head() == log.place
    etcd.stop()
    etcd.start()
    assert sequence.append(log.place, b"second").position == 2


def test_who_finds_that_the_head_does_not_lead_to_its_place_closes_it_for_all(log: Log):
    one, other = log.sequence(), log.sequence()
    second = one.append(log.place, b"second")
    third = one.append(second, b"third")
    for true in (log.place, second, third):
        other.dispute(true)
    other.dispute(Place(9, b"\7" * 32, b"\2" * 16))  # of an epoch that a person has given up
    assert other.head() == third
    lost = Place(4, b"\7" * 32, third.base)
    with pytest.raises(Closed, match="does not lead to"):
        other.append(lost, b"fifth")
    for ask in (one.head, lambda: one.append(third, b"fourth"), lambda: one.wait(3, 0)):
        with pytest.raises(Closed, match="whose record 4 it does not have"):
            ask()
    assert (one.last(), one.read(2, 9)) == (third, [(3, b"third")])  # that is what a person goes by


@pytest.mark.parametrize("fork", [Place(2, b"\7" * 32, b"\1" * 16), Place(3, b"\7" * 32, b"\1" * 16)])
def test_a_fork_is_seen_at_the_head_and_behind_it(log: Log, fork: Place):
    one = log.sequence()
    one.append(one.append(log.place, b"second"), b"third")
    log.sequence().dispute(fork)
    with pytest.raises(Closed):
        one.head()


def test_recover_begins_anew_as_a_person_was_shown_and_what_comes_late_does_nothing(log: Log):
    one = log.sequence()
    second = one.append(log.place, b"second")
    third = one.append(second, b"third")
    one.dispute(Place(9, b"\7" * 32, third.base))
    shown = one.last()
    with pytest.raises(Conflict):  # it is not what was shown
        one.begin(second, b"base", b"\2" * 16, seen=second)
    opened = one.begin(second, b"new base", b"\2" * 16, seen=shown)
    assert opened == Place(3, hash_after(second, b"new base"), b"\2" * 16)
    assert one.head() == opened
    other = log.sequence()
    assert other.read(2, 9) == [(3, b"new base")]
    with pytest.raises(Trimmed):
        other.read(1, 9)
    for late in (third, opened._replace(base=third.base)):
        with pytest.raises(Closed):
            other.append(late, b"late")
    with pytest.raises(Conflict):  # who was not gone: the next one begins right after its place
        other.append(second, b"third again")
    assert one.append(opened, b"fourth").position == 4


def test_a_wiped_etcd_is_closed_until_a_person_founds_it_anew(tmp_path: Path, found: Callable[[Etcd], Log]):
    with Etcd(tmp_path) as etcd:
        log = found(etcd)
        node = log.sequence(log.identity)
        place = node.append(log.place, b"second")
        etcd.wipe()
        with pytest.raises(Closed, match=r"behind where it was"):
            ask_until_known(lambda: node.append(place, b"third"))
        person = log.sequence()
        assert person.last().position == 0
        with pytest.raises(Closed, match=r"wiped"):
            person.head()
        opened = person.begin(place, b"new base", b"\2" * 16, seen=person.last())
        node.identity = person.identity
        assert node.head() == opened


def test_a_snapshot_that_is_restored_is_another_etcd_or_an_older_one(tmp_path: Path, found: Callable[[Etcd], Log]):
    with Etcd(tmp_path) as etcd:
        log = found(etcd)
        node = log.sequence(log.identity)
        etcd.save(tmp_path / "snapshot")
        other = log.sequence(log.identity)
        assert other.head() == log.place
        place = node.append(log.place, b"second")
        etcd.restore(tmp_path / "snapshot", token="first")
        with pytest.raises(Closed, match="behind where it was"):
            ask_until_known(node.head)
        etcd.restore(tmp_path / "snapshot", token="second")
        with pytest.raises(Closed, match=r"another than it was \(cluster "):
            ask_until_known(lambda: other.append(log.place, b"another second"))
        assert log.sequence().head() == log.place  # it was not even sent there
        node.dispute(place)
        with pytest.raises(Closed, match="closed by a node whose record 2"):
            log.sequence().head()


def ask_until_known(ask: Callable[[], object]) -> object:
    """Its answer, once there is one: connections break, and members elect."""
    answer: list[object] = []

    def known() -> bool:
        try:
            answer.append(ask())
        except Unknown:
            return False
        return True

    eventually(known)
    return answer[0]


def test_of_three_one_may_die_or_freeze_and_two_are_waited_for(
    tmp_path: Path, found: Callable[[Etcd], Log], answered_within
):
    with Etcd(tmp_path, 3) as etcd:
        log = found(etcd)
        answered_within(1)
        node, identity = log.sequence(log.identity), log.identity
        place = log.place

        def append() -> Place:
            """As a node does: what is unknown is looked for, and else sent again."""
            record = secrets.token_bytes(16)

            def attempt() -> Place:
                ahead = node.read(place.position, 1)
                if ahead:
                    assert ahead == [(place.position + 1, record)]
                    return node.head()
                return node.append(place, record)

            return ask_until_known(attempt)  # type: ignore[return-value]

        leader = etcd.leader()
        leader.kill()
        place = append()
        leader.launch()
        etcd.wait_until_it_serves()
        frozen = etcd.leader()
        frozen.freeze()
        place = append()
        frozen.thaw()
        etcd.wait_until_it_serves()
        for member in etcd.members[1:]:
            member.kill()
        with pytest.raises(Unknown):  # the minority says nothing
            node.append(place, b"taken later, or never")
        with pytest.raises(Unknown):
            node.head()
        etcd.start()
        head = ask_until_known(node.head)
        assert head in (place, place_after(place, b"taken later, or never"))
        assert (place.position, len(ask_until_known(lambda: node.read(0, 9)))) == (3, head.position)
        assert node.identity["members"] == identity["members"]


def test_a_member_may_be_replaced_but_what_lost_its_majority_is_closed(tmp_path: Path, found: Callable[[Etcd], Log]):
    with Etcd(tmp_path, 3, options=["--strict-reconfig-check=false"]) as etcd:  # it is seconds old
        log = found(etcd)
        gone = etcd.followers()[0]
        gone.kill()
        gone.wipe()
        identifier = next(
            line.split(",")[0] for line in etcd.ctl("member", "list").splitlines() if f" {gone.name}," in line
        )
        etcd.ctl("member", "remove", identifier)
        etcd.ctl("member", "add", gone.name, f"--peer-urls=http://{gone.host}:2380")
        gone.command[gone.command.index("--initial-cluster-token") :] += ["--initial-cluster-state", "existing"]
        etcd.start()
        node = log.sequence(log.identity)
        assert ask_until_known(node.head) == log.place
        assert len(set(node.identity["members"]) & set(log.identity["members"])) == 2
        etcd.force_new_cluster(etcd.members[0])
        with pytest.raises(Closed, match=r"only 1 of etcd's 3 members"):
            ask_until_known(node.head)


def test_a_user_and_certificates(tmp_path: Path, found: Callable[[Etcd], Log]):
    with Etcd(tmp_path, tls=True, password="c:l@ve/ñ#?") as etcd:
        log = found(etcd)
        etcd.ctl("role", "add", "log")
        etcd.ctl("role", "grant-permission", "log", "--prefix=true", "readwrite", f"pos-notif/{log.name}/")
        etcd.ctl("user", "add", "nodo:secreto")
        etcd.ctl("user", "grant-role", "nodo", "log")
        url = etcd.url.replace(etcd.url[len("etcds://") : etcd.url.index("@")], "nodo:{}")
        node = log.sequence(url=url.format("secreto"))
        assert node.append(log.place, b"second") == node.head()
        assert node.wait(1, 1)
        assert not node.wait(2, 0)
        with pytest.raises(Unfit, match="authentication failed"):
            log.sequence(url=url.format("otro")).head()
        with pytest.raises(Unfit, match="permission denied"):
            log.sequence(url=url.replace("nodo:{}@", "")).head()
        with pytest.raises(Unfit, match="permission denied"):
            parse(url.format("secreto")).sequence("another", None).head()
        with pytest.raises(Unknown, match="CERTIFICATE_VERIFY_FAILED"):
            log.sequence(url=url.format("secreto").partition("?")[0]).head()
        [server] = parse(etcd.url).servers()
        assert (server.address, server.answers, server.leads) == (etcd.members[0].address, True, True)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("etcd://", "is not a host"),
        ("etcd://a:2379,b:0", "'b:0' is not a host"),
        ("etcd://a/log", "nothing follows the hosts"),
        ("etcd://user@a", "has a password"),
        ("etcd://a?ca=/ca.pem", "'ca' is no setting of it"),
        ("etcds://a?ca=/no/such.pem", "its certificates cannot be used"),
        ("redis://a,b", "that needs etcd"),
        ("redis+sentinel://a:26379", "that needs etcd"),
        ("zookeeper://a", "begins with zookeeper://"),
        ("a:2379", "not as in etcd://a:2379"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line(url: str, problem: str):
    with pytest.raises(ConfigurationError) as raised:
        parse(url)
    assert problem in str(raised.value)
    assert str(raised.value).startswith("POS_NOTIF_CLUSTER: ")
    assert "\n" not in str(raised.value)


def test_a_key_lives_as_long_as_its_lease_and_whoever_waits_is_told_of_it(etcd: Etcd):
    name = secrets.token_hex(8)
    one, other = (parse(etcd.url).bulletin(name) for _ in range(2))
    try:
        after, _ = other.changes(None, 0)
        one.put("nodo/1/reloj", b"0", 60)
        one.put("nodo/1/reloj", b"1\0\xff", 60)
        one.put("nodo/2/reloj", b"2", 60)
        one.put("turno", b"3", 60)
        changed: list[str] = []
        while "turno" not in changed:
            after, keys = other.changes(after, 60)
            changed += keys
        assert list(dict.fromkeys(changed)) == ["nodo/1/reloj", "nodo/2/reloj", "turno"]
        assert other.living("nodo/1") == {"nodo/1/reloj": b"1\0\xff"}
        one.put("nodo/2/reloj", b"2", 1)  # the last word counts
        assert (told := other.changes(after, 60))[1] == ["nodo/2/reloj"]
        while "nodo/2/reloj" in other.living("nodo/2"):
            assert (told := other.changes(told[0], 60))[1] == ["nodo/2/reloj"]  # it has passed away
        assert other.living("nodo/") == {"nodo/1/reloj": b"1\0\xff"}
        after, _ = one.changes(None, 0)
        one.delete("turno")
        assert one.changes(after, 60)[1] == ["turno"]
        etcd.ctl("compaction", "--physical", one.changes(None, 0)[0])
        assert "nodo/1/reloj" in other.changes("1", 60)[1]  # what it has missed is no longer there: all of them
    finally:
        one.close()
        other.close()


def test_one_that_is_full_says_what_it_has_and_takes_nothing(tmp_path: Path, found: Callable[[Etcd], Log]):
    with Etcd(tmp_path, options=["--quota-backend-bytes", str(2 << 20)]) as etcd:
        log = found(etcd)
        sequence = log.sequence()
        assert _is_taken(sequence)
        with pytest.raises(Full, match="space"):
            _fill(sequence, log)
        # Where it has run full between taking a record in and writing it down, it keeps that one, and says the same.
        place = sequence.head()
        assert place in (log.place, place_after(log.place, _LARGE))
        eventually(lambda: not _is_taken(sequence))
        with pytest.raises(Full, match="space"):
            sequence.append(place, b"a little")
        assert sequence.head() == place
        sequence.trim(place.position)
        etcd.ctl("defrag")
        etcd.ctl("alarm", "disarm")
        eventually(lambda: _is_taken(sequence))
        assert sequence.append(place, b"and on").position == place.position + 1


_LARGE = b"sin sal " * 50_000


def _fill(sequence: Sequence, log: Log) -> None:
    for _ in range(20):
        log.place = sequence.append(log.place, _LARGE)


def _is_taken(sequence: Sequence) -> bool:
    try:
        sequence.probe()
    except Unknown:
        return False
    return True


def test_tries_of_a_key_are_counted_for_all_and_forgotten_after_a_success(etcd: Etcd):
    name = secrets.token_hex(8)
    one, other = (parse(etcd.url).bulletin(name) for _ in range(2))
    try:
        assert one.begin_try("ana", "a", 60, 2)[0]
        may, counted = other.begin_try("ana", "b", 60, 2)
        assert (may, counted.tries) == (True, 2)
        assert 0 < counted.seconds <= 60
        assert one.begin_try("ana", "c", 60, 2)[0] is False
        assert one.begin_try("anabel", "c", 60, 2)[0]
        one.forget("ana", "b")
        assert other.begin_try("ana", "d", 1, 2)[0]
        eventually(lambda: one.begin_try("ana", "e", 60, 2)[0])  # that one counts no more
        other.forget("ana")
        assert one.begin_try("ana", "f", 60, 2)[1].tries == 1
    finally:
        one.close()
        other.close()


def test_tries_at_once_are_never_more_than_may_be(etcd: Etcd):
    name, allowed, all_ready = secrets.token_hex(8), [], threading.Barrier(12, timeout=60)

    def guess(number: int) -> None:
        bulletin = parse(etcd.url).bulletin(name)
        bulletin.living("")
        all_ready.wait()
        allowed.append(bulletin.begin_try("ana", str(number), 60, 5)[0])
        bulletin.close()

    guesses = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for each in guesses:
        each.start()
    for each in guesses:
        each.join()
    assert (len(allowed), sum(allowed)) == (12, 5)
