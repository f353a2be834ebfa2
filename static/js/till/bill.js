/* This is the bill of the chosen order: its lines, how it is paid, and the
   button. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var WORDS = pages.tillWords;
  var METHODS = [['efectivo', WORDS.methods.efectivo, 'cash'], ['tarjeta', WORDS.methods.tarjeta, 'card'], ['otro', WORDS.methods.otro, '']];
  var NOTES = [5, 10, 20, 50, 100];

  // onAct(pedido, accion, fields)
  function Bill(container, operations, onAct) {
    this.container = container;
    this.operations = operations;
    this.onAct = onAct;
    this.rows = new pages.Rows(container);
    this.off = new pages.TakeOff(onAct, function () { onAct(null); });
    this.begin(null);
  }

  var bill = Bill.prototype;

  bill.begin = function (id) {
    this.id = id;
    this.method = 'efectivo';
    this.given = null;           // cash that was handed over; null: exact
    this.off.close();
  };

  // What is asked of the cashier: 'cobrar', 'servir' a paid takeaway, 'cerrar' a paid table.
  function askOf(pedido) {
    if (!pedido.pagado_at) { return 'cobrar'; }
    return pedido.estado === 'listo' ? 'servir' : 'cerrar';
  }

  // change: {from, text, added: {item id: true}} of a total that has changed, or null.
  bill.show = function (pedido, change, meta, notice) {
    var self = this, waiting = pedido && this.operations.pending(pedido.id);
    var content = JSON.stringify([
      pedido, change, notice, this.method, this.given, this.off.content(), this.operations.words(waiting)
    ]);
    this.rows.show([{
      key: 'bill',
      content: content,
      draw: function () { return pedido ? self._draw(pedido, change, waiting) : self._empty(notice); }
    }]);
    if (pedido) { dom.setText(dom.byId('bill-meta'), meta); }
  };

  // notice: {title, text, kind} of the order that has just left, or null.
  bill._empty = function (notice) {
    var node = dom.create('div', 'bill__empty', [
      dom.create('p', 'bill__empty-title', notice ? notice.title : WORDS.choose),
      notice && notice.change ? dom.create('p', 'bill__empty-change num', [dom.text(WORDS.change), dom.create('b', '', notice.change)]) : null,
      dom.create('p', 'muted', notice ? notice.text : WORDS.dueAtLeft)
    ]);
    if (notice) { node.setAttribute('data-aviso', notice.kind); }
    return node;
  };

  // off: the button that takes some of it off the bill, or null.
  function lineNode(item, added, off) {
    var gone = item.estado_item === 'cancelado';
    var node = dom.create('tr', added ? 'is-new' : gone ? 'is-gone' : '', [
      dom.create('td', '', item.cantidad + '×'),
      dom.create('td', '', [
        dom.text(item.producto_nombre || pages.words.dish),
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

  bill._lines = function (pedido, change, waiting) {
    var body = dom.create('tbody'), i, item, may, open;
    for (i = 0; i < pedido.items.length; i++) {
      item = pedido.items[i];
      may = !waiting && this.off.may(pedido, item);
      body.appendChild(lineNode(item, !!change && change.added[item.id] === true, may ? this.off.button(item) : null));
      if (may && this.off.id === item.id) {
        open = dom.create('td', '', [this.off.draw(pedido, item)]);
        open.colSpan = 4;
        body.appendChild(dom.create('tr', 'bill__open', [open]));
      }
    }
    return body;
  };

  function note(change, pedido) {
    return dom.create('p', 'bill__note', [
      dom.icon('swap'),
      dom.create('b', 'num', pages.fill(WORDS.totalChanged, { from: wording.money(change.from), to: wording.money(pedido.total) })),
      change.text ? dom.text(' · ' + change.text) : null
    ]);
  }

  // To all that may be done with the order, and what has happened to it.
  function sheetLink(pedido) {
    var node = dom.create('a', 'btn btn--secondary btn--touch bill__sheet', WORDS.sheet);
    node.href = '#pedido-' + pedido.id;
    return node;
  }

  bill._draw = function (pedido, change, waiting) {
    var body = this._lines(pedido, change, waiting), goes = pages.places.goesTo(pedido), node;
    node = dom.create('div', 'bill__of', [
      dom.create('div', 'bill__top', [
        sheetLink(pedido), dom.create('h2', 'bill__label', wording.label(pedido)), dom.create('span', 'muted num')
      ]),
      goes.length ? dom.create('p', 'bill__goes', goes.join(' · ')) : null,
      change ? note(change, pedido) : null,
      pedido.items.length ? dom.create('table', 'bill__lines num', [body]) :
        dom.create('p', 'bill__none', pages.words.noDetail),
      dom.create('p', 'bill__sum num', [
        dom.create('span', 'bill__row', [dom.text(WORDS.subtotal), dom.create('span', '', wording.money(pedido.subtotal))]),
        dom.create('span', 'bill__row', [dom.text(WORDS.tax), dom.create('span', '', wording.money(pedido.impuesto))])
      ]),
      this._end(pedido, waiting)
    ]);
    node.querySelector('.muted').id = 'bill-meta';
    node.setAttribute('data-cuenta', pedido.id);
    return node;
  };

  bill._end = function (pedido, waiting) {
    var asked = askOf(pedido);
    return dom.create('div', 'bill__end', [
      dom.create('p', 'bill__total num', [dom.create('small', '', pages.words.total), dom.create('span', '', wording.money(pedido.total))]),
      asked === 'cobrar' ? this._methods(waiting) : dom.create('p', 'bill__paid', [
        dom.icon('check'), dom.text(pages.fill(WORDS.paidAt, { time: pages.clock.timeOf(pedido.pagado_at) }))
      ]),
      asked === 'cobrar' && this.method === 'efectivo' ? this._cash(pedido, waiting) : null,
      asked === 'cobrar' && this.method === 'efectivo' ? this._change(pedido) : null,
      this._button(pedido, asked, waiting)
    ]);
  };

  bill._choice = function (text, icon, on, waiting, choose) {
    var button = dom.button('btn btn--secondary' + (on ? ' is-on' : ''), [icon ? dom.icon(icon) : null, dom.text(text)], choose);
    button.disabled = !!waiting;
    button.setAttribute('aria-pressed', on ? 'true' : 'false');
    return button;
  };

  bill._methods = function (waiting) {
    var self = this, node = dom.create('div', 'pay pay--3'), i;
    function add(method) {
      node.appendChild(self._choice(method[1], method[2], self.method === method[0], waiting, function () {
        self.method = method[0];
        self.given = null;
        self.onAct(null);
      }));
    }
    for (i = 0; i < METHODS.length; i++) { add(METHODS[i]); }
    return node;
  };

  // Exact, and the three amounts that a guest is likely to hand over: the next
  // multiple of 5, then notes.
  function amounts(total) {
    var list = [], next = Math.ceil(total / 5) * 5, i;
    if (next > total) { list.push(next); }
    for (i = 0; i < NOTES.length && list.length < 3; i++) {
      if (NOTES[i] > total && list.indexOf(NOTES[i]) < 0) { list.push(NOTES[i]); }
    }
    return list;
  }

  bill._cash = function (pedido, waiting) {
    var self = this, node = dom.create('div', 'pay num'), list = amounts(pedido.total || 0), i;
    function add(text, amount) {
      node.appendChild(self._choice(text, '', self.given === amount, waiting, function () {
        self.given = amount;
        self.onAct(null);
      }));
    }
    add(WORDS.exact, null);
    for (i = 0; i < list.length; i++) { add('$' + list[i], list[i]); }
    return node;
  };

  // What the guest gets back: whole cents.
  bill.changeOf = function (pedido) {
    if (this.method !== 'efectivo' || this.given === null || typeof pedido.total !== 'number') { return null; }
    return Math.round((this.given - pedido.total) * 100) / 100;
  };

  bill._change = function (pedido) {
    var change = this.changeOf(pedido);
    return dom.create('p', 'change num', [
      dom.text(WORDS.change),
      change === null ? null : dom.create('span', 'muted', pages.fill(WORDS.changeOf, { sum: wording.money(this.given) })),
      dom.create('b', '', change === null ? WORDS.noChange : change < 0 ? WORDS.notEnough : wording.money(change))
    ]);
  };

  bill._button = function (pedido, asked, waiting) {
    var self = this, texts = { servir: WORDS.deliver, cerrar: WORDS.closeBill };
    var button = dom.button('btn btn--primary btn--block btn--go', asked === 'cobrar' ?
      [dom.text(WORDS.charge), dom.create('span', 'num', wording.money(pedido.total))] : texts[asked]);
    button.id = 'act';
    if (waiting) {
      button.className = 'btn btn--block btn--go is-waiting';
      button.disabled = true;
      dom.setText(button, this.operations.words(waiting, waiting.info.accion === 'cobrar' ? WORDS.charging : ''));
    } else if (asked === 'cobrar' && this.changeOf(pedido) < 0) {
      button.disabled = true;
    }
    button.onclick = function () {
      // With the version that is on the screen: what has changed since is not charged unseen.
      self.onAct(pedido, asked, asked === 'cobrar' ? { metodo_pago: self.method, version: pedido.version } : {});
    };
    return button;
  };

  Bill.askOf = askOf;
  pages.Bill = Bill;
}(window));
