/* The dishes as the service knows them, and what has run out. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var RETRY_MS = 4000;
  var OTHERS = 'Otros';

  function Products(onChange) {
    this.onChange = onChange;
    this.products = [];
    this.byId = {};
    this.loaded = false;
    this.request = null;
    this.timer = null;
  }

  var menu = Products.prototype;

  // Asked again with each snapshot: what ran out meanwhile is in the answer, and
  // what runs out later comes as an event.
  menu.load = function () {
    var self = this, xhr = new window.XMLHttpRequest();
    window.clearTimeout(this.timer);
    if (this.request) { this.request.onreadystatechange = null; this.request.abort(); }
    this.request = xhr;
    xhr.open('GET', '/api/productos', true);
    xhr.setRequestHeader('Accept', 'application/json');
    xhr.onreadystatechange = function () {
      if (xhr.readyState !== 4) { return; }
      self.request = null;
      if (xhr.status === 200) {
        self._take(JSON.parse(xhr.responseText));
      } else {
        self.timer = window.setTimeout(function () { self.load(); }, RETRY_MS);
      }
    };
    xhr.send(null);
  };

  menu._take = function (body) {
    var i, list = body.productos || body;
    this.products = list;
    this.byId = {};
    for (i = 0; i < list.length; i++) { this.byId[list[i].id] = list[i]; }
    this.loaded = true;
    this.onChange();
  };

  // An alerta_stock.
  menu.onAlert = function (evento) {
    var product = this.byId[evento.producto_id];
    if (!product) { return; }
    if (typeof evento.stock_actual === 'number') { product.stock_actual = evento.stock_actual; }
    if (evento.nivel === 'agotado') { product.disponible = false; }
    if (evento.nivel === 'disponible') { product.disponible = true; }
    this.onChange();
  };

  menu.isOut = function (product) {
    return product.disponible === false || (typeof product.stock_actual === 'number' && product.stock_actual <= 0);
  };

  menu.categories = function () {
    var list = [], i, name;
    for (i = 0; i < this.products.length; i++) {
      name = this.products[i].categoria || OTHERS;
      if (list.indexOf(name) < 0) { list.push(name); }
    }
    return list;
  };

  menu.of = function (category) {
    return this.products.filter(function (product) { return (product.categoria || OTHERS) === category; });
  };

  pages.Products = Products;
}(window));
