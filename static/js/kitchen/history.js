/* A snapshot tells which events of an order nobody has seen, and not what they
   were. Of an order that changed since it came, its history is asked: which
   line is to be in sight, and what is marked as changed, also where that was
   after the order was ready. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var RETRY_MS = 3000;
  var PAUSE_MS = 1000;           // an action's answer may be ahead of the events that explain it

  // orders: see orders.js. onChange(): marks have changed.
  function History(orders, onChange) {
    this.orders = orders;
    this.onChange = onChange;
    this.timer = null;
    this.asking = false;
  }

  var history = History.prototype;

  function isUnknown(event) { return event.line === undefined; }

  // Called whenever records may have changed.
  history.look = function () {
    var self = this;
    if (this.timer !== null || this.asking || !this._next()) { return; }
    this.timer = window.setTimeout(function () {
      self.timer = null;
      self._ask();
    }, PAUSE_MS);
  };

  history._next = function () {
    var records = this.orders.records, id;
    for (id in records) {
      if (records.hasOwnProperty(id) && records[id].events.some(isUnknown)) { return records[id]; }
    }
    return null;
  };

  // One order after the other.
  history._ask = function () {
    var self = this, record = this._next(), wait = 0;
    this.asking = Boolean(record);
    if (!record) { return; }
    pages.http.get('/api/pedidos/' + record.id, { eventos: 'list' }, function (answer) {
      if (answer.status === 0 || answer.status >= 500) {
        wait = RETRY_MS;
      } else {
        explain(record, answer.status === 200 ? answer.body.eventos : []);
        self.onChange();
      }
      window.setTimeout(function () { self._ask(); }, wait);
    });
  };

  // Where among the events, oldest first, the order became ready for the last time; -1 where it is not.
  function readyAt(eventos) {
    var at = -1, i, evento;
    for (i = 0; i < eventos.length; i++) {
      evento = eventos[i];
      if (evento.tipo === 'cambio_estado' && evento.estado !== 'listo') {
        at = -1;
      } else if (at < 0 && (evento.tipo === 'cambio_estado' || (evento.tipo === 'pedido_listo' && !evento.parcial))) {
        at = i;
      }
    }
    return at;
  }

  function explain(record, eventos) {
    var ready = readyAt(eventos), places = {}, i, event, place, evento;
    for (i = 0; i < eventos.length; i++) { places[eventos[i].id] = i; }
    for (i = 0; i < record.events.length; i++) {
      event = record.events[i];
      if (!isUnknown(event)) { continue; }
      place = places[event.id];
      evento = place === undefined ? null : eventos[place];
      event.line = null;
      if (evento && evento.tipo === 'item_modificado') {
        event.line = evento.item_id;
        event.quiet = pages.Unseen.isProgress(evento);
        if (!event.quiet) { mark(record, evento, record.pedido.estado === 'listo' && ready >= 0 && place > ready); }
      }
    }
    record.revision++;
  }

  function isIn(list, id) {
    return pages.lines.indexOf(list, id) >= 0;
  }

  // As if the event had come while the page was open.
  function mark(record, evento, afterReady) {
    var changes = evento.cambios || {}, id = evento.item_id;
    var kinds = { item_agregado: 'added', cantidad_modificada: 'quantity', notas_modificadas: 'notes' };
    if (record.pedido.estado === 'cancelado') { return; }
    if (isIn(record.pedido.items, id)) {
      record.marks[id] = record.marks[id] || { kind: kinds[changes.tipo_cambio], from: changes.cantidad_anterior };
    } else if (!isIn(record.removed, id)) {
      record.removed.push({
        id: id, producto_nombre: changes.producto_nombre, cantidad: changes.cantidad_anterior, notas: changes.notas_anterior
      });
    }
    record.changedAt = pages.clock.parse(evento.timestamp);
    record.changedReady = record.changedReady || afterReady;
  }

  pages.History = History;
}(window));
