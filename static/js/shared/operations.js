/* Operations are what people ask the service to do: new orders, and actions on
   orders. Each has one operacion_id for its whole life, is kept in the browser
   until it is answered, and is sent again after a lost connection or a 503, so
   that it happens once. Those of one order go one after the other, in the order
   in which they were tapped, also after a reload of the page.

   The handlers are functions, and the last two are for actions that carry a
   version:
   changed()                     something waits, or waits no longer
   answered(operation, answer)   done; answer.pedido is the order as it is now
   refused(operation, error)     {codigo, mensaje, campos?, estado?, pedido?}
   latest(orderId)               the order as the page knows it, or null
   still(operation, pedido)      does the tap still mean the same of the order as it
                                 is now? Then it goes with that version, else with
                                 the one that was seen

   An operation is {id, path, body, info, at, state, slow}; state: 'queued' (behind
   another of its order), 'sending', 'waiting' (for a connection), or 'held': a new
   order that was found too old when the page was loaded, so that somebody must
   say whether it is wanted. It is `slow` once people should see that it waits.
   One that may be taken back before it is sent is `kept` for a few seconds: it
   goes at once where the page is left, or more is asked of its order. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var SLOW_MS = 800;
  var FIRST_RETRY_MS = 500;
  var LONGEST_RETRY_MS = 8000;
  var OLD_MS = 15 * 60000;
  var MOST_OWN = 500;
  var MOST_TRIES = 5;            // after which a fault of the service, or an order that never rests, is told
  var LOST = { codigo: '', mensaje: pages.words.lost };

  function randomId() {
    var bytes = [], i, text = '';
    if (window.crypto && window.crypto.getRandomValues && window.Uint8Array) {
      bytes = window.crypto.getRandomValues(new window.Uint8Array(16));
    }
    for (i = 0; i < 16; i++) {
      text += ('0' + (bytes.length ? bytes[i] : Math.floor(Math.random() * 256)).toString(16)).slice(-2);
    }
    return text;
  }

  function Operations(client, userId, handlers) {
    var self = this;
    this.handlers = handlers;
    this.prefix = pages.storage.asked(window.location.pathname, userId);
    this.list = [];              // oldest first
    this.own = {};               // ids of this page's operations: whose events are its own
    this.ownIds = [];            // the same, in order: those whose events have come long ago are forgotten
    this.live = false;
    this.ended = false;
    client.on('conexion', function (state) {
      self.live = state.modo !== 'sin_conexion';
      if (self.live) {
        self.ended = false;        // there is a session again
        self._sendAll();
      }
      self.handlers.changed();
    });
    client.on('sesion_terminada', function () { self.ended = true; });
    window.addEventListener('online', function () { self._sendAll(); }, false);
    window.addEventListener('pagehide', function () { self._leave(); }, false);
    window.document.addEventListener('visibilitychange', function () {
      if (window.document.hidden) { self.letGo(); }
    }, false);
  }

  var operations = Operations.prototype;

  // ---- what is kept ----------------------------------------------------------

  // Where nothing can be kept, it lives as long as the page.
  operations._keep = function (operation) {
    pages.storage.browser.set(this.prefix + operation.id, {
      path: operation.path, body: operation.body, info: operation.info, at: operation.at, deviceAt: operation.deviceAt,
      begun: operation.begun
    });
  };

  operations._drop = function (operation) {
    var index = this.list.indexOf(operation);
    pages.storage.browser.remove(this.prefix + operation.id);
    if (index >= 0) { this.list.splice(index, 1); }
    window.clearTimeout(operation.timer);
  };

  operations._kept = function () {
    var keys = pages.storage.browser.keys(this.prefix), found = [], i, kept;
    for (i = 0; i < keys.length; i++) {
      kept = pages.storage.browser.get(keys[i]);
      if (kept && kept.body) {
        kept.id = keys[i].slice(this.prefix.length);
        found.push(kept);
      }
    }
    return found.sort(function (a, b) { return a.at - b.at; });
  };

  // What an earlier load of the page has left: sent again, unless it is too old to be sure of.
  operations.resume = function () {
    var found = this._kept(), i, operation;
    for (i = 0; i < found.length; i++) {
      operation = this._add(found[i].id, found[i].path, found[i].body, found[i].info, found[i].at, found[i].deviceAt);
      operation.begun = found[i].begun === true;
      operation.slow = true;
      if (isOld(operation)) {
        if (operation.info.pedido_id) {
          this._drop(operation);   // the order itself shows whether it has arrived
          this.handlers.refused(operation, LOST);
        } else {
          operation.state = 'held';
        }
      }
    }
    this._sendAll();
    this.handlers.changed();
  };

  // By the service's clock and by this device's: either may have been set since.
  function isOld(operation) {
    return Math.abs(pages.clock.now() - operation.at) >= OLD_MS &&
      (!operation.deviceAt || Math.abs(new Date().getTime() - operation.deviceAt) >= OLD_MS);
  }

  operations._add = function (id, path, body, info, at, deviceAt) {
    var operation = {
      id: id, path: path, body: body, info: info, at: at, deviceAt: deviceAt, state: 'queued', slow: false, begun: false,
      failures: 0, faults: 0, renewed: 0, timer: null, kept: false
    };
    this.list.push(operation);
    this.own[id] = true;
    this.ownIds.push(id);
    if (this.ownIds.length > MOST_OWN) { delete this.own[this.ownIds.shift()]; }
    return operation;
  };

  // ---- asking ------------------------------------------------------------------

  // info: whatever the page needs to show it; info.keepMs: for how long it is kept. One operation for each call: see
  // `pending`.
  operations.ask = function (path, body, info) {
    var self = this, id = randomId(), operation;
    body.operacion_id = id;
    if (info.pedido_id) { this.letGo(info.pedido_id); }
    operation = this._add(id, path, body, info, pages.clock.now(), new Date().getTime());
    this._keep(operation);
    if (info.keepMs) {
      operation.kept = true;
      pages.clock.after(info.keepMs, function () {
        operation.kept = false;
        self._sendAll();
      });
    }
    window.setTimeout(function () {
      operation.slow = true;
      if (self.list.indexOf(operation) >= 0) { self.handlers.changed(); }
    }, SLOW_MS);
    this._sendAll();
    this.handlers.changed();
    return operation;
  };

  // An action on an order; the same one is not asked twice while it waits, except
  // for dishes to be added, which may be others.
  operations.act = function (pedido, accion, fields, info) {
    var body = { accion: accion }, name;
    for (name in fields) {
      if (fields.hasOwnProperty(name)) { body[name] = fields[name]; }
    }
    if (!body.items && this.pending(pedido.id, accion, body.item_id)) { return null; }
    info = info || {};
    info.pedido_id = pedido.id;
    info.accion = accion;
    info.label = pages.wording.label(pedido);
    return this.ask('/api/pedidos/' + pedido.id + '/acciones', body, info);
  };

  // What waits for the order, oldest first.
  operations.of = function (pedidoId) {
    return this.list.filter(function (operation) { return operation.info.pedido_id === pedidoId; });
  };

  // The first that waits for its answer, or null. Without `accion`, any of the
  // order's; without `itemId`, of any line.
  operations.pending = function (pedidoId, accion, itemId) {
    return this.of(pedidoId).filter(function (operation) {
      return (!accion || operation.info.accion === accion) && (!itemId || operation.body.item_id === itemId);
    })[0] || null;
  };

  // The first of the order's that is on its way, or null: not what is kept.
  operations.sending = function (pedidoId) {
    return this.of(pedidoId).filter(function (operation) { return !operation.kept; })[0] || null;
  };

  operations.discard = function (operation) {
    this._drop(operation);
    this.handlers.changed();
  };

  operations.sendHeld = function (operation) {
    operation.at = pages.clock.now();
    operation.deviceAt = new Date().getTime();
    operation.state = 'queued';
    this._keep(operation);
    this._sendAll();
    this.handlers.changed();
  };

  // Waiting visibly: there is no connection, or the last try failed.
  operations.waits = function (operation) {
    return operation.state === 'waiting' || !this.live;
  };

  // What people read of one that is not answered yet; '' of none. sending: other words for one on its way.
  operations.words = function (operation, sending) {
    if (!operation) { return ''; }
    return this.waits(operation) ? pages.words.willBeSent : sending || pages.words.sending;
  };

  // ---- sending -----------------------------------------------------------------

  // A page that is left sends nothing more but by a beacon. What is sent twice is done once.
  operations._leave = function () {
    var self = this, navigator = window.navigator;
    this.list.filter(function (operation) { return operation.kept; }).forEach(function (operation) {
      self._begin(operation);
      if (navigator.sendBeacon && window.Blob) {
        navigator.sendBeacon(operation.path, new window.Blob([JSON.stringify(operation.body)], { type: 'application/json' }));
      }
    });
    this.letGo();
  };

  // What is kept goes now: of one order, or all.
  operations.letGo = function (pedidoId) {
    this.list.forEach(function (operation) {
      if (!pedidoId || operation.info.pedido_id === pedidoId) { operation.kept = false; }
    });
    this._sendAll();
  };

  operations._isFirst = function (operation) {
    return !operation.info.pedido_id || this.of(operation.info.pedido_id)[0] === operation;
  };

  operations._sendAll = function () {
    var list = this.list.slice(), i;
    for (i = 0; i < list.length; i++) {
      if ((list[i].state === 'queued' || list[i].state === 'waiting') && !list[i].kept && this._isFirst(list[i])) {
        this._send(list[i]);
      }
    }
  };

  // From its first try on an operation has the same body, whatever was lost.
  operations._begin = function (operation) {
    var now = operation.info.pedido_id && operation.body.version && this.handlers.still ?
      this.handlers.latest(operation.info.pedido_id) : null;
    if (operation.begun) { return; }
    if (now && this.handlers.still(operation, now)) { operation.body.version = now.version; }
    operation.begun = true;
    this._keep(operation);
  };

  operations._send = function (operation) {
    var self = this;
    if (this.ended) { return; }
    window.clearTimeout(operation.timer);
    operation.state = 'sending';
    this._begin(operation);
    pages.http.send('POST', operation.path, operation.body, { pedido: 'object' }, function (answer) {
      self._onAnswer(operation, answer.status, answer.body);
    });
  };

  // The order as it is now is still what was tapped: it goes again, with that version.
  operations._renews = function (operation, error) {
    return error.codigo === 'version_obsoleta' && !!this.handlers.still && operation.renewed < MOST_TRIES &&
      !!error.pedido && this.handlers.still(operation, error.pedido);
  };

  // A 401 is kept for after the sign-in.
  function isFinal(status, operation) {
    if (status === 500) { return ++operation.faults >= MOST_TRIES; }
    return status >= 400 && status < 500 && status !== 401 && status !== 408 && status !== 429;
  }

  operations._onAnswer = function (operation, status, answer) {
    var error = answer.error;
    if (status === 200 || status === 201) {
      this._drop(operation);
      this.handlers.answered(operation, answer);
    } else if (!isFinal(status, operation)) {
      this._later(operation);
    } else if (this._renews(operation, error)) {
      operation.renewed++;
      operation.body.version = error.pedido.version;
      this._keep(operation);
      this._send(operation);
      return;
    } else {
      this._drop(operation);
      this.handlers.refused(operation, error);
    }
    if (operation.state !== 'waiting') { this._sendAll(); }
    this.handlers.changed();
  };

  operations._later = function (operation) {
    var self = this, ms = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * Math.pow(2, operation.failures));
    operation.state = 'waiting';
    operation.slow = true;
    operation.failures++;
    operation.timer = window.setTimeout(function () { self._send(operation); }, ms * (0.7 + Math.random() * 0.6));
  };

  pages.Operations = Operations;
}(window));
