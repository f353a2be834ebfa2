/* What stands on the board is kept for the page that is shown without a
   connection (kitchen/offline.js): as the kitchen may see it, without money and
   where a delivery goes, and with when the service was last heard of. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var clock = pages.clock;
  var EVERY_MS = 5000;

  // isOver(): the session has ended.
  function Keeping(client, userId, isOver) {
    var self = this;
    this.client = client;
    this.userId = userId;
    this.isOver = isOver;
    this.at = null;              // of the last time
    this.known = '';             // of the board that is kept
    client.on('sesion_terminada', function () {
      self.known = '';
      pages.kept.forget();
    });
  }

  function stateOf(record) { return [record.id, record.revision, record.pedido.version]; }

  // The kitchen's copy has none of it; the answer to a manager's tap has.
  function copy(pedido) {
    return JSON.parse(JSON.stringify(pedido, function (name, value) {
      return /^(?:precio|impuesto|iva|descuento|propina|pago|dte)/i.test(name) ||
        /^(?:subtotal|total|nuevo_total|metodo_pago|nit|nrc|direccion|telefono|repartidor)$/i.test(name) ? undefined : value;
    }));
  }

  // Each second, and after each change. records: on the board, in order.
  Keeping.prototype.look = function (records) {
    var state = this.client.getEstado(), board = null, key, told;
    if (!pages.worker.isOn() || this.isOver() || !(state.sse_activo || state.polling_activo)) { return; }
    if (this.at !== null && clock.steady() - this.at < EVERY_MS) { return; }
    this.at = clock.steady();
    key = JSON.stringify(records.map(stateOf));
    if (key !== this.known) {
      told = clock.told();
      board = {
        usuario_id: this.userId, cursor: state.cursor, desfase_ms: told.offset, zona_min: told.zone, ajustes: told.shifts,
        pedidos: records.map(function (record) { return copy(record.pedido); })
      };
      this.known = key;
    }
    pages.kept.put(board, new Date().getTime() - state.segundos_sin_datos * 1000);
  };

  pages.Keeping = Keeping;
}(window));
