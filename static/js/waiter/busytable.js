/* A table that has an open order asks: are the new dishes for that order, for
   an order of their own, or was another table meant? */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var WORDS = pages.waiterWords.busyTable;

  // drawer: where it is asked. answer: {add(draft, pedido), apart(draft), other(draft)}.
  function BusyTable(drawer, book, answer) {
    this.drawer = drawer;
    this.book = book;
    this.answer = answer;
  }

  var busy = BusyTable.prototype;

  // The open orders at the table that is written, the newest first.
  busy.orders = function (draft) {
    var table = draft.target || draft.tipo !== 'mesa' ? null : pages.tableField.read(draft.mesa), key = table && pages.SheetAsks.keyOf(table);
    return table ? this.book.list(function (pedido) {
      var own = pages.SheetAsks.tableOf(pedido);
      return pages.states.OPEN[pedido.estado] === true && own !== null && pages.SheetAsks.keyOf(own) === key;
    }, function (pedido) { return -(pages.clock.parse(pedido.timestamp) || 0); }) : [];
  };

  // What stands under the field: "Mesa 10 ya tiene un pedido: #C42, de Carlos".
  busy.hint = function (draft) {
    var orders = this.orders(draft);
    return orders.length ? pages.fill(WORDS.title, { n: orders.length, table: pages.places.table(orders[0]) }) + ': ' +
      orders.map(whose).join(' · ') : '';
  };

  function whose(pedido) {
    var who = wording.attendant(pedido);
    return pages.fill(who ? WORDS.of : WORDS.ofNobody, { number: wording.number(pedido), who: who });
  }

  // "En cocina hace 6 min · 3 platos"
  function meta(pedido) {
    var dishes = pedido.items.reduce(function (sum, item) { return sum + item.cantidad; }, 0);
    var at = pages.clock.parse(pedido.timestamp) || pages.clock.now();
    return pages.fill(WORDS.meta, {
      state: pages.sheetWords.states[pedido.estado], ago: pages.clock.ago(pages.clock.now() - at),
      dishes: pages.fill(pages.waiterWords.dishes, { n: dishes })
    });
  }

  function row(pedido) {
    return dom.create('div', 'list__row', [
      dom.create('span', 'grow', [dom.create('b', '', whose(pedido)), dom.create('span', 'busy__meta muted', meta(pedido))]),
      dom.create('b', 'num', wording.money(pedido.total))
    ]);
  }

  // Answers whether it asks.
  busy.ask = function (draft) {
    var self = this, orders = this.orders(draft), foot;
    if (!orders.length) { return false; }
    function button(look, text, then) {
      return pages.Drawer.footButton(look, text, function () {
        self.drawer.close();
        then();
      });
    }
    foot = orders.filter(pages.LineEdit.mayEdit).map(function (pedido, index) {
      return button(index ? 'btn--secondary' : 'btn--primary', pages.fill(WORDS.add, { number: wording.number(pedido) }), function () {
        self.answer.add(draft, pedido);
      });
    });
    foot.push(button('btn--secondary', WORDS.apart, function () { self.answer.apart(draft); }));
    foot.push(button('btn--quiet', WORDS.other, function () { self.answer.other(draft); }));
    this.drawer.open('mesa', {
      title: pages.fill(WORDS.title, { n: orders.length, table: pages.places.table(orders[0]) }),
      text: orders.some(pages.LineEdit.mayEdit) ? WORDS.ask : WORDS.askPaid,
      parts: [dom.create('div', 'list busy', orders.map(row))], foot: foot
    });
    return true;
  };

  pages.BusyTable = BusyTable;
}(window));
