/* This lists what has run out or runs low: by the menu's counts, and by what
   was said of dishes that the menu does not have. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.managerWords;
  var fill = pages.fill;

  function Stock(container, sum) {
    var self = this;
    this.rows = new pages.Rows(container);
    this.sum = sum;
    this.alerts = {};            // by product: the last alerta_stock, unless it said that there is some again
    this.menu = new pages.Menu(function () { self.show(); });
    this.show();
  }

  var stock = Stock.prototype;

  // A row that stands where there are none.
  function none(text) {
    return { key: '', content: text, draw: function () { return dom.create('p', 'none', text); } };
  }

  stock.load = function () { this.menu.load(); };

  stock.onAlert = function (evento) {
    var key = evento.producto_id + '/' + evento.nombre;   // a POS's number may be that of another dish here
    if (evento.tipo !== 'alerta_stock') { return; }
    this.alerts[key] = evento;
    if (evento.nivel === 'disponible') { delete this.alerts[key]; }
    this.menu.onAlert(evento);
    this.show();
  };

  // "quedan 12, mínimo 20 · 1 pedido afectado"
  function meta(left, least, affected) {
    var parts = [];
    if (typeof left === 'number' && left > 0) {
      parts.push(fill(typeof least === 'number' ? WORDS.leftOf : pages.words.left, {
        n: left, left: pages.wording.quantity(left), least: typeof least === 'number' ? pages.wording.quantity(least) : ''
      }));
    }
    if (affected) { parts.push(fill(WORDS.affected, { n: affected })); }
    return parts.join(' · ');
  }

  // pedidos_afectados is the publisher's: a number, or the orders themselves.
  function affectedOf(evento) {
    var affected = evento && evento.pedidos_afectados;
    return affected instanceof Array ? affected.length : typeof affected === 'number' ? affected : 0;
  }

  stock._list = function () {
    var self = this, list = [], told = {}, i, product, out, low;
    Object.keys(this.alerts).forEach(function (key) {
      var evento = self.alerts[key], dish = self.menu.ofAlert(evento);
      if (dish) {
        told[dish.id] = evento;
      } else if (!self.menu.isHidden(evento.producto_id, evento.nombre)) {
        list.push({
          key: key, name: evento.nombre, out: evento.nivel === 'agotado',
          meta: meta(evento.stock_actual, evento.stock_minimo, affectedOf(evento))
        });
      }
    });
    for (i = 0; i < this.menu.products.length; i++) {
      product = this.menu.products[i];
      out = this.menu.isOut(product);
      low = this.menu.isLow(product);
      if (out || low) {
        list.push({
          key: product.id + '/' + product.nombre, name: product.nombre, out: out,
          meta: meta(out ? null : product.stock_actual, product.stock_minimo, affectedOf(told[product.id]))
        });
      }
    }
    return list.sort(function (a, b) { return b.out - a.out || (a.name < b.name ? -1 : 1); });
  };

  function row(item) {
    return {
      key: item.key,
      content: JSON.stringify(item),
      draw: function () {
        return dom.create('div', 'device', [
          dom.create('span', 'device__name', [
            dom.text(pages.isolate(item.name)), item.meta ? dom.create('small', 'device__meta num', item.meta) : null
          ]),
          dom.create('span', 'chip chip--sq ' + (item.out ? 'chip--late' : 'chip--warn'), item.out ? pages.words.out : pages.words.low)
        ]);
      }
    };
  }

  stock.show = function () {
    var list = this._list(), empty = this.menu.products.length ? WORDS.nothingLow : pages.words.noData;
    this.rows.show(list.length ? list.map(row) : [none(empty)]);
    dom.setText(this.sum, list.length ? fill(WORDS.warnings, { n: list.length }) : '');
  };

  Stock.none = none;
  pages.Stock = Stock;
}(window));
