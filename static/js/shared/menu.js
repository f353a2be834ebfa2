/* A menu holds the dishes as the service knows them and what has run out, and
   marks a dish as run out or back. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var RETRY_MS = 4000;
  var OTHERS = pages.words.others;

  // onChange(); say(text), where dishes are changed, tells why one could not be. A manager is told the hidden dishes too;
  // withHidden: they are shown. Everywhere else a manager sees the menu that the others see.
  function Menu(onChange, say, withHidden) {
    this.onChange = onChange;
    this.say = say;
    this.withHidden = withHidden === true;
    this.waiting = {};           // by id: dishes that are being marked
    this.told = [];              // as the service has told it
    this.products = [];          // what is shown of it
    this.byId = {};
    this.hidden = {};            // by id: the hidden dishes that are not among the products
    this.loaded = false;
    this.sure = false;           // it is no older than what was told: the first answer may be, and is shown until the next one
    this.stale = false;          // something was told while a request was under way: its answer may be older
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
    this.stale = false;
    this.request = pages.http.get('/api/productos', { productos: 'list' }, function (answer) {
      self.request = null;
      if (answer.status !== 200) {
        self.timer = window.setTimeout(function () { self.load(); }, RETRY_MS);
        return;
      }
      if (!self.stale || !self.loaded) {
        self.sure = !self.stale;
        self.take(answer.body.productos);
      }
      if (self.stale) { self.load(); }
    });
  };

  menu.take = function (list) {
    var i;
    this.told = list;
    this.products = [];
    this.byId = {};
    this.hidden = {};
    for (i = 0; i < list.length; i++) {
      if (list[i].oculto === true && !this.withHidden) {
        this.hidden[list[i].id] = list[i];
      } else {
        this.products.push(list[i]);
        this.byId[list[i].id] = list[i];
      }
    }
    this.loaded = true;
    this.onChange();
  };

  // One dish as the service has it now, new or known.
  menu.put = function (product) {
    var found = false, list = this.told.map(function (other) {
      found = found || other.id === product.id;
      return other.id === product.id ? product : other;
    });
    this.stale = true;
    this.take(found ? list : list.concat([product]));
  };

  // The dish of an alerta_stock: a POS's names its own number.
  menu.ofAlert = function (evento) {
    var id = evento.producto_id;
    return this.product(id, evento.nombre) ||
      this.products.filter(function (product) { return product.id_pos === id; })[0] || null;
  };

  menu.onAlert = function (evento) {
    var product = evento.tipo === 'alerta_stock' ? this.ofAlert(evento) : null;
    this.stale = this.stale || evento.tipo === 'alerta_stock';
    if (!product) { return; }
    if (typeof evento.stock_actual === 'number') { product.stock_actual = evento.stock_actual; }
    if (evento.nivel === 'agotado') { product.disponible = false; }
    if (evento.nivel === 'disponible') {
      product.disponible = true;
      if (evento.stock_actual === null) { product.stock_actual = null; }   // the count was wrong: it is kept no more
    }
    this.onChange();
  };

  menu.isOut = function (product) {
    return product.disponible === false || (typeof product.stock_actual === 'number' && product.stock_actual <= 0);
  };

  menu.isLow = function (product) {
    return typeof product.stock_actual === 'number' && typeof product.stock_minimo === 'number' && product.stock_actual <= product.stock_minimo;
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

  menu.isHidden = function (id, name) {
    var product = this.hidden[id];
    return !!product && product.nombre === name;
  };

  menu.waits = function (id) {
    return this.waiting[id] === true;
  };

  menu.mark = function (id, available) {
    this.change(id, { disponible: available }, pages.words.notMarked);
  };

  // Safe to repeat; without a connection it is refused at once, and said.
  menu.change = function (id, fields, refusal) {
    var self = this;
    if (this.waiting[id]) { return; }
    this.waiting[id] = true;
    this.onChange();
    pages.http.send('PATCH', '/api/productos/' + id, fields, { id: 'number', nombre: 'string', disponible: 'boolean' }, function (answer) {
      delete self.waiting[id];
      if (answer.status === 200) {
        self.put(answer.body);
      } else {
        self.say(refusal);
        self.onChange();
      }
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
