/* This is what a cook does to the orders on the board, what of it waits for
   the service, and what is said on a ticket where it was refused. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var lines = pages.lines;
  var states = pages.states;
  var SAID_MS = 6000;
  var UNDO_MS = 5000;            // how long INICIAR can be taken back by the strip at the foot
  var WORDS = pages.kitchenWords;
  var REFUSED = { version_obsoleta: WORDS.changedLook, rol_no_permitido: WORDS.notAllowed, no_encontrado: WORDS.gone };
  var TOO_LATE = WORDS.tooLate;  // where an order that has gone on refuses what was tapped, by its state

  // options: orders, client, userId, onChange(), say(text): for an order without a ticket.
  function Cooking(options) {
    var self = this;
    this.orders = options.orders;
    this.options = options;
    this.starts = window.document.body.getAttribute('data-kitchen-start') !== 'false';
    this.said = {};              // by order id: the words on its ticket
    this.started = { id: null, at: 0 };   // what INICIAR was last tapped of, here
    this.operations = new pages.Operations(options.client, options.userId, {
      changed: options.onChange,
      answered: function (operation, answer) { self._answered(operation, answer.pedido); },
      refused: function (operation, error) { self._refused(operation, error); },
      latest: function (id) { return self.orders.records[id] ? self.orders.records[id].pedido : null; },
      still: meansTheSame
    });
  }

  var cooking = Cooking.prototype;

  // What is to be cooked; not how far it is.
  function content(pedido) {
    return JSON.stringify([(pedido.items || []).map(lines.content), pedido.notas || '']);
  }

  // INICIAR can be taken back until something of it is done.
  function justBegun(pedido) {
    return pedido.estado === 'en_cocina' && !pedido.recuperado_at && !(pedido.items || []).some(lines.isReady);
  }

  // `info.seen` is what the cook saw of it: see where each action is asked for.
  function meansTheSame(operation, now) {
    var seen = operation.info.seen, item;
    switch (operation.info.accion) {
    case 'listo': return states.TO_COOK[now.estado] && content(now) === seen;
    case 'deshacer': return now.estado === seen && (seen === 'listo' || justBegun(now));
    default:
      item = lines.byId(now.items, operation.body.item_id);
      return item !== null && states.TO_COOK[now.estado] === true && lines.content(item) === seen &&
        lines.isReady(item) === (operation.info.accion === 'item_pendiente');
    }
  }

  // ---- acting --------------------------------------------------------------------

  // The big button of an order that is to be cooked: INICIAR, then LISTO; or LISTO alone, where the restaurant wants that.
  cooking.bump = function (record) {
    var pedido = record.pedido;
    if (states.COOKABLE[pedido.estado] && this.starts) {
      this.operations.act(pedido, 'iniciar');
    } else if (states.TO_COOK[pedido.estado]) {
      this.operations.act(pedido, 'listo', { version: pedido.version }, { seen: content(pedido) });
    }
  };

  // A tap on a line: done, or not done after all; of an order that changed when it was ready, to be made again.
  cooking.line = function (record, itemId) {
    var pedido = record.pedido, item = lines.byId(pedido.items, itemId), waiting = this._waitingOn(record.id);
    if (!item || cooking.locksLines(waiting) || waiting.lines[itemId]) { return; }
    if (pedido.estado === 'listo') {
      this.operations.act(pedido, 'recuperar', { item_ids: [itemId] });
      return;
    }
    this.operations.act(pedido, lines.isReady(item) ? 'item_pendiente' : 'item_listo', {
      item_id: itemId, version: pedido.version
    }, { seen: lines.content(item) });
  };

  // What waits for the whole order decides on its lines too; behind INICIAR a tap on one has its turn.
  cooking.locksLines = function (waiting) {
    return Boolean(waiting.whole) && waiting.whole !== 'iniciar';
  };

  // Of LISTO, or of INICIAR.
  cooking.undo = function (record) {
    var pedido = record.pedido;
    if (pedido.estado === 'listo' || justBegun(pedido)) {
      this.operations.act(pedido, 'deshacer', {
        version: pedido.version, deshace: pedido.estado === 'listo' ? 'listo' : 'iniciar'
      }, { seen: pedido.estado });
    }
  };

  cooking.recall = function (record) {
    if (record.pedido.estado === 'listo') { this.operations.act(record.pedido, 'recuperar'); }
  };

  cooking._answered = function (operation, pedido) {
    var now = pages.clock.now();
    if (operation.info.accion === 'iniciar') { this.started = { id: pedido.id, at: now }; }
    this.orders.answer(pedido, now);
  };

  // {record, left: seconds} of the order that was begun here a moment ago, or null.
  cooking.undoable = function (now) {
    var record = this.orders.records[this.started.id], left = Math.ceil((this.started.at + UNDO_MS - now) / 1000);
    if (!record || left <= 0 || !justBegun(record.pedido) || this.holds(record)) { return null; }
    return { record: record, left: left };
  };

  // ---- refusals -----------------------------------------------------------------

  // Somebody else was first with the same: nothing to say.
  function isSo(operation, estado, pedido) {
    var item = pedido && lines.byId(pedido.items, operation.body.item_id);
    switch (operation.info.accion) {
    case 'iniciar': return estado === 'en_cocina' || states.COOKED[estado];
    case 'listo': return states.COOKED[estado];
    case 'item_listo': return item ? lines.isReady(item) : states.COOKED[estado] || (estado === 'en_cocina' && !pedido);
    case 'item_pendiente': return estado === 'en_cocina' && (item ? !lines.isReady(item) : !pedido);
    case 'deshacer': return operation.info.seen === 'listo' ? states.TO_COOK[estado] : states.COOKABLE[estado];
    default: return states.TO_COOK[estado];
    }
  }

  function words(operation, error, estado) {
    var accion = operation.info.accion;
    if (accion === 'deshacer' && estado === 'en_cocina') { return WORDS.someReady; }
    if (error.codigo === 'transicion_invalida' && estado === 'listo') {
      if (accion === 'deshacer') { return WORDS.tooLateToUndo; }
      if (accion === 'recuperar') { return WORDS.tooLateToRecall; }
    }
    if (error.codigo === 'version_obsoleta' && states.TO_COOK[estado]) { return REFUSED.version_obsoleta; }
    return TOO_LATE[estado] || REFUSED[error.codigo] || error.mensaje || WORDS.failed;
  }

  cooking._refused = function (operation, error) {
    var id = operation.info.pedido_id, estado = error.pedido ? error.pedido.estado : error.estado, text;
    if (error.pedido) { this.orders.answer(error.pedido, pages.clock.now()); }
    if (estado && isSo(operation, estado, error.pedido)) { return; }
    text = words(operation, error, estado);
    if (this.orders.records[id] && estado !== 'listo') {
      this._sayOn(id, text);
    } else {
      this.options.say(operation.info.label + ': ' + text);
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
    var waiting = { whole: '', lines: {}, slow: false }, list = this.operations.of(id), i;
    for (i = 0; i < list.length; i++) {
      if (list[i].body.item_id) {
        waiting.lines[list[i].body.item_id] = list[i].info.accion;
      } else {
        waiting.whole = list[i].info.accion;
      }
      waiting.slow = waiting.slow || list[i].slow || this.operations.waits(list[i]);
    }
    return waiting;
  };

  cooking.view = function (record) {
    var view = this._waitingOn(record.id);
    view.said = this.said[record.id] || '';
    view.locked = this.locksLines(view);
    return view;
  };

  // A ticket with something that waits stays in sight.
  cooking.holds = function (record) {
    return this.operations.of(record.id).length > 0;
  };

  pages.Cooking = Cooking;
}(window));
