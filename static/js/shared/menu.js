/* A menu holds the dishes as the service knows them and what has run out, and
   marks a dish as run out or back. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var RETRY_MS = 4000;
  var OTHERS = pages.words.others;

  // onChange(); say(text), where dishes are marked, tells why one could not be.
  function Menu(onChange, say) {
    this.onChange = onChange;
    this.say = say;
    this.waiting = {};           // by id: dishes that are being marked
    this.products = [];
    this.byId = {};
    this.loaded = false;
    this.request = null;
    this.timer = null;
  }

  var menu = Menu.prototype;

  // Asked again with each snapshot: what ran out meanwhile is in the answer, and
  // what runs out later comes as an event.
  menu.load = function () {
    var self = this;
    window.clearTimeout(this.timer);
    if (this.request) { this.request.drop(); }
    this.request = pages.http.get('/api/productos', { productos: 'list' }, function (answer) {
      self.request = null;
      if (answer.status === 200) {
        self._take(answer.body.productos);
      } else {
        self.timer = window.setTimeout(function () { self.load(); }, RETRY_MS);
      }
    });
  };

  menu._take = function (list) {
    var i;
    this.products = list;
    this.byId = {};
    for (i = 0; i < list.length; i++) { this.byId[list[i].id] = list[i]; }
    this.loaded = true;
    this.onChange();
  };

  // An alerta_stock.
  menu.onAlert = function (evento) {
    var product = this.byId[evento.producto_id];
    if (!product || evento.tipo !== 'alerta_stock') { return; }
    if (typeof evento.stock_actual === 'number') { product.stock_actual = evento.stock_actual; }
    if (evento.nivel === 'agotado') { product.disponible = false; }
    if (evento.nivel === 'disponible') { product.disponible = true; }
    this.onChange();
  };

  menu.isOut = function (product) {
    return product.disponible === false || (typeof product.stock_actual === 'number' && product.stock_actual <= 0);
  };

  // Of a line that is to be made: is there nothing to make it of? Who ordered the last of what is counted gets it, so
  // that only a dish that somebody has taken off the menu is missing.
  menu.isMissing = function (item) {
    var product = pages.lines.toMake(item) > 0 ? this.product(item.producto_id, item.producto_nombre) : null;
    return product !== null && product.disponible === false && !(typeof product.stock_actual === 'number' && product.stock_actual <= 0);
  };

  // The ids of such lines.
  menu.missing = function (items) {
    var self = this;
    return items.filter(function (item) { return self.isMissing(item); }).map(function (item) { return item.id; });
  };

  menu.list = function () {
    return this.products.slice().sort(function (a, b) { return a.nombre < b.nombre ? -1 : 1; });
  };

  // A POS's own numbers need not be the menu's: the name must fit too.
  menu.product = function (id, name) {
    var product = this.byId[id];
    return product && product.nombre === name ? product : null;
  };

  menu.waits = function (id) {
    return this.waiting[id] === true;
  };

  // Safe to repeat; without a connection it is refused at once, and said.
  menu.mark = function (id, available) {
    var self = this;
    if (this.waiting[id]) { return; }
    this.waiting[id] = true;
    this.onChange();
    pages.http.send('PATCH', '/api/productos/' + id, { disponible: available }, { disponible: 'boolean' }, function (answer) {
      delete self.waiting[id];
      if (answer.status !== 200) {
        self.say(pages.words.notMarked);
      } else if (self.byId[id]) {
        self.byId[id].disponible = answer.body.disponible;
      }
      self.onChange();
    });
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

  pages.Menu = Menu;
}(window));
