/* The waiter's own tables, or everybody's: any of them can be opened, and
   taken. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var PATH = '/api/pedidos?vista=meseros&todas=1';
  var RETRY_MS = 4000;

  // book: takes what is found. onChange(): something is to be drawn.
  function Whose(mine, all, book, onChange) {
    var self = this;
    this.tabs = { mine: mine, all: all };
    this.book = book;
    this.onChange = onChange;
    this.all = false;            // everybody's are shown
    this.loaded = false;
    this.request = null;
    this.timer = null;
    mine.onclick = function () { self._show(false); };
    all.onclick = function () { self._show(true); };
  }

  var whose = Whose.prototype;

  whose._show = function (all) {
    this.all = all;
    if (all) { this.load(); }
    this.onChange();
  };

  // What comes later comes as events, but for orders of a POS that nobody here attends.
  whose.load = function () {
    var self = this;
    window.clearTimeout(this.timer);
    if (this.request) { this.request.drop(); }   // of before a snapshot, perhaps
    this.request = pages.http.get(PATH, { pedidos: 'list' }, function (answer) {
      self.request = null;
      if (answer.status === 200) {
        self.loaded = true;
        answer.body.pedidos.forEach(function (pedido) { self.book.put(pedido); });
      } else {
        self.timer = window.setTimeout(function () { self.load(); }, RETRY_MS);
      }
      self.onChange();
    });
  };

  function choose(node, text, count, on) {
    dom.setText(node, text + (count === null ? '' : ' ' + count));
    node.className = 'seg__item num' + (on ? ' is-on' : '');
    node.setAttribute('aria-pressed', on ? 'true' : 'false');
  }

  // By the table, so that it is found: numbers, names, then what is taken away.
  function sortKey(pedido) {
    var table = pages.places.table(pedido), number = /\d+/.exec(table);
    if (pages.places.isToGo(pedido) || !table) { return 2000000 + pedido.id / 1e12; }
    return pedido.mesa ? 1000000 + (number ? Number(number[0]) : 0) : pedido.mesa_numero;
  }

  whose.everybodys = function () {
    return this.book.list(function (pedido) { return pages.states.OPEN[pedido.estado] === true; }, sortKey);
  };

  whose.tick = function (own, everybodys) {
    choose(this.tabs.mine, WORDS.mine, own, !this.all);
    choose(this.tabs.all, WORDS.everybodys, this.loaded ? everybodys : null, this.all);
  };

  pages.Whose = Whose;
}(window));
