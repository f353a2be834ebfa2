/* A ready order leaves the kitchen's view when it can be recalled no more. No
   event says so: a POS that tells no delivery would fill the page's memory. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // records: of orders.js, by id. ms: how long a ready order can be recalled.
  pages.expire = function (records, now, ms, isHeld) {
    var id, record;
    for (id in records) {
      if (!records.hasOwnProperty(id)) { continue; }
      record = records[id];
      if (record.pedido.estado === 'listo' && !record.changedReady && record.doneAt !== null && now - record.doneAt >= ms &&
          !isHeld(record)) { delete records[id]; }
    }
  };
}(window));
