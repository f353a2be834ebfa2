/* A book holds the orders of a light page: a snapshot, folded with the events
   after it and with the answers to the page's own actions, which may be ahead
   of the events. It touches no DOM. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var SHOWN_TO_COOKS = { nuevo_pedido: true, item_modificado: true, pedido_cancelado: true, cambio_mesa: true };
  // Done at the stove: nothing that a cook still has to see.
  var COOKS_OWN = { item_listo: true, item_pendiente: true };

  var MOST_EVENTS = 1000;
  var MOST_OVER = 50;            // a cancelled one stays until the kitchen has seen it, and to be read
  var MOST_FORGOTTEN = 500;

  function Book() {
    this.orders = {};            // by id
    this.loaded = false;
    this.over = [];              // ids of those that are over, the last ones
    this.forgotten = new pages.Recent(MOST_FORGOTTEN);   // by id: the version at which an order was forgotten
    this.events = new pages.Recent(MOST_EVENTS);   // by id, of what the kitchen is to see: {tipo, at, silent}
    this.seen = new pages.Recent(MOST_EVENTS);     // by event id: when a kitchen screen has acknowledged it
  }

  var book = Book.prototype;

  function copy(source) {
    var target = {}, field;
    for (field in source) {
      if (source.hasOwnProperty(field)) { target[field] = source[field]; }
    }
    return target;
  }

  // Takes the place of everything known.
  book.load = function (pedidos) {
    var i;
    this.orders = {};
    this.forgotten = new pages.Recent(MOST_FORGOTTEN);   // a log that was restored has older versions
    this.loaded = true;
    for (i = 0; i < pedidos.length; i++) { this.put(pedidos[i]); }
  };

  // Also where it has been forgotten since: an answer may be older than the event by which an order was over.
  book.knowsBetter = function (pedido) {
    var known = this.orders[pedido.id];
    return (known ? known.version : this.forgotten.get(pedido.id)) > pedido.version;
  };

  // False for an order that is known better already.
  book.put = function (pedido) {
    var known = this.orders[pedido.id];
    if (this.knowsBetter(pedido)) { return false; }
    pedido.items = pedido.items || [];
    pedido.por_acusar = pedido.por_acusar || [];
    // A receipt raises no version. What was seen of a payment that was taken back, of an earlier round, or before it was
    // sent back, counts no more.
    if (known && known.visto_at && !pedido.visto_at && pedido.estado !== 'pendiente_pago' &&
        pages.lines.backAt(known) === pages.lines.backAt(pedido)) {
      pedido.visto_at = known.visto_at;
    }
    // A list alone says it; an order's own page is asked for by its id.
    if (known && known.antiguo && known.version === pedido.version) { pedido.antiguo = true; }
    this.orders[pedido.id] = pedido;
    this._forgetSeen(pedido);
    if (pages.states.OVER[pedido.estado]) { this._forgetOver(pedido.id); }
    return true;
  };

  // Those that were over longest go.
  book._forgetOver = function (id) {
    var first;
    if (this.over.indexOf(id) < 0) { this.over.push(id); }
    if (this.over.length <= MOST_OVER) { return; }
    first = this.orders[this.over.shift()];
    if (first && pages.states.OVER[first.estado]) { this.forget(first.id); }
  };

  // A receipt may arrive before the answer that made the order known.
  book._forgetSeen = function (pedido) {
    var waiting = [], i, id;
    for (i = 0; i < pedido.por_acusar.length; i++) {
      id = pedido.por_acusar[i];
      if (this.seen.get(id)) { pedido.visto_at = this.seen.get(id); } else { waiting.push(id); }
    }
    pedido.por_acusar = waiting;
  };

  book.note = function (eventId, tipo, at, silent) {
    this.events.set(eventId, { tipo: tipo, at: at, silent: silent === true });
  };

  // {before, after} of the order, or null where the event says nothing new of a known one.
  book.apply = function (evento) {
    var before = this.orders[evento.pedido_id], after;
    this._noteEvent(evento);
    if (before && evento.version <= before.version) { return null; }
    if (evento.pedido) {
      after = evento.pedido;
    } else if (!before) {
      return null;
    } else {
      after = copy(before);
      after.version = evento.version;
      delete after.antiguo;      // something is heard of it
      pages.places.take(after, evento);
      if (evento.tipo === 'item_modificado') { this._applyItem(after, evento); }
      if (evento.tipo === 'pedido_cancelado') { this._applyCancellation(before, after, evento); }
    }
    this.put(after);
    return { before: before || null, after: after };
  };

  // A kitchen screen acknowledges it that has the order: of another day none has it.
  book._applyCancellation = function (before, after, evento) {
    after.estado = 'cancelado';
    after.razon = evento.razon;
    if (evento.sin_cocina) {
      after.por_acusar = [];
    } else if (pages.states.TO_COOK[before.estado] && pages.clock.businessDay(pages.clock.parse(before.timestamp)) === pages.clock.businessDay()) {
      after.por_acusar = after.por_acusar.concat([evento.id]);
    }
  };

  book._noteEvent = function (evento) {
    var kind = evento.cambios ? evento.cambios.tipo_cambio : '';
    if (evento.estado === 'cancelado') {   // a POS may say so too
      this.note(evento.id, 'pedido_cancelado', pages.clock.parse(evento.timestamp));
    }
    if (SHOWN_TO_COOKS[evento.tipo] || evento.por_hacer === true || (evento.deshecho && evento.deshace === 'cancelar')) {
      this.note(evento.id, evento.tipo, pages.clock.parse(evento.timestamp), COOKS_OWN[kind]);
    }
  };

  book._applyItem = function (order, evento) {
    var items = order.items.slice(), index = pages.lines.indexOf(items, evento.item_id);
    if (index < 0 && evento.item) {
      items.push(evento.item);
    } else if (evento.item) {
      items[index] = evento.item;
    } else if (index >= 0) {
      items.splice(index, 1);
    }
    order.items = items;
    order.subtotal = evento.subtotal;
    order.impuesto = evento.impuesto;
    order.total = evento.total;
    if (pages.states.IN_KITCHEN[order.estado]) {
      order.por_acusar = order.por_acusar.concat([evento.id]);
    }
  };

  // An acuse_recibo.
  book.acknowledge = function (evento) {
    var order = this.orders[evento.pedido_id];
    this.seen.set(evento.evento_id, evento.timestamp);
    if (order) { this._forgetSeen(order); }
  };

  book.forget = function (id) {
    if (this.orders[id]) { this.forgotten.set(id, this.orders[id].version); }
    delete this.orders[id];
  };

  // Those that keep(order) wants, sorted by since(order).
  book.list = function (keep, since) {
    var list = [], id;
    for (id in this.orders) {
      if (this.orders.hasOwnProperty(id) && keep(this.orders[id])) { list.push(this.orders[id]); }
    }
    list.sort(function (a, b) { return since(a) - since(b) || a.id - b.id; });
    return list;
  };

  // ---- has the kitchen seen it ---------------------------------------------

  // {state: 'saved'|'seen'|'unseen'|'change_unseen'|'cancel_unseen', at}: `at` is when the
  // kitchen saw it, or since when it has not. patience: {orderMs, changeMs, upTo}: how long that may
  // take, and the event up to which the service has given alarm for orders.
  book.seenState = function (pedido, now, patience) {
    var back = pedido.estado === 'en_cocina' ? pages.lines.backAt(pedido) : '', i, event, changedAt = null;
    var created = pages.clock.parse(back || pedido.pagado_at || pedido.timestamp) || now;
    if (pedido.estado === 'cancelado') { return this._cancelSeen(pedido, now, patience); }
    if (!pedido.visto_at && pedido.por_acusar.length && (back || pages.states.COOKABLE[pedido.estado])) {
      return { state: now - created >= patience.orderMs || pedido.por_acusar[0] <= patience.upTo ? 'unseen' : 'saved', at: created };
    }
    for (i = 0; i < pedido.por_acusar.length; i++) {
      event = this.events.get(pedido.por_acusar[i]);
      if (event && (event.silent || event.tipo === '')) { continue; }
      changedAt = Math.min(changedAt === null ? Infinity : changedAt, event ? event.at : created);
    }
    if (changedAt !== null && now - changedAt >= patience.changeMs && pages.states.TO_COOK[pedido.estado]) {
      return { state: 'change_unseen', at: changedAt };
    }
    if (pedido.visto_at) { return { state: 'seen', at: pages.clock.parse(pedido.visto_at) }; }
    return { state: 'saved', at: created };
  };

  book._cancelSeen = function (pedido, now, patience) {
    var i, id, event;
    for (i = 0; i < pedido.por_acusar.length; i++) {
      id = pedido.por_acusar[i];
      event = this.events.get(id);
      if (event && event.tipo === 'pedido_cancelado' && (now - event.at >= patience.orderMs || id <= patience.upTo)) {
        return { state: 'cancel_unseen', at: event.at };
      }
    }
    return { state: 'seen', at: now };
  };

  pages.Book = Book;
}(window));
