/* The strip at the foot of the board tells how many of each dish are still to
   be made and what has run out, and it lets INICIAR be taken back. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.kitchenWords;
  var BACK_MS = 60000;           // how long "Ya hay" stays

  function FootStrip(allDay, stock, undo) {
    this.allDay = allDay;
    this.stock = stock;
    this.undo = undo;
    this.products = {};          // by number and name, since a POS has numbers of its own: {id, name, level, at}
    this.sums = '';
    this.notices = '';
    this.undoing = null;         // the id of the order that can be taken back
  }

  var strip = FootStrip.prototype;

  // What is to be made of the orders to cook, by dish: [{name, id, count}], most first.
  function sum(records) {
    var byName = {}, list = [], i, j, items, name, dish;
    for (i = 0; i < records.length; i++) {
      items = pages.states.TO_COOK[records[i].pedido.estado] ? records[i].pedido.items : [];
      for (j = 0; j < items.length; j++) {
        if (pages.lines.toMake(items[j]) > 0) {
          name = items[j].producto_nombre || pages.words.dish;
          dish = byName['$' + name] = byName['$' + name] || { name: name, id: null, count: 0 };
          dish.count = Math.round((dish.count + pages.lines.toMake(items[j])) * 1000) / 1000;
          dish.id = dish.id || items[j].producto_id || null;
        }
      }
    }
    for (name in byName) {
      if (byName.hasOwnProperty(name)) { list.push(byName[name]); }
    }
    list.sort(function (a, b) { return b.count - a.count || (a.name < b.name ? -1 : 1); });
    return list;
  }

  strip.showSums = function (list) {
    var key = JSON.stringify(list), i;
    if (key === this.sums) { return; }
    this.sums = key;
    dom.empty(this.allDay);
    this.allDay.appendChild(dom.create('span', 'allday__label', [dom.icon('up'), dom.text(WORDS.toMake)]));
    if (!list.length) { this.allDay.appendChild(dom.create('span', 'allday__item', WORDS.nothingToMake)); }
    for (i = 0; i < list.length; i++) {
      this.allDay.appendChild(dom.create('span', 'allday__item', [
        dom.create('b', 'num', String(list[i].count)),
        dom.text(pages.isolate(list[i].name))
      ]));
    }
  };

  // The menu has taken the alert before.
  strip.onAlert = function (evento, now, menu) {
    if (evento.tipo !== 'alerta_stock' || evento.nivel === 'bajo') { return; }
    this.products[evento.producto_id + '/' + evento.nombre] = {
      id: evento.producto_id, name: evento.nombre || pages.fill(WORDS.dishNumber, { id: evento.producto_id }), level: evento.nivel, at: now
    };
    this.showStock(now, menu);
  };

  // Whether the menu knows better: while a page heard nothing, its dish may have come back. Of what a POS has told by
  // numbers of its own, the menu knows nothing.
  function isThere(product, menu) {
    var known = menu.product(product.id, product.name);
    return menu.sure && known !== null && !menu.isOut(known);
  }

  strip.showStock = function (now, menu) {
    var out = [], back = [], id, product, key;
    for (id in this.products) {
      if (!this.products.hasOwnProperty(id)) { continue; }
      product = this.products[id];
      if (product.level === 'agotado' && isThere(product, menu)) {
        delete this.products[id];
      } else if (product.level === 'agotado') {
        out.push(product.name);
      } else if (now - product.at < BACK_MS) {
        back.push(product.name);
      } else {
        delete this.products[id];
      }
    }
    key = JSON.stringify([out, back]);
    if (key === this.notices) { return; }
    this.notices = key;
    dom.empty(this.stock);
    if (out.length) { this.stock.appendChild(this._notice('out', WORDS.ranOut, out)); }
    if (back.length) { this.stock.appendChild(this._notice('check', WORDS.isBack, back)); }
    this.stock.hidden = !out.length && !back.length;
  };

  strip._notice = function (icon, label, names) {
    return dom.create('span', 'stock__item', [
      dom.icon(icon, 'icon--l'), dom.create('b', '', label), dom.text(' ' + names.join(', '))
    ]);
  };

  // undoable: {record, left: seconds} or null. The button stays one node while it counts down.
  strip.showUndo = function (undoable, onUndo) {
    var record = undoable && undoable.record;
    this.undo.hidden = !record;
    if (!record) { this.undoing = null; return; }
    if (this.undoing !== record.id) {
      this.undoing = record.id;
      dom.empty(this.undo);
      this.undo.appendChild(dom.create('span', 'undo__what', pages.fill(WORDS.startedJustNow, { whom: pages.tickets.title(record.pedido) })));
      this.undo.appendChild(dom.button('undo__do', [
        dom.icon('undo', 'icon--l'), dom.text(' ' + pages.words.undo + ' '), dom.create('span', 'undo__left num')
      ], function () { onUndo(record); }));
    }
    dom.setText(this.undo.querySelector('.undo__left'), pages.fill(WORDS.secondsLeft, { n: undoable.left }));
  };

  FootStrip.sum = sum;
  pages.FootStrip = FootStrip;
}(window));
