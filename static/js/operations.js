/* What the page asks the service to do: orders and actions. Each has one
   operacion_id for its whole life, is kept in the browser until it is answered,
   and is sent again after a lost connection, so that it happens once.

   An operation is {id, path, body, info, at, state, error}; state: 'sending',
   'waiting' (for a connection), or 'held': a new order that was found too old
   when the page was loaded, so that somebody must say whether it is wanted. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var REQUEST_MS = 12000;
  var FIRST_RETRY_MS = 1500;
  var LONGEST_RETRY_MS = 15000;
  var OLD_MS = 15 * 60000;

  function storage() {
    try { return window.localStorage; } catch (error) { return null; }
  }

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

  function parseJson(text) {
    try { return JSON.parse(text); } catch (error) { return null; }
  }

  // handlers: {changed(), answered(operation, answer), refused(operation, error)}
  function Operations(client, userId, handlers) {
    var self = this;
    this.handlers = handlers;
    this.prefix = 'notif:operacion:' + window.location.pathname + ':' + userId + ':';
    this.list = [];
    this.own = {};               // ids of this page's operations: whose events are its own
    this.live = false;
    this.ended = false;
    client.on('conexion', function (state) {
      self.live = state.modo !== 'sin_conexion';
      if (self.live) { self._sendWaiting(); }
      self.handlers.changed();
    });
    client.on('sesion_terminada', function () { self.ended = true; });
    window.addEventListener('online', function () { self._sendWaiting(); }, false);
  }

  var operations = Operations.prototype;

  // ---- what is kept ----------------------------------------------------------

  operations._keep = function (operation) {
    try {
      storage().setItem(this.prefix + operation.id, JSON.stringify({
        path: operation.path, body: operation.body, info: operation.info, at: operation.at
      }));
    } catch (error) { return; }  // forbidden or full: it lives as long as the page
  };

  operations._drop = function (operation) {
    var i;
    try { storage().removeItem(this.prefix + operation.id); } catch (error) { /* as above */ }
    for (i = this.list.length - 1; i >= 0; i--) {
      if (this.list[i] === operation) { this.list.splice(i, 1); }
    }
    window.clearTimeout(operation.timer);
  };

  // What an earlier load of the page has left: sent again, unless it is too old to be sure of.
  operations.resume = function () {
    var store = storage(), keys = [], i, kept, operation;
    for (i = 0; store && i < store.length; i++) {
      if (store.key(i).indexOf(this.prefix) === 0) { keys.push(store.key(i)); }
    }
    for (i = 0; i < keys.length; i++) {
      kept = parseJson(store.getItem(keys[i]));
      if (!kept || !kept.body) { continue; }
      operation = this._add(keys[i].slice(this.prefix.length), kept.path, kept.body, kept.info, kept.at);
      if (Math.abs(pages.clock.now() - kept.at) < OLD_MS) {
        this._send(operation);
      } else if (kept.info.pedido_id) {
        this._drop(operation);   // the order itself shows whether it has arrived
        this.handlers.refused(operation, { codigo: '', mensaje: 'no se supo si llegó; revise y toque de nuevo si falta' });
      } else {
        operation.state = 'held';
      }
    }
    this.handlers.changed();
  };

  operations._add = function (id, path, body, info, at) {
    var operation = { id: id, path: path, body: body, info: info, at: at, state: 'sending', failures: 0, timer: null };
    this.list.push(operation);
    this.own[id] = true;
    return operation;
  };

  // ---- asking ------------------------------------------------------------------

  // info: whatever the page needs to show it. One operation for each call: see `pending`.
  operations.ask = function (path, body, info) {
    var id = randomId(), operation;
    body.operacion_id = id;
    operation = this._add(id, path, body, info, pages.clock.now());
    this._keep(operation);
    this._send(operation);
    this.handlers.changed();
    return operation;
  };

  // An action on an order; the same one is not asked twice while it waits.
  operations.act = function (pedido, accion, fields, info) {
    var body = { accion: accion }, name;
    if (this.pending(pedido.id, accion)) { return null; }
    for (name in fields) {
      if (fields.hasOwnProperty(name)) { body[name] = fields[name]; }
    }
    info = info || {};
    info.pedido_id = pedido.id;
    info.accion = accion;
    info.label = pages.wording.label(pedido);
    return this.ask('/api/pedidos/' + pedido.id + '/acciones', body, info);
  };

  // The one that waits for its answer, or null. Without `accion`, any of the order's.
  operations.pending = function (pedidoId, accion) {
    var i, info;
    for (i = 0; i < this.list.length; i++) {
      info = this.list[i].info;
      if (info.pedido_id === pedidoId && (!accion || info.accion === accion)) { return this.list[i]; }
    }
    return null;
  };

  operations.discard = function (operation) {
    this._drop(operation);
    this.handlers.changed();
  };

  operations.sendHeld = function (operation) {
    operation.at = pages.clock.now();
    this._keep(operation);
    this._send(operation);
    this.handlers.changed();
  };

  // Waiting visibly: there is no connection, or the last try failed.
  operations.waits = function (operation) {
    return operation.state === 'waiting' || (operation.state === 'sending' && !this.live);
  };

  // ---- sending -----------------------------------------------------------------

  operations._sendWaiting = function () {
    var i, waiting = this.list.slice();
    for (i = 0; i < waiting.length; i++) {
      if (waiting[i].state === 'waiting') { this._send(waiting[i]); }
    }
  };

  operations._send = function (operation) {
    var self = this, xhr = new window.XMLHttpRequest(), over = false, patience;

    function finish() {
      if (over) { return; }
      over = true;
      window.clearTimeout(patience);
      self._onAnswer(operation, xhr.status, xhr.status ? parseJson(xhr.responseText) : null);
    }

    if (this.ended) { return; }
    window.clearTimeout(operation.timer);
    operation.state = 'sending';
    xhr.open('POST', operation.path, true);
    xhr.setRequestHeader('Accept', 'application/json');
    xhr.setRequestHeader('Content-Type', 'application/json');
    xhr.onreadystatechange = function () {
      if (xhr.readyState === 4) { finish(); }
    };
    patience = window.setTimeout(function () { xhr.abort(); }, REQUEST_MS);
    xhr.send(JSON.stringify(operation.body));
  };

  operations._onAnswer = function (operation, status, answer) {
    if (status === 200 || status === 201) {
      this._drop(operation);
      this.handlers.answered(operation, answer || {});
    } else if (status >= 400 && status < 500 && status !== 401 && status !== 408 && status !== 429) {
      this._drop(operation);
      this.handlers.refused(operation, (answer && answer.error) || { codigo: '', mensaje: 'Error ' + status });
    } else {
      this._later(operation);    // a 401 too: it is kept for after the sign-in
    }
    this.handlers.changed();
  };

  operations._later = function (operation) {
    var self = this, ms = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * Math.pow(2, operation.failures));
    operation.state = 'waiting';
    operation.failures++;
    operation.timer = window.setTimeout(function () { self._send(operation); }, ms * (0.7 + Math.random() * 0.6));
  };

  pages.Operations = Operations;
}(window));
