/* What people do to orders: POST /api/pedidos/<id>/acciones. An action is kept
   until it is answered. A lost connection or a 503 is tried again with the same
   operacion_id, so that nothing happens twice; the actions of one order go one
   after the other. A page that is loaded anew has forgotten what was not sent.

   Options, all functions:
   latest(orderId)           the order as the page knows it, or null
   onChange()                something waits, or waits no longer
   onAnswer(action, pedido)  done; the order as it is now
   onRefused(action, error)  {status, codigo, mensaje, estado, pedido}
   An action is {orderId, name, fields, slow}; it is `slow` once people should
   see that it waits. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var TIMEOUT_MS = 10000;
  var SLOW_MS = 800;
  var PAUSES_MS = [500, 1000, 2000, 4000];
  var MOST_TRIES = 5;            // after which a fault of the service, or an order that never rests, is told

  function Actions(options) {
    this.options = options;
    this.queues = {};            // by order id, oldest first; the first one is under way
  }

  var actions = Actions.prototype;

  function randomId() {
    var hex = '', bytes = window.crypto && window.crypto.getRandomValues ? new window.Uint8Array(16) : null, i, byte;
    if (bytes) { window.crypto.getRandomValues(bytes); }
    for (i = 0; i < 16; i++) {
      byte = bytes ? bytes[i] : Math.floor(Math.random() * 256);
      if (i === 6) { byte = (byte & 15) | 64; }
      if (i === 8) { byte = (byte & 63) | 128; }
      hex += (i === 4 || i === 6 || i === 8 || i === 10 ? '-' : '') + (byte < 16 ? '0' : '') + byte.toString(16);
    }
    return hex;
  }

  // still(pedido), where given: does the tap still mean the same of the order as
  // it is now? Then it goes with that version; else with the one that was seen,
  // and is refused. False where the same action waits already.
  actions.send = function (orderId, name, fields, still) {
    var self = this, queue = this.queues[orderId] = this.queues[orderId] || [], seen = this.options.latest(orderId);
    var action = {
      orderId: orderId, name: name, fields: fields || {}, slow: false, still: still || null,
      version: seen ? seen.version : null, operacion_id: randomId(), tried: 0, faults: 0, renewed: 0, timer: null, xhr: null, begun: false
    };
    if (this.lookUp(orderId, name, action.fields.item_id)) { return false; }
    queue.push(action);
    window.setTimeout(function () {
      if (!action.slow && self._waits(action)) {
        action.slow = true;
        self.options.onChange();
      }
    }, SLOW_MS);
    if (queue.length === 1) { this._try(action); }
    this.options.onChange();
    return true;
  };

  // What waits for the order: a list, oldest first.
  actions.of = function (orderId) {
    return this.queues[orderId] || [];
  };

  actions.lookUp = function (orderId, name, itemId) {
    var queue = this.of(orderId), i;
    for (i = 0; i < queue.length; i++) {
      if (queue[i].name === name && queue[i].fields.item_id === itemId) { return queue[i]; }
    }
    return null;
  };

  // There is a connection again: nobody waits for the next try.
  actions.wake = function () {
    var id, first;
    for (id in this.queues) {
      first = this.queues.hasOwnProperty(id) ? this.queues[id][0] : null;
      if (first && !first.xhr) { this._try(first); }
    }
  };

  actions._waits = function (action) {
    return this.of(action.orderId).indexOf(action) >= 0;
  };

  actions._body = function (action) {
    var body = { accion: action.name, operacion_id: action.operacion_id }, field, now;
    for (field in action.fields) {
      if (action.fields.hasOwnProperty(field)) { body[field] = action.fields[field]; }
    }
    if (!action.begun && action.still) {
      now = this.options.latest(action.orderId);
      if (now && action.still(now)) { action.version = now.version; }
    }
    action.begun = true;         // from now on the same body, whatever was lost
    if (action.still && action.version) { body.version = action.version; }
    return JSON.stringify(body);
  };

  actions._try = function (action) {
    var self = this, xhr = action.xhr = new window.XMLHttpRequest();
    window.clearTimeout(action.timer);
    xhr.open('POST', '/api/pedidos/' + action.orderId + '/acciones', true);
    xhr.timeout = TIMEOUT_MS;
    xhr.setRequestHeader('Content-Type', 'application/json');
    xhr.onreadystatechange = function () {
      if (xhr.readyState !== 4) { return; }
      action.xhr = null;
      self._answered(action, xhr.status, parsed(xhr.responseText));
    };
    xhr.send(this._body(action));
  };

  function parsed(text) {
    try { return JSON.parse(text) || {}; } catch (ignored) { return {}; }
  }

  actions._answered = function (action, status, answer) {
    var error = answer.error || {};
    action.tried++;
    action.faults += status === 500 ? 1 : 0;
    if (status === 200 && answer.pedido) {
      this._done(action);
      this.options.onAnswer(action, answer.pedido);
    } else if (status === 200 || status === 0 || status === 408 || status === 429 || status > 500 ||
        (status === 500 && action.faults < MOST_TRIES)) {
      this._later(action);
      return;
    } else if (error.codigo === 'version_obsoleta' && action.renewed < MOST_TRIES && action.still && action.still(error.pedido)) {
      action.renewed++;
      action.version = error.pedido.version;
      this._try(action);
      return;
    } else {
      error.status = status;
      this._done(action);
      this.options.onRefused(action, error);
    }
    this.options.onChange();
    if (this.of(action.orderId).length) { this._try(this.queues[action.orderId][0]); }
  };

  actions._later = function (action) {
    var self = this, pause = PAUSES_MS[Math.min(action.tried, PAUSES_MS.length) - 1];
    action.slow = true;
    action.timer = window.setTimeout(function () { self._try(action); }, pause * (0.75 + Math.random() / 2));
    this.options.onChange();
  };

  actions._done = function (action) {
    var queue = this.queues[action.orderId];
    queue.shift();
    if (!queue.length) { delete this.queues[action.orderId]; }
  };

  pages.Actions = Actions;
}(window));
