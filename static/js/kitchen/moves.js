/* Guests who sit elsewhere: their ticket tells which table they have left,
   until somebody touches it. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // record: of orders.js, whose order was `before` and is `pedido`. True if its guests have moved. Back at the
  // first table, they have not.
  function mark(record, before, pedido, at) {
    var from = pages.places.table(before), to = pages.places.table(pedido);
    if (!from || from === to || pages.places.isToGo(pedido)) { return false; }
    record.movedFrom = record.movedFrom === to ? '' : record.movedFrom || from;
    record.changedAt = at;
    return true;
  }

  // By an event that does not carry its order.
  function take(record, evento, at) {
    var before = { mesa: record.pedido.mesa, mesa_numero: record.pedido.mesa_numero };
    pages.places.take(record.pedido, evento);
    return mark(record, before, record.pedido, at);
  }

  pages.moves = { mark: mark, take: take };
}(window));
