"""The time of a node whose machine's clock may be wrong."""

from __future__ import annotations

from pos_notif.clock import Clocks, Instant, WallMs
from pos_notif.cluster.clocks import NodeClock
from tests.support.in_process import HeldClock

HOUR = 3600


def hear(clock: NodeClock, held: HeldClock, *ahead: float) -> None:
    """Has it heard just now of other machines, whose clocks are ahead of the true time by so many seconds."""
    clock.hear((held.ms + round(seconds * 1000), 0.0) for seconds in ahead)


def test_a_clock_that_is_set_while_the_service_runs_changes_nothing_where_two_others_are_right():
    held = HeldClock()
    clock = NodeClock(held, held.ticks)
    clocks = Clocks(clock, held.ticks)
    hear(clock, held, 3, -2)
    assert clock.warning() is None
    for set_ahead in (HOUR, -HOUR, 40 * 24 * HOUR):
        held.set_ahead(set_ahead)  # and nobody has said anything since
        held.advance(1)
        assert abs(clocks.wall() - held.ms) <= 3050
        hear(clock, held, 3, -2)
        assert abs(clocks.wall() - held.ms) <= 3050
        assert abs(clocks.set_by()) <= 3050
        assert "de la mayoría" in (clock.warning() or "")
        assert f"{'delante' if set_ahead > 0 else 'detrás'} de la mayoría" in (clock.warning() or "")
    assert abs(clock.raw() - held.ms) > HOUR * 1000
    held.set_ahead(4)
    assert clocks.wall() == held.ms + 4000
    assert clock.warning() is None


def test_a_node_whose_clock_was_wrong_before_it_began_takes_the_time_of_the_others():
    held = HeldClock()
    held.set_ahead(-3 * HOUR)
    clock = NodeClock(held, held.ticks)
    hear(clock, held, 0, 1)
    assert abs(Clocks(clock, held.ticks).steady() - held.ms) <= 1050


def test_it_is_the_majority_that_is_right_and_the_others_clock_is_not_taken():
    held = HeldClock()
    clock = NodeClock(held, held.ticks)
    hear(clock, held, 0, HOUR)
    assert clock() == held.ms
    assert clock.warning() is None


def test_two_that_are_wrong_at_once_are_believed_when_they_have_stayed_so():
    """What is known of one that was put right just now is its last word, when another one is set wrong."""
    held = HeldClock()
    clock = NodeClock(held, held.ticks)
    hear(clock, held, 0, HOUR)
    for ahead in ((HOUR, HOUR), (HOUR, 0), (HOUR, HOUR)):
        hear(clock, held, *ahead)
        assert clock() == held.ms
        held.advance(9)
        hear(clock, held, *ahead)
        assert clock() == held.ms
    held.advance(2)
    hear(clock, held, HOUR, HOUR + 2)
    assert abs(clock() - held.ms - HOUR * 1000) <= 2050


def test_of_two_each_keeps_its_own_and_says_by_how_much_they_differ():
    held = HeldClock()
    clock = NodeClock(held, held.ticks)
    hear(clock, held, -HOUR)
    assert clock() == held.ms
    assert clock.warning() == f"el reloj de esta máquina está {HOUR} s delante del reloj del otro nodo"
    hear(clock, held, 5)
    assert clock.warning() is None


def test_a_node_that_dies_does_not_make_a_wrong_clock_right():
    held = HeldClock()
    clock = NodeClock(held, held.ticks)
    held.set_ahead(HOUR)
    hear(clock, held, 0, 0)
    for left in ([0.0], []):
        hear(clock, held, *left)
        held.advance(60)
        assert abs(clock() - held.ms) <= 50
    hear(clock, held, HOUR)  # somebody has set the other one too
    assert clock() == held.ms + HOUR * 1000


def test_a_nodes_event_is_no_earlier_than_the_one_before_unless_a_clock_was_set_wrong():
    at = Instant(WallMs(1_000_000), 250)
    assert at.not_before(999_000) is at
    assert at.not_before(1_000_900) == Instant(WallMs(1_000_900), 250)
    assert at.not_before(1_000_000 + HOUR * 1000) is at
