/* The menu of the service, and which of it is sold out. Marking a dish is safe
   to repeat; without a connection it is refused at once, and said. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var TIMEOUT_MS = 10000;

  // onChange(); say(text) where a dish could not be marked.
  function Menu(onChange, say) {
    this.onChange = onChange;
    this.say = say;
    this.products = [];
    this.waiting = {};
  }

  var menu = Menu.prototype;

  function call(method, path, body, onDone) {
    var xhr = new window.XMLHttpRequest();
    xhr.open(method, path, true);
    xhr.timeout = TIMEOUT_MS;
    xhr.onreadystatechange = function () {
      var answer = null;
      if (xhr.readyState !== 4) { return; }
      try { answer = JSON.parse(xhr.responseText); } catch (ignored) { answer = null; }
      onDone(xhr.status === 200 ? answer : null);
    };
    if (body) { xhr.setRequestHeader('Content-Type', 'application/json'); }
    xhr.send(body ? JSON.stringify(body) : null);
  }

  menu.load = function () {
    var self = this;
    call('GET', '/api/productos', null, function (answer) {
      if (!answer) { return; }
      self.products = answer.productos;
      self.products.sort(function (a, b) { return a.nombre < b.nombre ? -1 : 1; });
      self.onChange();
    });
  };

  menu.list = function () {
    return this.products;
  };

  // A POS's own numbers need not be the menu's: the name must fit too.
  menu.product = function (id, name) {
    var i;
    for (i = 0; i < this.products.length; i++) {
      if (this.products[i].id === id && this.products[i].nombre === name) { return this.products[i]; }
    }
    return null;
  };

  menu.waits = function (id) {
    return this.waiting[id] === true;
  };

  menu.mark = function (id, available) {
    var self = this;
    if (this.waiting[id]) { return; }
    this.waiting[id] = true;
    this.onChange();
    call('PATCH', '/api/productos/' + id, { disponible: available }, function (answer) {
      delete self.waiting[id];
      if (answer) { self._set(id, answer.disponible); } else { self.say('No se pudo marcar el plato. Intente de nuevo.'); }
      self.onChange();
    });
  };

  menu._set = function (id, available) {
    var i;
    for (i = 0; i < this.products.length; i++) {
      if (this.products[i].id === id) { this.products[i].disponible = available; }
    }
  };

  menu.onAlert = function (evento) {
    if (evento.tipo === 'alerta_stock') { this._set(evento.producto_id, evento.nivel !== 'agotado'); }
  };

  pages.Menu = Menu;
}(window));
