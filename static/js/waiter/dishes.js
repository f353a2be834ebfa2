/* This shows the dishes of the menu that are in sight, with how many of each
   are ordered and the note for each. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var wording = pages.wording;

  // entry: whose draft it is: line(id), setQuantity(product, quantity), writeNote(product).
  function Dishes(container, menu, entry) {
    this.rows = new pages.Rows(container);
    this.menu = menu;
    this.entry = entry;
  }

  var dishes = Dishes.prototype;

  dishes.show = function (products) {
    var rows = [], i;
    for (i = 0; i < products.length; i++) { rows.push(this._row(products[i])); }
    this.rows.show(rows);
  };

  dishes._row = function (product) {
    var self = this, line = this.entry.line(product.id);
    return {
      key: product.id,
      content: JSON.stringify([product, line.cantidad, line.notas]),
      draw: function () { return self._drawRow(product, line); }
    };
  };

  function scarce(product) {
    return typeof product.stock_actual === 'number' && product.stock_actual > 0 &&
      product.stock_actual <= (product.stock_minimo || 0);
  }

  dishes._drawRow = function (product, line) {
    var self = this, out = this.menu.isOut(product), name, price, node;
    price = dom.create('span', 'menu__price num', [
      dom.text(wording.money(product.precio)),
      scarce(product) && !out ? dom.create('span', 'menu__few', pages.fill(WORDS.left, { n: product.stock_actual })) : null,
      line.notas ? dom.create('span', 'menu__note', line.notas) : null,
      line.cantidad && !line.notas && !out ? dom.create('span', 'menu__hint', WORDS.addNote) : null
    ]);
    name = dom.button('menu__what grow', [dom.create('span', 'menu__name', product.nombre), price], function () {
      self._touch(product, line);
    });
    name.disabled = out;
    name.title = pages.fill(line.cantidad ? WORDS.noteFor : WORDS.addDish, { dish: product.nombre });
    node = dom.create('div', 'menu__row' + (out ? ' is-out' : ''), [
      name, out && !line.cantidad ? dom.create('span', 'chip', WORDS.isOut) : this._stepper(product, line, out)
    ]);
    node.setAttribute('data-producto-id', product.id);
    return dom.create('div', 'menu__item', [node]);
  };

  dishes._touch = function (product, line) {
    if (line.cantidad) { this.entry.writeNote(product); } else { this.entry.setQuantity(product, 1); }
  };

  dishes._stepper = function (product, line, out) {
    var self = this, stepButton = pages.LineEdit.stepButton, node = dom.create('span', 'step');
    if (out) { node.appendChild(dom.create('span', 'chip', WORDS.isOut)); }
    if (line.cantidad) {
      node.appendChild(stepButton('step__btn--less', 'minus', pages.fill(WORDS.takeDish, { dish: product.nombre }), function () {
        self.entry.setQuantity(product, self.entry.line(product.id).cantidad - 1);
      }));
      node.appendChild(dom.create('span', 'step__qty num', String(line.cantidad)));
    }
    if (!out) {
      node.appendChild(stepButton('step__btn--add', 'plus', pages.fill(WORDS.addDish, { dish: product.nombre }), function () {
        self.entry.setQuantity(product, self.entry.line(product.id).cantidad + 1);
      }));
    }
    return node;
  };

  pages.Dishes = Dishes;
}(window));
