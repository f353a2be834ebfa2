/* This is the bill of the chosen row: its orders, of which each may be ticked,
   their lines, and what they come to. How it is paid stands in pay.js. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var fill = pages.fill;
  var WORDS = pages.tillWords;

  // onAct(pedido, accion, fields, info), without an order: something was touched. onSheet(pedido, cancels): the order is looked
  // at, to be cancelled or not.
  function Bill(container, operations, role, onAct, onSheet) {
    this.operations = operations;
    this.role = role;
    this.onAct = onAct;
    this.onSheet = onSheet;
    this.rows = new pages.Rows(container);
    this.off = new pages.TakeOff(onAct, function () { onAct(null); });
    this.begin();
  }

  var bill = Bill.prototype;

  bill.begin = function () {
    this.without = {};           // by id: orders that are not ticked
    this.off.close();
  };

  // The orders that are charged together.
  bill.ticked = function (row) {
    var self = this;
    return row.orders.filter(function (pedido) { return !self.without[pedido.id]; });
  };

  // changes: by order id, {from, text, added: {item id: true}} of a total that is not what it was.
  bill.show = function (row, changes, now, notice) {
    var self = this, content = JSON.stringify([row, row && row.orders.map(function (pedido) {
      return [changes[pedido.id] || null, self.operations.of(pedido.id).map(function (operation) { return [operation.body, operation.kept]; })];
    }), notice, this.without, this.off.content()]);
    this.rows.show([{
      key: 'bill',
      content: content,
      draw: function () { return row ? self._draw(row, changes) : self._empty(notice); }
    }]);
    if (row) { this._showAges(row, now); }
  };

  bill._showAges = function (row, now) {
    var node = this.rows.node('bill');
    row.orders.forEach(function (pedido) {
      var age = node.querySelector('[data-edad-de="' + pedido.id + '"]');
      if (age) { dom.setText(age, pages.clock.ago(now - pages.tillRows.since(pedido))); }
    });
  };

  // notice: {title, text, kind, change, given} of what has just left, or null.
  bill._empty = function (notice) {
    var node = dom.create('div', 'bill__empty', [
      dom.create('p', 'bill__empty-title', notice ? notice.title : WORDS.choose),
      notice && notice.change ? dom.create('div', 'back', [
        dom.create('p', 'back__h', [dom.text(WORDS.change), dom.create('span', 'num', notice.given)]),
        dom.create('p', 'back__sum num' + (notice.change.length > 7 ? ' back__sum--long' : ''), notice.change)
      ]) : null,
      dom.create('p', 'muted', notice ? notice.text : WORDS.dueAtLeft)
    ]);
    if (notice) { node.setAttribute('data-aviso', notice.kind); }
    return node;
  };

  // ---- an order ------------------------------------------------------------------

  // "#C12 · Karla · servido hace 6 min"; the age stands in a node of its own, since it moves.
  function about(pedido) {
    var who = pages.isolate(wording.attendant(pedido)), age = dom.create('span', 'num');
    age.setAttribute('data-edad-de', pedido.id);
    return [
      dom.create('b', 'num', wording.number(pedido)),
      dom.create('span', 'muted', [
        dom.text((who ? ' · ' + who : '') + ' · ' + fill(WORDS.stateSinceLow, { state: pages.words.states[pedido.estado] })), age
      ])
    ];
  }

  bill._tick = function (pedido) {
    var self = this, on = !this.without[pedido.id], node;
    node = dom.button('bill__order' + (on ? ' is-on' : ''), [
      dom.create('span', 'bill__mark', [dom.icon('check')]),
      dom.create('span', 'grow', about(pedido)),
      dom.create('b', 'num', wording.money(pedido.total))
    ], function () {
      self.without[pedido.id] = on;
      self.onAct(null);
    });
    node.setAttribute('role', 'checkbox');
    node.setAttribute('aria-checked', on ? 'true' : 'false');
    return node;
  };

  // off: the button that takes some of it off the bill, or null. leaves: it is on its way out.
  function lineNode(item, added, off, leaves) {
    var gone = leaves || item.estado_item === 'cancelado';
    var node = dom.create('tr', added ? 'is-new' : gone ? 'is-gone' : '', [
      dom.create('td', '', item.cantidad + '×'),
      dom.create('td', '', [
        dom.text(pages.isolate(item.producto_nombre || pages.words.dish)),
        item.notas ? dom.create('span', 'muted', ' ' + item.notas) : null,
        pages.parts.draw(item, 'parts'),
        added ? dom.create('span', 'chip chip--sq chip--warn', WORDS.isNew) : null
      ]),
      dom.create('td', 'bill__off', [off]),
      dom.create('td', '', wording.money(item.subtotal))
    ]);
    node.setAttribute('data-item-id', item.id);
    return node;
  }

  bill._lines = function (pedido, change) {
    var body = dom.create('tbody'), operations = this.operations, i, item, may, open;
    var waiting = operations.sending(pedido.id) !== null;
    for (i = 0; i < pedido.items.length; i++) {
      item = pedido.items[i];
      may = !waiting && !operations.pending(pedido.id, '', item.id) && this.off.may(pedido, item);
      body.appendChild(lineNode(
        item, !!change && change.added[item.id] === true, may ? this.off.button(pedido, item) : null,
        operations.pending(pedido.id, 'quitar_item', item.id) !== null
      ));
      if (may && this.off.isOpen(pedido, item)) {
        open = dom.create('td', '', [this.off.draw(pedido, item)]);
        open.colSpan = 4;
        body.appendChild(dom.create('tr', 'bill__open', [open]));
      }
    }
    return dom.create('table', 'bill__lines num', [body]);
  };

  function changeNote(change, pedido) {
    return dom.create('p', 'bill__note', [
      dom.icon('swap'),
      dom.create('b', 'num', fill(WORDS.totalChanged, { from: wording.money(change.from), to: wording.money(pedido.total) })),
      change.text ? dom.text(' · ' + change.text) : null
    ]);
  }

  bill._order = function (pedido, change, many) {
    var self = this, goes = pages.places.goesTo(pedido), node;
    node = dom.create('section', 'bill__of' + (this.without[pedido.id] ? ' is-off' : ''), [
      many ? this._tick(pedido) : null,
      goes.length ? dom.create('p', 'bill__goes', goes.join(' · ')) : null,
      change ? changeNote(change, pedido) : null,
      pedido.items.length ? this._lines(pedido, change) : dom.create('p', 'bill__none', pages.words.noDetail),
      dom.create('p', 'bill__more', [
        dom.button('btn btn--secondary btn--touch', WORDS.sheet, function () { self.onSheet(pedido, false); }),
        pages.Sheet.mayCancel(pedido, this.role) ?
          dom.button('btn btn--secondary btn--touch', WORDS.cancel, function () { self.onSheet(pedido, true); }) : null
      ])
    ]);
    node.setAttribute('data-cuenta', pedido.id);
    return node;
  };

  // ---- the whole -----------------------------------------------------------------

  function names(orders) {
    var found = [];
    orders.forEach(function (pedido) {
      var who = pages.isolate(wording.attendant(pedido));
      if (who && found.indexOf(who) < 0) { found.push(who); }
    });
    return found.length > 1 ? fill(WORDS.and, { some: found.slice(0, -1).join(', '), last: found[found.length - 1] }) : found.join('');
  }

  function subtitle(row) {
    var who = names(row.orders);
    if (row.orders.length === 1) { return dom.create('p', 'bill__about', about(row.orders[0])); }
    return dom.create('p', 'muted', fill(WORDS.ofOrders, { n: row.orders.length }) + who);
  }

  function sumRow(text, amount) {
    return dom.create('span', 'bill__row', [dom.text(text), dom.create('span', '', wording.money(amount))]);
  }

  bill._draw = function (row, changes) {
    var self = this, ticked = this.ticked(row), sum = pages.tillRows.sum, many = row.orders.length > 1;
    var kitchen = ticked.filter(pages.tillRows.inKitchen).length;
    return dom.create('div', 'bill__whole', [
      dom.create('h2', 'bill__label', row.kind === 'old' ? wording.named(row.orders[0]) : wording.label(row.orders[0])),
      subtitle(row)
    ].concat(row.orders.map(function (pedido) { return self._order(pedido, changes[pedido.id] || null, many); }), [
      kitchen ? dom.create('p', 'bill__note bill__note--kitchen', [
        dom.icon('clock'), dom.create('b', '', fill(WORDS.stillInKitchen, { n: kitchen })), dom.text(WORDS.chargeAnyway)
      ]) : null,
      dom.create('p', 'bill__sum num', [sumRow(WORDS.subtotal, sum(ticked, 'subtotal')), sumRow(WORDS.tax, sum(ticked, 'impuesto'))]),
      dom.create('p', 'bill__total num', [dom.create('small', '', pages.words.total), dom.create('span', '', wording.money(sum(ticked, 'total')))])
    ]));
  };

  pages.Bill = Bill;
}(window));
