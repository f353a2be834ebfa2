"""What the manager's log says of an event, where the words of one kind must not stand for another's."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from pos_notif.events import ITEM_CHANGED
from pos_notif.history.event_fields import Changes, Event, Line
from pos_notif.history.sentences import Service, sentence
from pos_notif.orders.drafts import LineChange

KINDS = get_args(get_type_hints(LineChange)["tipo_cambio"])


def of_line(kind: str | None) -> str:
    changes = Changes(kind, "Sopa", cantidad_anterior=1, cantidad_nueva=2, notas_anterior="poca sal")
    return sentence(Event(ITEM_CHANGED, item_id=3, cambios=changes, item=Line(3)), Service(table=5))


def test_each_change_of_a_line_has_a_sentence_of_its_own():
    said = {kind: of_line(kind) for kind in KINDS}
    assert said["item_pendiente"] == "Mesa 5: Sopa, otra vez pendiente"
    assert len(set(said.values())) == len(KINDS) == 6
    assert of_line("item_flambeado") not in said.values()


@pytest.mark.parametrize("kind", ["item_flambeado", None])
def test_of_a_change_that_is_not_known_nothing_is_said_but_that_there_was_one(kind):
    assert of_line(kind) == "Mesa 5: cambió Sopa"
