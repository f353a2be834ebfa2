"""A page that is open for weeks keeps what is on it, and nothing of the orders that have gone."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.browser.floor import CASHIER, COOK, MANAGER, WAITER, Floor
from tests.browser.page_files import STATIC

pytestmark = pytest.mark.browser

# The orders' whole lives, one after the other, told to the page as its transport tells them.
PLAY = """
([lives, from, to]) => {
  var cursor = from * 1000 + 1000000, epoch = __notif._cursor.slice(0, __notif._cursor.lastIndexOf('-'));
  for (var n = from; n < to; n++) {
    var ids = {}, life = lives[n % lives.length].map(function (text) { return JSON.parse(text); });
    life.forEach(function (evento) { evento.id in ids || (ids[evento.id] = ++cursor); });
    life.forEach(function (evento) {
      evento.id = ids[evento.id];
      if (ids[evento.evento_id]) { evento.evento_id = ids[evento.evento_id]; }
      if (evento.operacion_id) { evento.operacion_id += '-' + n; }
      evento.pedido_id = n + 5000000000;
      if (evento.pedido) {
        evento.pedido.id = evento.pedido_id;
        evento.pedido.por_acusar = (evento.pedido.por_acusar || []).map(function (id) { return ids[id] || id; });
      }
      var name = evento.tipo === 'acuse_recibo' ? 'evento_sistema' : 'evento_pedido';
      __notif._receive(name, evento, epoch + '-' + evento.id);
    });
  }
  return new Promise(function (done) { setTimeout(done, 50); });
}
"""
# The cursor is written for each event. A browser keeps it outside of the heap, and that costs more than all else here.
LEAVE_THE_CURSOR = """
() => {
  var set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    if (key.indexOf('notif:cursor:') !== 0) { set.call(this, key, value); }
  };
}
"""


def lives(floor: Floor) -> list[list[str]]:
    """The events of an order that was served and closed, of one that was cancelled, and of a takeaway."""
    served = floor.place(mesa_numero=3, dishes={"Pupusa de queso": 2, "Horchata": 1})
    floor.acknowledge(served)
    for accion, who in (("iniciar", COOK), ("listo", COOK), ("servir", WAITER)):
        floor.act(served, accion, who)
    floor.act(served, "cobrar", CASHIER, metodo_pago="efectivo")
    cancelled = floor.place(mesa_numero=4)
    floor.act(cancelled, "cancelar", WAITER, razon="Se fueron")
    ids = floor.order(cancelled["id"])["por_acusar"]
    floor.call("POST", "/api/notificaciones/acuses", {"evento_ids": ids, "entendido": True}, COOK)
    takeaway = floor.place(CASHIER, tipo="llevar", cliente_nombre="Rosa")
    floor.act(takeaway, "cobrar", CASHIER, metodo_pago="efectivo")
    floor.act(takeaway, "listo", COOK)
    floor.act(takeaway, "servir", CASHIER)
    floor.act(takeaway, "cerrar", CASHIER)
    return [[json.dumps(event) for event in floor.events(each["id"])] for each in (served, cancelled, takeaway)]


def heap(session: Any) -> int:
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    return int(session.send("Runtime.getHeapUsage")["usedSize"])


@pytest.mark.parametrize(
    ("who", "path"), [(COOK, "/cocina"), (WAITER, "/pos"), (CASHIER, "/caja"), (MANAGER, "/manager")]
)
def test_three_thousand_orders_leave_nothing_behind(page: Any, floor: Floor, who: str, path: str) -> None:
    told = lives(floor)
    floor.open(page, who, path)
    session = page.context.new_cdp_session(page)
    page.evaluate(LEAVE_THE_CURSOR)
    sizes = []
    for begin, end in ((0, 2000), (2000, 5000), (5000, 8000)):
        page.evaluate(PLAY, [told, begin, end])
        sizes.append(heap(session))
    # Bytes; one id that is kept is more, each time. What the engine keeps for itself it keeps once.
    assert min(later - before for before, later in pairwise(sizes)) / 3000 < 60


def test_of_what_a_cook_has_seen_the_newest_is_remembered(page: Any) -> None:
    for script in ("shared/recent.js", "kitchen/unseen.js"):
        page.add_script_tag(path=STATIC / "js" / script)
    kept, newest, oldest = page.evaluate(
        """() => {
          var unseen = new posNotif.Unseen(), record = { events: [] };
          for (var id = 1; id <= 5000; id++) {
            unseen.add(record, { id: id, tipo: 'nuevo_pedido' });
            unseen.see(record);
          }
          var keys = Object.keys(unseen.seen.young).concat(Object.keys(unseen.seen.old));
          return [keys.length, unseen.seen.get(4001) === true, unseen.seen.get(1) === true];
        }"""
    )
    assert (kept <= 2000, newest, oldest) == (True, True, False)
