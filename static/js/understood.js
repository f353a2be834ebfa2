/* Which cancelled tickets somebody has taken off this tablet, by order and
   version: an order that comes back and is cancelled again shows again. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var KEY = 'cocina:entendidos';
  var KEEP_MS = 48 * 3600 * 1000;

  function read() {
    try { return JSON.parse(window.localStorage.getItem(KEY)) || {}; } catch (error) { return {}; }
  }

  function Understood() {
    this.entries = read();       // by order id: {version, at}
  }

  Understood.prototype.has = function (record) {
    var entry = this.entries[record.id];
    return record.pedido.estado === 'cancelado' && entry !== undefined &&
      (record.pedido.version || 0) <= entry.version;
  };

  Understood.prototype.add = function (record, now) {
    var kept = {}, id;
    this.entries[record.id] = { version: record.pedido.version || 0, at: now };
    for (id in this.entries) {
      if (this.entries.hasOwnProperty(id) && now - this.entries[id].at < KEEP_MS) { kept[id] = this.entries[id]; }
    }
    this.entries = kept;
    try {
      window.localStorage.setItem(KEY, JSON.stringify(kept));
    } catch (error) {
      return;                    // no storage: it holds until the page is loaded again
    }
  };

  pages.Understood = Understood;
}(window));
