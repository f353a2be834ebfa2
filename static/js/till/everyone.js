/* The till's room hears of what is to be charged, since that is what a cashier
   has to do; of what is in the kitchen the service tells it nothing, a new order
   least of all, so no subscription would do either. Where a table has both, the
   bill says so, and such an order may be charged: so the till asks for all open
   orders after what it does hear, and every ten seconds, while somebody looks at
   it. Of what lies on the bill it hears each change. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var PATH = '/api/pedidos?vista=cajeros&todas=1';
  var LEAST_MS = 1000;
  var MOST_MS = 10000;

  // onOrder(before, now): what was found to be other than it was known.
  function Everyone(book, client, onOrder, onChange) {
    var self = this;
    this.book = book;
    this.client = client;
    this.onOrder = onOrder;
    this.onChange = onChange;
    this.known = [];             // ids, when it was asked last
    this.followed = {};          // ids
    this.ask = new pages.Ask(PATH, { pedidos: 'list' }, LEAST_MS, MOST_MS, function (answer) {
      self._take(answer.pedidos);
    }, function () { self.known = Object.keys(book.orders); });
  }

  var everyone = Everyone.prototype;

  // Something has happened: several things at once are asked for once.
  everyone.soon = function () { this.ask.soon(); };

  everyone.load = function () { this.ask.of(PATH); };

  everyone._take = function (pedidos) {
    var self = this, found = {};
    pedidos.forEach(function (pedido) {
      var before = self.book.orders[pedido.id];
      found[pedido.id] = true;
      if (!self.book.knowsBetter(pedido) && (!before || before.version < pedido.version)) { self.onOrder(before || null, pedido); }
    });
    // What was known before it was asked, and is neither open any more nor an event's to tell.
    this.known.forEach(function (id) {
      var pedido = self.book.orders[id];
      if (pedido && !found[id] && pages.tillRows.inKitchen(pedido)) { self.book.forget(id); }
    });
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
