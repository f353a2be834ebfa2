/* What is charged together is one thing to the cashier: one answer, one change,
   one undo; although each order has a payment of its own. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // onDone(charge): {label, row, method, given, total, done: [orders as they are now], refused: [ids]}
  function Charges(operations, onDone) {
    this.operations = operations;
    this.onDone = onDone;
    this.open = {};              // by the name of what is charged together
  }

  var charges = Charges.prototype;

  // With the versions that are on the screen: what has changed since is not charged unseen.
  // row: the key of the one that was on the bill.
  charges.begin = function (label, row, orders, method, given) {
    var self = this, together = orders[0].id + '-' + new Date().getTime();
    orders.forEach(function (pedido) {
      self.operations.act(pedido, 'cobrar', { metodo_pago: method, version: pedido.version }, {
        together: together, whole: label, row: row, total: pedido.total, given: given
      });
    });
  };

  charges._of = function (operation) {
    var info = operation.info;
    if (!this.open[info.together]) {
      this.open[info.together] = { label: info.whole || info.label, row: info.row, method: operation.body.metodo_pago, given: info.given, total: 0, done: [], refused: [] };
    }
    return this.open[info.together];
  };

  // Its time has come when none of it waits any more, also after the page was loaded anew.
  charges._end = function (operation) {
    var together = operation.info.together, charge = this.open[together];
    if (this.operations.list.some(function (other) { return other.info.together === together; })) { return; }
    delete this.open[together];
    this.onDone(charge);
  };

  charges.answered = function (operation, pedido) {
    var charge = this._of(operation);
    charge.total = Math.round(((operation.info.total || 0) + charge.total) * 100) / 100;
    charge.done.push(pedido);
    this._end(operation);
  };

  charges.refused = function (operation) {
    this._of(operation).refused.push(operation.info.pedido_id);
    this._end(operation);
  };

  // What the guest gets back; null: nothing.
  Charges.changeOf = function (charge) {
    var change = typeof charge.given === 'number' ? Math.round((charge.given - charge.total) * 100) / 100 : 0;
    return change > 0 ? change : null;
  };

  pages.Charges = Charges;
}(window));
