"""Half a minute of `tests/soak/run`'s restaurant, and a little of its churn and of its push service that is down."""

from __future__ import annotations

import pytest

from tests.soak.check import receipt_alarm_problems
from tests.soak.churn import churn
from tests.soak.push_down import PHONES, push_down
from tests.soak.restaurant import Soak

pytestmark = pytest.mark.faults


@pytest.mark.long
def test_an_evening_with_cuts_kills_and_a_kitchen_without_power_in_half_a_minute(tmp_path):
    outcome = Soak(tmp_path, seconds=30, pace=30, seed=1, say=lambda text: None).run()
    assert not outcome.problems, outcome.table()
    figures = dict(outcome.figures)
    assert int(figures["events delivered, each once and in order"]) > 500
    assert "sin_acuse" in figures["events"]


def test_connections_that_are_cut_at_every_stage_leave_nothing_behind(tmp_path):
    outcome = churn(tmp_path, count=1500, seed=1)
    assert not outcome.problems, outcome.table()


def test_what_phones_are_told_while_their_push_service_is_down_is_there_once_when_it_is_back(tmp_path):
    outcome = push_down(tmp_path / "push", seconds=5, is_measured=False)
    assert not outcome.problems, outcome.table()
    assert dict(outcome.figures)["messages"] == f"0 dropped as late, {PHONES} waited, of which {PHONES} were sent"


def test_phones_that_are_gone_and_subscribe_again_are_told_what_comes_then(tmp_path):
    outcome = push_down(tmp_path / "push", seconds=5, is_measured=False, status=410)
    assert not outcome.problems, outcome.table()
    assert dict(outcome.figures)["messages"].endswith(f"of which 0 were sent, {PHONES} to who was gone")


def test_the_check_of_alarms_knows_what_is_due():
    def event(event_id, second, tipo, **fields):
        return {"id": event_id, "tipo": tipo, "timestamp": f"2026-11-24T19:00:{second:02}.000-06:00", **fields}

    def problems(*later):
        order = event(1, 0, "nuevo_pedido", pedido_id=7, salas=["cocina"])
        return receipt_alarm_problems([order, *later], ack_seconds=10, slack=2)

    def seen(event_id, second):
        return event(event_id, second, "acuse_recibo", evento_id=1)

    def alarm(event_id, second):
        return event(event_id, second, "sin_acuse", evento_ids=[1])

    assert problems(seen(2, 9)) == []
    assert problems(alarm(2, 11), seen(3, 20)) == []
    assert problems(event(2, 12, "alerta_stock")) == []
    assert len(problems(event(2, 14, "alerta_stock"))) == 1  # none came
    assert len(problems(seen(2, 14))) == 1
    assert len(problems(alarm(2, 5))) == 1  # too soon
    assert len(problems(seen(2, 9), alarm(3, 11))) == 1  # not due any more
    assert len(problems(alarm(2, 11), alarm(3, 30))) == 1  # again
    assert len(problems(alarm(2, 11), event(3, 15, "sin_acuse", evento_ids=[]))) == 1  # a flood
    again = event(2, 9, "cambio_estado", pedido_id=7, estado="en_cocina", por_hacer=True, salas=["cocina"])
    assert problems(again, event(3, 19, "acuse_recibo", evento_id=2)) == []  # a round is seen with what was there
    assert len(problems(again, event(3, 25, "alerta_stock"))) == 1
