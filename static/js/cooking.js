/* What a cook does to the orders on the board, what of it waits for the
   service, and what is said on a ticket where it was refused. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var SAID_MS = 6000;
  var COOKABLE = { pagado: true, en_mesa: true };
  var OPEN = { pagado: true, en_mesa: true, en_cocina: true };
  var PAST_KITCHEN = { listo: true, servido: true, cerrado: true };
  var REFUSED = {
    version_obsoleta: 'El pedido cambió: revíselo.',
    rol_no_permitido: 'Su usuario no puede hacer eso.',
    no_encontrado: 'El pedido ya no existe.'
  };
  var STATES = {
    pendiente_pago: 'Falta que lo paguen.',
    cancelado: 'Se canceló.',
    servido: 'Ya se entregó.',
    cerrado: 'Ya se entregó.',
    listo: 'Ya estaba listo.'
  };

  // options: orders, now(), onChange(), say(text): for an order without a ticket.
  function Cooking(options) {
    var self = this;
    this.orders = options.orders;
    this.options = options;
    this.said = {};              // by order id: the words on its ticket
    this.offline = false;
    this.actions = new pages.Actions({
      latest: function (id) { return self.orders.records[id] ? self.orders.records[id].pedido : null; },
      onChange: options.onChange,
      onAnswer: function (action, pedido) { self.orders.answer(pedido, options.now()); },
      onRefused: function (action, error) { self._refused(action, error); }
    });
  }

  var cooking = Cooking.prototype;

  function itemOf(pedido, id) {
    var items = pedido.items || [], i;
    for (i = 0; i < items.length; i++) {
      if (items[i].id === id) { return items[i]; }
    }
    return null;
  }

  function isReady(item) {
    return item.estado_item === 'listo' || item.estado_item === 'servido';
  }

  function lineContent(item) {
    return [item.id, item.producto_nombre, item.cantidad, item.notas || '', item.estado_item === 'cancelado'];
  }

  // What is to be cooked; not how far it is.
  function content(pedido) {
    return JSON.stringify([(pedido.items || []).map(lineContent), pedido.notas || '']);
  }

  // ---- acting --------------------------------------------------------------------

  // The big button of an order that is to be cooked: INICIAR, then LISTO.
  cooking.bump = function (record) {
    var seen;
    if (COOKABLE[record.pedido.estado]) {
      this.actions.send(record.id, 'iniciar');
    } else if (record.pedido.estado === 'en_cocina') {
      seen = content(record.pedido);
      this.actions.send(record.id, 'listo', {}, function (now) { return OPEN[now.estado] && content(now) === seen; });
    }
  };

  // A tap on a line: done, or not done after all.
  cooking.line = function (record, itemId) {
    var item = itemOf(record.pedido, itemId), seen, ready;
    if (!item || this._waitingOn(record.id).whole) { return; }
    if (this.actions.lookUp(record.id, 'item_listo', itemId) || this.actions.lookUp(record.id, 'item_pendiente', itemId)) { return; }
    seen = JSON.stringify(lineContent(item));
    ready = isReady(item);
    this.actions.send(record.id, ready ? 'item_pendiente' : 'item_listo', { item_id: itemId }, function (now) {
      var same = itemOf(now, itemId);
      return Boolean(same) && OPEN[now.estado] && JSON.stringify(lineContent(same)) === seen && isReady(same) === ready;
    });
  };

  cooking.undo = function (record) {
    if (record.pedido.estado !== 'listo') { return; }
    this.actions.send(record.id, 'deshacer', {}, function (now) { return now.estado === 'listo'; });
  };

  cooking.recall = function (record) {
    if (record.pedido.estado === 'listo') { this.actions.send(record.id, 'recuperar'); }
  };

  // ---- refusals -----------------------------------------------------------------

  // Somebody else was first with the same: nothing to say.
  function isSo(action, estado, pedido) {
    var item = pedido && itemOf(pedido, action.fields.item_id);
    switch (action.name) {
    case 'iniciar': return estado === 'en_cocina' || PAST_KITCHEN[estado];
    case 'listo': return PAST_KITCHEN[estado];
    case 'item_listo': return item ? isReady(item) : PAST_KITCHEN[estado] || (estado === 'en_cocina' && !pedido);
    case 'item_pendiente': return estado === 'en_cocina' && (item ? !isReady(item) : !pedido);
    default: return OPEN[estado];
    }
  }

  function words(action, error, estado) {
    if (error.codigo === 'transicion_invalida' && estado === 'listo') {
      if (action.name === 'deshacer') { return 'Ya no se puede deshacer. Use Recuperar.'; }
      if (action.name === 'recuperar') { return 'Pasó el tiempo para recuperarlo.'; }
    }
    if (error.codigo === 'version_obsoleta' && OPEN[estado]) { return REFUSED.version_obsoleta; }
    return STATES[estado] || REFUSED[error.codigo] || error.mensaje || 'No se pudo. Intente de nuevo.';
  }

  cooking._refused = function (action, error) {
    var record = this.orders.records[action.orderId], pedido = error.pedido || (record && record.pedido);
    var estado = error.pedido ? error.pedido.estado : error.estado, text;
    if (error.pedido) { this.orders.answer(error.pedido, this.options.now()); }
    if (estado && isSo(action, estado, error.pedido)) { return; }
    text = words(action, error, estado);
    if (this.orders.records[action.orderId] && estado !== 'listo') {
      this._sayOn(action.orderId, text);
    } else {
      this.options.say((pedido ? pages.tickets.title(pedido) + ': ' : '') + text);
    }
  };

  cooking._sayOn = function (id, text) {
    var self = this;
    this.said[id] = text;
    window.setTimeout(function () {
      if (self.said[id] === text) {
        delete self.said[id];
        self.options.onChange();
      }
    }, SAID_MS);
  };

  // ---- for the board -----------------------------------------------------------------

  // {whole: an action's name or '', lines: {item id: action's name}, slow}
  cooking._waitingOn = function (id) {
    var waiting = { whole: '', lines: {}, slow: false }, list = this.actions.of(id), i;
    for (i = 0; i < list.length; i++) {
      if (list[i].fields.item_id) {
        waiting.lines[list[i].fields.item_id] = list[i].name;
      } else {
        waiting.whole = list[i].name;
      }
      waiting.slow = waiting.slow || list[i].slow || this.offline;
    }
    return waiting;
  };

  cooking.view = function (record) {
    var view = this._waitingOn(record.id);
    view.said = this.said[record.id] || '';
    return view;
  };

  // A ticket with something that waits stays in sight.
  cooking.holds = function (record) {
    return this.actions.of(record.id).length > 0;
  };

  cooking.setOffline = function (offline) {
    this.offline = offline;
    if (!offline) { this.actions.wake(); }
  };

  pages.Cooking = Cooking;
}(window));
