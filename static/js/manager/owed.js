/* What was never paid, of earlier days: it stays until somebody charges or
   cancels it. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var clock = pages.clock;

  // section: hidden where there is nothing; title and rows stand in it.
  function Owed(section, title, rows) {
    this.section = section;
    this.title = title;
    this.rows = new pages.Rows(rows);
  }

  function isOwed(pedido) {
    return pedido.antiguo === true && !pedido.pagado_at && pages.states.OPEN[pedido.estado] === true;
  }

  function row(pedido) {
    return {
      key: pedido.id,
      content: JSON.stringify([wording.named(pedido), pedido.total, pedido.estado]),
      draw: function () {
        var node = dom.create('a', 'owed__row num', [
          dom.create('span', 'owed__sum', wording.money(pedido.total)),
          dom.create('b', '', wording.named(pedido)),
          dom.create('span', 'muted', ' · ' + clock.dayName(clock.businessDay(clock.parse(pedido.timestamp))))
        ]);
        node.href = '#pedido-' + pedido.id;
        node.setAttribute('data-pedido-id', pedido.id);
        return node;
      }
    };
  }

  Owed.prototype.show = function (book) {
    var orders = book.list(isOwed, function (pedido) { return clock.parse(pedido.timestamp) || 0; }), sum = 0, known = true, i;
    for (i = 0; i < orders.length; i++) {
      if (typeof orders[i].total === 'number') { sum += orders[i].total; } else { known = false; }
    }
    this.section.hidden = !orders.length;
    dom.setText(this.title, pages.fill(pages.managerWords.owed, { n: orders.length, sum: wording.sum(sum, known) }));
    this.rows.show(orders.map(row));
  };

  Owed.isOwed = isOwed;
  pages.Owed = Owed;
}(window));
