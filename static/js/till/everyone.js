/* The till hears of what is to be charged. What is still in the kitchen it asks
   for, now and then; and of what lies on the bill it hears each change. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var PATH = '/api/pedidos?vista=cajeros&todas=1';
  var EVERY_MS = 10000;
  var SOON_MS = 300;

  // onOrder(before, now): what was found to be other than it was known.
  function Everyone(book, client, onOrder, onChange) {
    this.book = book;
    this.client = client;
    this.onOrder = onOrder;
    this.onChange = onChange;
    this.loaded = false;
    this.timer = null;
    this.request = null;
    this.followed = {};          // ids
  }

  var everyone = Everyone.prototype;

  everyone._later = function (ms) {
    var self = this;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(function () { self.load(); }, ms);
  };

  // Something has happened: several things at once are asked for once.
  everyone.soon = function () { this._later(SOON_MS); };

  everyone.load = function () {
    var self = this, known = Object.keys(this.book.orders);
    if (this.request) { this.request.drop(); }
    this._later(EVERY_MS);
    this.request = pages.http.get(PATH, { pedidos: 'list' }, function (answer) {
      self.request = null;
      if (answer.status === 200) { self._take(answer.body.pedidos, known); }
    });
  };

  everyone._take = function (pedidos, known) {
    var self = this, found = {};
    pedidos.forEach(function (pedido) {
      var before = self.book.orders[pedido.id];
      found[pedido.id] = true;
      if (!before || before.version < pedido.version) { self.onOrder(before || null, pedido); }
    });
    // What was known before it was asked, and is neither open any more nor an event's to tell.
    known.forEach(function (id) {
      var pedido = self.book.orders[id];
      if (pedido && !found[id] && pages.tillRows.inKitchen(pedido)) { self.book.forget(id); }
    });
    this.loaded = true;
    this.onChange();
  };

  // The snapshot has none of them.
  everyone.keep = function (before) {
    var book = this.book;
    Object.keys(before).forEach(function (id) {
      if (!book.orders[id] && pages.tillRows.inKitchen(before[id])) { book.put(before[id]); }
    });
  };

  // orders: those on the bill.
  everyone.follow = function (orders) {
    var self = this, wanted = {};
    orders.filter(pages.tillRows.inKitchen).forEach(function (pedido) { wanted[pedido.id] = true; });
    Object.keys(this.followed).forEach(function (id) {
      if (!wanted[id]) { self.client.desuscribirPedido(Number(id)); }
    });
    Object.keys(wanted).forEach(function (id) {
      if (!self.followed[id]) { self.client.suscribirPedido(Number(id)); }
    });
    this.followed = wanted;
  };

  pages.Everyone = Everyone;
}(window));
