/* Of each order, what was told as ready: a dish is told once for each time that
   it is made, and a whole order once for each time that it gets ready. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // ready: waiter/ready.js, which says what is to be carried.
  function Told(ready) {
    this.ready = ready;
    this.orders = {};            // by id: {lines: {item id: true}, whole}
  }

  // Takes an order as it is now: whether there is something to carry that was not told, and is from now on. What is to
  // be carried no more is told again when it is. quietly: all that is there counts as told.
  Told.prototype.take = function (pedido, isChanged, quietly) {
    var before = this.orders[pedido.id] || { lines: {}, whole: false }, lines = this.ready.lines(pedido), whole = pedido.estado === 'listo';
    var after = { lines: {}, whole: false }, isNew;
    if (!this.ready.holds(pedido)) {
      delete this.orders[pedido.id];
      return false;
    }
    isNew = isChanged && !quietly && ((whole && !before.whole) || lines.some(function (item) { return !before.lines[item.id]; }));
    lines.forEach(function (item) {
      if (isNew || quietly || before.lines[item.id]) { after.lines[item.id] = true; }
    });
    after.whole = whole && (isNew || quietly || before.whole);
    this.orders[pedido.id] = after;
    return isNew;
  };

  pages.Told = Told;
}(window));
