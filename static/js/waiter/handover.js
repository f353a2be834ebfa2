/* At the end of a shift the waiter's tables go to somebody else, all at once. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords.handover;
  var PATH = '/api/meseros';

  // container: of the button, and then of Deshacer. drawer: where it is asked to whom. mine(): the orders that go.
  function Handover(container, drawer, operations, userId, mine, onChange) {
    this.rows = new pages.Rows(container);
    this.drawer = drawer;
    this.operations = operations;
    this.userId = userId;
    this.mine = mine;
    this.onChange = onChange;
    this.undo = new pages.Undo(onChange);
    this.waiting = null;         // {who, left: how many answers are to come, orders}
  }

  var handover = Handover.prototype;

  handover.ask = function () {
    var self = this;
    this._open([dom.create('p', 'drawer__text', pages.words.loading)], []);
    pages.http.get(PATH, { meseros: 'list' }, function (answer) {
      if (self.drawer.key !== 'entregar') { return; }
      self._choose(answer.status === 200 ? answer.body.meseros.filter(function (one) { return one.usuario_id !== self.userId; }) : null);
    });
  };

  handover._open = function (parts, foot) {
    var orders = this.mine();
    this.drawer.open('entregar', {
      title: pages.fill(WORDS.title, { n: orders.length }),
      text: orders.map(pages.wording.label).join(', '), parts: parts, foot: foot
    });
  };

  // people: [{usuario_id, username, conectado}], or null where nobody knows.
  handover._choose = function (people) {
    var self = this, chosen = null, list = dom.create('div', 'opts'), rows, go;
    go = pages.Drawer.footButton('btn--primary', WORDS.choose, function () {
      if (chosen) {
        self.drawer.close();
        self._give(chosen);
      }
    });
    if (!people || !people.length) {
      this._open([dom.create('p', 'drawer__text', people ? WORDS.nobody : WORDS.unknown)], [
        pages.Drawer.footButton('btn--secondary', pages.sheetWords.close, function () { self.drawer.close(); })
      ]);
      return;
    }
    rows = people.map(function (one, index) {
      return pages.Drawer.option('radio', false, [
        dom.text(pages.isolate(one.username)), dom.create('small', '', one.conectado ? WORDS.here : WORDS.away)
      ], function () {
        chosen = one;
        rows.forEach(function (row, place) { pages.Drawer.setOn(row, place === index); });
        dom.setText(go, pages.fill(WORDS.give, { n: self.mine().length, who: one.username }));
      });
    });
    rows.forEach(function (row) { list.appendChild(row); });
    list.setAttribute('role', 'radiogroup');
    list.setAttribute('aria-label', WORDS.choose);
    this._open([list], [go]);
  };

  handover._give = function (who) {
    var orders = this.mine(), operations = this.operations;
    this.waiting = { who: who.username, left: orders.length, orders: [] };
    orders.forEach(function (pedido) { operations.act(pedido, 'tomar', { usuario_id: who.usuario_id }, { handover: true }); });
    this.onChange();
  };

  // Of each action of the page, accepted (with the order) or refused (null). Answers whether it was one of these.
  handover.answered = function (info, pedido) {
    var self = this, waiting = this.waiting;
    if (!info.handover) { return false; }
    if (!waiting) { return true; }   // of before a reload
    waiting.left--;
    if (pedido) { waiting.orders.push(pedido); }
    if (!waiting.left) {
      this.waiting = null;
      if (waiting.orders.length) {
        this.undo.offer('entregar', pages.fill(WORDS.given, { n: waiting.orders.length }), pages.fill(WORDS.to, { who: waiting.who }), function () {
          waiting.orders.forEach(function (order) { self.operations.act(order, 'tomar', {}, { handover: true }); });
        });
      }
    }
    this.onChange();
    return true;
  };

  // What was last given or taken back is not answered yet: given again now, an order on its way would stay where it was.
  handover._isBusy = function () {
    return this.operations.list.some(function (operation) { return operation.info.handover === true; });
  };

  handover.show = function (here) {
    var self = this, count = this._isBusy() ? 0 : this.mine().length, entry = this.undo.of('entregar');
    this.rows.show(entry ? [{ key: 'undo', content: String(entry.until), draw: function () { return self.undo.bar(entry); } }] :
      here && count ? [{ key: 'ask', content: String(count), draw: function () {
        return dom.button('btn btn--quiet btn--touch btn--block', pages.fill(WORDS.button, { n: count }), function () { self.ask(); });
      } }] : []);
  };

  pages.Handover = Handover;
}(window));
