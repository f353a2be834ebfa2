/* This is what of each order a cook has yet to see: a record's `events`, each as
   {id, at, line, quiet}. `at` is larger for what came later; `line` is the id of the line that changed, null for what
   is about the whole order, and undefined where only the event's id is known
   (history.js asks). Quiet is what a cook himself does to a line: it is to be
   seen, and calls nobody. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  var MOST_SEEN = 1000;

  function Unseen() {
    this.seen = new pages.Recent(MOST_SEEN);   // by event id, what was seen here
  }

  var unseen = Unseen.prototype;

  function isProgress(evento) {
    var kind = evento.cambios && evento.cambios.tipo_cambio;
    return kind === 'item_listo' || kind === 'item_pendiente';
  }

  unseen._add = function (record, event) {
    var i;
    if (this.seen.get(event.id)) { return; }
    for (i = 0; i < record.events.length; i++) {
      if (record.events[i].id === event.id) {
        if (event.line !== undefined) { record.events[i] = event; }
        return;
      }
    }
    record.events.push(event);
  };

  unseen.add = function (record, evento) {
    var line = evento.tipo === 'item_modificado' ? evento.item_id : null;
    this._add(record, { id: evento.id, at: evento.id, line: line, quiet: isProgress(evento) });
  };

  // The service wants no receipt for it; the board shows it all the same.
  unseen.addRecall = function (record, evento) {
    this._add(record, { id: 'recuperado ' + evento.id, at: evento.id, line: null, quiet: false });
  };

  // A snapshot names events by id alone; an order that has had one event is as it came.
  unseen.addIds = function (record, pedido) {
    var self = this;
    (pedido.por_acusar || []).forEach(function (id) {
      self._add(record, { id: id, at: id, line: pedido.version === 1 ? null : undefined, quiet: false });
    });
  };

  // These events of the order have been seen, or all where none are named. Answers those that the service is told of.
  unseen.see = function (record, ids) {
    var told = [], left = [], i, event;
    for (i = 0; i < record.events.length; i++) {
      event = record.events[i];
      if (ids && ids.indexOf(event.id) < 0) {
        left.push(event);
      } else {
        this.seen.set(event.id, true);
        if (typeof event.id === 'number') { told.push(event.id); }
      }
    }
    record.events = left;
    return told;
  };

  Unseen.isProgress = isProgress;
  pages.Unseen = Unseen;
}(window));
