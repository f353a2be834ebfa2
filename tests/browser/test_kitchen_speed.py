"""A kitchen page in a full restaurant: what arrives costs it one ticket's work, however many are on the board. How long
that takes is measured by tests/benchmarks/kitchen.py."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import Any

import pytest

from tests.browser.full_board import draws, events, open_full_board

pytestmark = pytest.mark.browser

# From now on: how often a ticket is drawn, and how often a height is read, which lays out what has changed.
COUNT = """
(function () {
  var draw = posNotif.tickets.draw, height = Object.getOwnPropertyDescriptor(HTMLElement.prototype, 'offsetHeight');
  window.work = { drawn: 0, measured: 0 };
  posNotif.tickets.draw = function (record, view) { work.drawn++; return draw(record, view); };
  Object.defineProperty(HTMLElement.prototype, 'offsetHeight', {
    get: function () { work.measured++; return height.get.call(this); }
  });
}());
"""


def test_an_event_draws_its_own_ticket_on_a_board_of_sixty(page: Any, restaurant: Any) -> None:
    """And has one height read: it is measured once, and no other ticket is laid out for it. The median passes over a
    board that was drawn whole since a stream had broken off."""
    open_full_board(page, restaurant)
    page.evaluate(COUNT)
    counts = [(0, 0)]
    for event in events():
        draws(page, restaurant, event)
        counts.append(tuple(page.evaluate("[work.drawn, work.measured]")))
    each = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(counts)]
    assert len(each) == 24
    assert statistics.median(drawn for drawn, _ in each) == 1, each
    assert statistics.median(measured for _, measured in each) == 1, each
