/* This is what the kitchen knows: the orders of a snapshot, folded with the events
   after it. There is no DOM and no clock in here; times are the server's, in ms.

   A record is {id, pedido, revision, start, fresh, recalled, reason, unfolded,
   cancelledAt, cancelEvent, doneAt, changedAt, changedReady, marks, removed,
   events, movedFrom}: `marks` by item id ({kind: 'quantity'|'added'|'notes', from}),
   `removed` the lines that are gone, `changedReady` says that it changed after
   it was ready, `cancelEvent` is the id of the event that cancelled the order
   where it is known, `events` what a cook has yet to see (unseen.js), `movedFrom`
   the table that its guests have left ('' where they have not). Marks stay until
   somebody touches the ticket. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var states = pages.states;
  var indexOf = pages.lines.indexOf;
  var DONE_MS = 5000;            // how long a finished ticket stays in sight, to be undone
  var MOST_READY = 50;

  function Orders() {
    this.records = {};
    this.loaded = false;
    this.unseen = new pages.Unseen();
  }

  var orders = Orders.prototype;

  function parse(iso) { return pages.clock.parse(iso); }

  function firstOf() {
    var i;
    for (i = 0; i < arguments.length; i++) {
      if (arguments[i] !== null && arguments[i] !== undefined) { return arguments[i]; }
    }
    return null;
  }

  // A takeaway paid in advance reaches the kitchen when it is paid; another round when it is ordered.
  function startOf(pedido, fallback) {
    var created = parse(pedido.timestamp);
    var paid = pedido.tipo_pago === 'anticipado' ? parse(pedido.pagado_at) : null;
    var again = pages.lines.round(pedido) > 1 ? parse(pedido.ronda_at) : null;
    return firstOf(again, paid, created, fallback, 0);
  }

  function newRecord(id) {
    return {
      id: id, pedido: { id: id, items: [] }, revision: 0, start: 0,
      fresh: false, recalled: false, reason: '', unfolded: false, cancelledAt: null, doneAt: null,
      changedAt: null, changedReady: false, marks: {}, removed: [], cancelEvent: null, events: [], movedFrom: ''
    };
  }

  function forgetMarks(record) {
    record.marks = {};
    record.removed = [];
    record.movedFrom = '';
    record.changedAt = null;
    record.changedReady = false;
  }

  // A POS may say it in either way.
  function cancels(evento) {
    return evento.tipo === 'pedido_cancelado' || (evento.tipo === 'cambio_estado' && evento.estado === 'cancelado');
  }

  // Taken back: it is to be cooked after all, and its ticket has been put away.
  function restores(evento) {
    return evento.deshecho === true && evento.deshace === 'cancelar' && states.TO_COOK[evento.estado] === true;
  }

  // It brings the order to the kitchen: not where all of it came made.
  function isNew(evento, pedido) {
    return evento.por_hacer === true || restores(evento) || (evento.tipo === 'nuevo_pedido' && pages.lines.isWork(pedido));
  }

  // True if its guests have moved.
  function setOrder(record, pedido, at) {
    var moved = pages.moves.mark(record, record.pedido, pedido, at);
    // Once somebody has begun it, it is news no more.
    if (!states.TO_COOK[pedido.estado] || (states.COOKABLE[record.pedido.estado] && !states.COOKABLE[pedido.estado])) {
      record.fresh = false;
    }
    record.pedido = pedido;
    record.pedido.items = pedido.items || [];
    record.start = startOf(pedido, record.start || at);
    record.recalled = pages.rounds.isRecalled(record, pedido);
    record.reason = (record.recalled ? pedido.recuperado_razon : pedido.razon) || '';
    record.doneAt = pedido.estado === 'listo' ? firstOf(parse(pedido.listo_at), record.doneAt, at) : null;
    if (pedido.estado !== 'listo') { record.changedReady = false; }
    if (pedido.estado !== 'cancelado') {
      record.cancelledAt = null;
      record.cancelEvent = null;
    }
    return moved;
  }

  // True if its guests have moved.
  orders._fill = function (record, pedido, at) {
    var wasReady = record.pedido.estado === 'listo', moved = setOrder(record, pedido, at);
    if (moved && wasReady && pedido.estado === 'listo') { record.changedReady = true; }
    this.unseen.addIds(record, pedido);
    return moved;
  };

  // ---- differences of one line --------------------------------------------

  function markItem(record, before, after, at) {
    var id = (after || before).id, known = record.marks[id], from;
    if (!before) {
      record.marks[id] = { kind: 'added' };
    } else if (!after) {
      delete record.marks[id];
      if (!known || known.kind !== 'added') { record.removed.push(before); }
    } else if (known && known.kind === 'added') {
      return;
    } else if (before.cantidad !== after.cantidad || (known && known.kind === 'quantity')) {
      from = known && known.kind === 'quantity' ? known.from : before.cantidad;
      if (from === after.cantidad) { delete record.marks[id]; } else { record.marks[id] = { kind: 'quantity', from: from }; }
    }
    if (before && after && ((before.notas || '') !== (after.notas || '') || !sameParts(before, after)) && !record.marks[id]) {
      record.marks[id] = { kind: 'notes' };
    }
    record.changedAt = at;
    record.changedReady = record.pedido.estado === 'listo';
  }

  function sameParts(before, after) { return pages.parts.content(before) === pages.parts.content(after); }

  function sameLine(before, after) {
    return before.cantidad === after.cantidad && (before.notas || '') === (after.notas || '') && sameParts(before, after);
  }

  // The lines that changed while nobody told us one by one. True if any did.
  function markDifferences(record, before, after, at) {
    var i, j, changed = false;
    for (i = 0; i < after.length; i++) {
      j = indexOf(before, after[i].id);
      if (j < 0 || !sameLine(before[j], after[i])) {
        markItem(record, j < 0 ? null : before[j], after[i], at);
        changed = true;
      }
    }
    for (i = 0; i < before.length; i++) {
      if (indexOf(after, before[i].id) < 0) {
        markItem(record, before[i], null, at);
        changed = true;
      }
    }
    return changed;
  }

  // A publisher may know no more of a line than its name and number.
  function lineFrom(evento, before) {
    var changes = evento.cambios || {}, line = {}, field;
    if (changes.tipo_cambio === 'item_removido') { return null; }
    for (field in before) {
      if (before.hasOwnProperty(field)) { line[field] = before[field]; }
    }
    line.id = evento.item_id;
    line.producto_nombre = firstOf(changes.producto_nombre, line.producto_nombre, pages.fill(pages.kitchenWords.line, { id: evento.item_id }));
    line.cantidad = firstOf(changes.cantidad_nueva, line.cantidad, 1);
    line.notas = firstOf(changes.notas_nueva, line.notas, '');
    line.estado_item = line.estado_item || 'pendiente';
    return line;
  }

  // ---- events -------------------------------------------------------------

  // Among those that the order, as it is after the event, waits to be told of.
  function isNamed(evento) {
    return Boolean(evento.pedido && evento.pedido.por_acusar) && evento.pedido.por_acusar.indexOf(evento.id) >= 0;
  }

  // What it meant to the kitchen: 'new', 'changed', 'cancelled', 'recalled' or ''.
  orders.apply = function (evento) {
    var known = this.records[evento.pedido_id], meaning = '', record;
    // The answer to an action may be here before its events.
    if (!known || !evento.version || !(evento.version <= known.pedido.version)) { meaning = this._apply(evento); }
    record = this.records[evento.pedido_id];
    if (record && evento.version > (record.pedido.version || 0)) { record.pedido.version = evento.version; }
    if (record && (evento.tipo === 'item_modificado' || cancels(evento) || isNew(evento, record.pedido) || isNamed(evento))) {
      this.unseen.add(record, evento);
    } else if (record && meaning === 'recalled') {
      this.unseen.addRecall(record, evento);
    }
    if (record && !states.ON_BOARD[record.pedido.estado]) { delete this.records[record.id]; }
    return meaning;
  };

  orders._apply = function (evento) {
    if (evento.tipo === 'item_modificado') { return this._applyItem(evento); }
    if (cancels(evento)) { return this._applyCancelled(evento); }
    return this._applyOrder(evento);
  };

  orders._applyOrder = function (evento) {
    var at = parse(evento.timestamp), id = evento.pedido_id, moved = false, record;
    record = this.records[id] = this.records[id] || newRecord(id);
    record.revision++;
    if (evento.pedido) {
      moved = this._fill(record, evento.pedido, at);
    } else if (evento.estado) {
      record.pedido.estado = evento.estado;
      record.start = record.start || at;
    }
    if (evento.recuperado) {
      record.recalled = record.pedido.estado === 'en_cocina';
      forgetMarks(record);
      return 'recalled';
    }
    if (isNew(evento, record.pedido) && states.TO_COOK[record.pedido.estado]) {
      if (evento.ronda) { forgetMarks(record); }
      record.fresh = true;
      return 'new';
    }
    return moved ? 'changed' : '';
  };

  // An order of which nothing was known but this change to a line.
  orders._stub = function (evento) {
    var record = this.records[evento.pedido_id] = newRecord(evento.pedido_id);
    setOrder(record, pages.rounds.stub(evento), parse(evento.timestamp));
    record.revision++;
    record.fresh = !evento.item || pages.lines.toMake(evento.item) > 0;
    return record.fresh ? 'new' : '';
  };

  orders._applyItem = function (evento) {
    var record = this.records[evento.pedido_id], items, index, before, after, moved;
    if (!record) { return evento.version === 1 ? this._stub(evento) : ''; }
    items = record.pedido.items;
    index = indexOf(items, evento.item_id);
    before = index < 0 ? null : items[index];
    after = evento.item || lineFrom(evento, before);
    if (!before && !after) { return ''; }
    if (index < 0) { items.push(after); } else if (after) { items[index] = after; } else { items.splice(index, 1); }
    record.revision++;
    moved = pages.moves.take(record, evento, parse(evento.timestamp));
    if (evento.cambios && evento.cambios.tipo_cambio === 'item_listo') { record.fresh = false; }   // somebody has begun it
    // The lines of a round are told with it; a charge, or what was made elsewhere, is nothing for a cook.
    if (pages.Unseen.isProgress(evento) || pages.rounds.isOf(record, evento) || (!before && after && !pages.lines.toMake(after))) {
      record.changedReady = record.changedReady || (moved && record.pedido.estado === 'listo');
      return moved ? 'changed' : '';
    }
    markItem(record, before, after, parse(evento.timestamp));
    return 'changed';
  };

  orders._applyCancelled = function (evento) {
    var at = parse(evento.timestamp), record = this.records[evento.pedido_id];
    if (!record && evento.estado_anterior === 'pendiente_pago') { return ''; }
    if (!record) {
      record = this.records[evento.pedido_id] = newRecord(evento.pedido_id);
      record.pedido.mesa_numero = firstOf(evento.mesa_numero);
      record.pedido.mesa = evento.mesa;
      record.start = at;
    }
    if (evento.pedido) { this._fill(record, evento.pedido, at); }
    pages.places.take(record.pedido, evento);
    record.pedido.estado = 'cancelado';
    if (evento.version) { record.pedido.version = evento.version; }
    record.cancelledAt = at;
    record.cancelEvent = evento.id;
    record.reason = evento.razon || '';
    record.fresh = false;
    record.recalled = false;
    forgetMarks(record);
    record.revision++;
    return 'cancelled';
  };

  // Somebody has tapped ENTENDIDO, on whichever tablet.
  orders.understood = function (id) {
    if (this.records[id] && this.records[id].pedido.estado === 'cancelado') { delete this.records[id]; }
  };

  // The order as an action's answer has it, which may be ahead of the events.
  orders.answer = function (pedido, at) {
    var record = this.records[pedido.id];
    if (record && pedido.version <= record.pedido.version) { return; }
    if (!states.ON_BOARD[pedido.estado]) {
      delete this.records[pedido.id];
      return;
    }
    if (record && states.TO_COOK[pedido.estado]) {
      markDifferences(record, record.pedido.items, pedido.items || [], at);
    } else {
      record = record || (this.records[pedido.id] = newRecord(pedido.id));
      forgetMarks(record);
    }
    record.revision++;
    this._fill(record, pedido, at);
    if (pedido.estado === 'cancelado') { record.cancelledAt = at; }
  };

  // Takes the place of everything known. Answers what is new since then:
  // {nuevos, cancelados, cambios}; nothing is new the first time.
  orders.load = function (pedidos, at) {
    var before = this.records, first = !this.loaded, summary = { nuevos: 0, cancelados: 0, cambios: 0 };
    var i, pedido, known, record, changed, moved;
    this.records = {};
    this.loaded = true;
    for (i = 0; i < pedidos.length; i++) {
      pedido = pedidos[i];
      if (!states.ON_BOARD[pedido.estado]) { continue; }
      known = before[pedido.id];
      record = this.records[pedido.id] = known || newRecord(pedido.id);
      record.revision++;
      if (pedido.version !== record.pedido.version) { record.cancelEvent = null; }
      changed = false;
      if (!first && pages.rounds.isUnseen(pedido) && !(known && known.pedido.ronda_at === pedido.ronda_at)) {
        summary.nuevos++;
        forgetMarks(record);
        record.fresh = true;
      } else if (known && known.pedido.estado !== 'cancelado' && pedido.estado === 'cancelado') {
        summary.cancelados++;
        changed = true;
        forgetMarks(record);
      } else if (known && markDifferences(record, known.pedido.items, pedido.items || [], at)) {
        summary.cambios++;
        changed = true;
      } else if (!known && !first && states.COOKABLE[pedido.estado] && pages.lines.isWork({ items: pedido.items || [] })) {
        summary.nuevos++;
        record.fresh = true;
      }
      moved = this._fill(record, pedido, at);
      if (moved && !changed) { summary.cambios++; }
    }
    return summary;
  };

  // ---- the board's view ------------------------------------------------------

  function inSight(record, now) {
    if (record.pedido.estado !== 'listo' || record.changedReady) { return true; }
    return record.doneAt !== null && now - record.doneAt < DONE_MS;
  }

  // Where its clock begins.
  function clockOf(record) {
    return record.changedReady ? firstOf(record.doneAt, record.start) : record.start;
  }

  orders._those = function (keep) {
    var list = [], id;
    for (id in this.records) {
      if (this.records.hasOwnProperty(id) && keep(this.records[id])) { list.push(this.records[id]); }
    }
    return list;
  };

  // Recalled first, then the oldest by the clock that is shown. hidden(record), held(record): not
  // shown, or shown although its time is over.
  orders.inSight = function (now, hidden, held) {
    return this._those(function (record) {
      return (inSight(record, now) || held(record)) && !hidden(record);
    }).sort(function (a, b) {
      if (a.recalled !== b.recalled) { return a.recalled ? -1 : 1; }
      return clockOf(a) - clockOf(b) || a.id - b.id;
    });
  };

  // The ready orders that can be recalled, the last one first.
  orders.recallable = function (now, ms) {
    return this._those(function (record) {
      return record.pedido.estado === 'listo' && record.doneAt !== null && now - record.doneAt < ms;
    }).sort(function (a, b) { return b.doneAt - a.doneAt || b.id - a.id; }).slice(0, MOST_READY);
  };

  orders.secondsToUndo = function (record, now) {
    return Math.max(0, Math.ceil((record.doneAt + DONE_MS - now) / 1000));
  };

  // An order that nobody has touched yet is to ring again.
  orders.anyFresh = function () {
    return this._those(function (record) { return record.fresh; }).length > 0;
  };

  // Somebody has looked at it. True if there was anything to forget.
  orders.touch = function (id) {
    var record = this.records[id];
    if (!record || (!record.fresh && record.changedAt === null)) { return false; }
    record.fresh = false;
    forgetMarks(record);
    record.revision++;
    return true;
  };

  // A touch on the head shows what the guests have, or hides it again.
  orders.unfold = function (id) {
    var record = this.records[id];
    record.unfolded = !record.unfolded;
    record.revision++;
  };

  Orders.cancels = cancels;
  pages.Orders = Orders;
}(window));
