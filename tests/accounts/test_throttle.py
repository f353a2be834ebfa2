"""What keeps a PIN from being guessed, and the names from being found out."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import time

import pytest

from pos_notif.accounts.throttle import LoginThrottle
from pos_notif.board import LocalBoard, Outcome
from pos_notif.clock import Clocks
from pos_notif.errors import BadCredentials, LogUnavailable, TooManyAttempts
from tests.support.in_process import HeldClock, in_process

MINUTES = 60


@pytest.fixture
async def service(tmp_path):
    clock = HeldClock()
    async with in_process(tmp_path / "log.db", clock) as running:
        running.clock = clock
        await running.accounts.create_user("Ana", "cocinero", "1234")
        await running.accounts.create_user("Beto", "mesero", "4321")
        yield running


async def failures(service, count, username="Ana", address="192.0.2.7"):
    return [(await service.login(username, "wrong", address)).status for _ in range(count)]


async def test_after_5_failures_the_sixth_is_429_with_the_right_pin_too(service):
    assert await failures(service, 5) == [401] * 5
    answer = await service.login("Ana", "1234")
    assert (answer.status, answer.code) == (429, "demasiados_intentos")
    assert answer.headers["Retry-After"] == "900"
    assert "Set-Cookie" not in answer.headers


async def test_the_window_passes(service):
    await failures(service, 5)
    service.clock.advance(14 * MINUTES + 59)
    answer = await service.login("Ana")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    service.clock.advance(1)
    assert (await service.login("Ana")).status == 200


async def test_failures_leave_the_window_one_by_one(service):
    for _ in range(5):
        await failures(service, 1)
        service.clock.advance(3 * MINUTES)
    assert await failures(service, 2) == [401, 429]


async def test_being_refused_does_not_lengthen_the_wait(service):
    await failures(service, 5)
    service.clock.advance(14 * MINUTES)
    assert await failures(service, 10) == [429] * 10
    service.clock.advance(1 * MINUTES)
    assert (await service.login("Ana")).status == 200


async def test_success_forgives(service):
    for _ in range(3):
        assert await failures(service, 4) == [401] * 4
        assert (await service.login("Ana")).status == 200


async def test_neither_another_address_nor_another_user_is_affected(service):
    assert await failures(service, 6) == [401] * 5 + [429]
    assert (await service.login("Ana", address="192.0.2.8")).status == 200
    assert (await service.login("Beto", "4321")).status == 200
    assert (await service.login("Ana")).status == 429


async def test_an_unknown_user_counts_too_and_however_it_is_typed(service):
    typed = ["Nadie", "NADIE", "nadie", " Nadie", "Ｎａｄｉｅ", "nadie"]
    assert [(await service.login(name)).status for name in typed] == [401] * 5 + [429]


async def test_wrong_attempts_side_by_side_do_not_exceed_the_limit(service):
    answers = await asyncio.gather(*(service.login("Ana", str(pin)) for pin in range(1000, 1040)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 35


async def test_right_attempts_side_by_side_do_not_reach_the_limit(service):
    """Ten tablets that sign in with one user after a power cut, through one proxy."""
    answers = await asyncio.gather(*(service.login("Ana") for _ in range(10)))
    assert [answer.status for answer in answers] == [200] * 10


async def test_an_attempt_that_is_cut_off_counts_and_a_database_that_fails_does_not():
    throttle = LoginThrottle(LocalBoard(Clocks()))

    async def attempt(error: BaseException) -> None:
        async with throttle.attempt("ana", "a"):
            raise error

    for _ in range(10):
        with pytest.raises(LogUnavailable):
            await attempt(LogUnavailable())
    for error in (asyncio.CancelledError(), *[BadCredentials()] * 4):
        with pytest.raises(type(error)):
            await attempt(error)
    with pytest.raises(TooManyAttempts):
        await attempt(BadCredentials())


async def test_a_try_counts_before_it_is_made_and_who_waits_for_its_turn_has_made_none():
    """A process that dies in the middle of a try has made it; a client that hangs up before its turn has not."""
    board = LocalBoard(Clocks())
    for _ in range(4):
        await board.begin_try("ana", 900, 5)
        board.end_try("ana", Outcome.FAILED)
    assert (await board.begin_try("ana", 900, 5))[:2] == (True, 5)
    impatient = asyncio.create_task(board.begin_try("ana", 900, 5))
    patient = asyncio.create_task(board.begin_try("ana", 900, 5))
    await asyncio.sleep(0)
    impatient.cancel()
    board.end_try("ana", Outcome.SUCCEEDED)
    assert (await patient)[:2] == (True, 1)


async def test_the_throttle_forgets_the_longest_unused_first_and_stays_small():
    board = LocalBoard(Clocks(), max_keys=3)
    throttle = LoginThrottle(board)

    async def fail(name: str) -> None:
        with contextlib.suppress(BadCredentials):
            async with throttle.attempt(name, "a"):
                raise BadCredentials

    async def is_refused(name: str) -> bool:
        try:
            await fail(name)
        except TooManyAttempts:
            return True
        return False

    for _ in range(5):
        await fail("ana")
    for name in "bcde":
        await fail(name)
        assert await is_refused("ana")
    for name in "fgh":
        await fail(name)
    assert not await is_refused("ana")
    assert len(board._tried) == 3


@pytest.mark.usefixtures("real_cost")
async def test_an_unknown_user_takes_as_long_as_a_known_one(service):
    """Medians of 20, each from its own address; a check without argon2 would be 20 times as fast. The time is that of
    this process alone: it has nothing else to do, the machine may."""
    taken = {}
    addresses = itertools.count()
    for username, how_often in (("Ana", 2), ("Nadie", 2), ("Ana", 20), ("Nadie", 20)):  # after the first of each
        times = taken[username] = []
        for _ in range(how_often):
            began = time.process_time()
            await service.login(username, "wrong", f"address {next(addresses)}")
            times.append(time.process_time() - began)
    known, unknown = statistics.median(taken["Ana"]), statistics.median(taken["Nadie"])
    assert 0.4 < unknown / known < 2.5


@pytest.mark.usefixtures("real_cost")
async def test_beyond_a_hundred_that_wait_a_login_is_refused_at_once_and_does_not_count(service):
    answers = await asyncio.gather(*(service.login("Ana", "wrong", f"address {number}") for number in range(160)))
    refused = [answer for answer in answers if answer.status == 503]
    assert [answer.status for answer in answers if answer.status != 503] == [401] * (160 - len(refused))
    assert 0 < len(refused) <= 60
    assert {(answer.code, answer.headers["Retry-After"]) for answer in refused} == {("sin_capacidad", "2")}
    assert (await service.login("Ana")).status == 200


@pytest.mark.usefixtures("real_cost")
async def test_a_login_storm_leaves_the_event_loop_free(service):
    """What is asked meanwhile is answered between one login and the next, and not behind them all."""
    storm = [asyncio.create_task(service.login("Ana", "wrong", f"address {number}")) for number in range(60)]
    passed = []  # logins that were answered while another request was
    while (before := sum(login.done() for login in storm)) < 60:
        assert (await service.call("GET", "/healthz")).status == 200
        passed.append(sum(login.done() for login in storm) - before)
        await asyncio.sleep(0)
    assert [(await login).status for login in storm] == [401] * 60
    assert len(passed) > 10
    assert statistics.median(passed) <= 1
