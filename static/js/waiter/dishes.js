/* This shows the dishes of the menu that are in sight, with how many of each
   are ordered and the note for each. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;

  // entry: whose draft it is: line(id), setQuantity(product, quantity), keep(), show().
  function Dishes(container, menu, entry) {
    this.rows = new pages.Rows(container);
    this.menu = menu;
    this.entry = entry;
    this.editing = null;         // the product whose note is open
  }

  var dishes = Dishes.prototype;

  dishes.show = function (products) {
    var rows = [], i;
    for (i = 0; i < products.length; i++) { rows.push(this._row(products[i])); }
    this.rows.show(rows);
  };

  dishes._row = function (product) {
    var self = this, line = this.entry.line(product.id), open = this.editing === product.id;
    return {
      key: product.id,
      // The note's text is left out while it is being written.
      content: JSON.stringify([product, line.cantidad, open ? true : line.notas]),
      draw: function () { return self._drawRow(product, line, open); }
    };
  };

  function scarce(product) {
    return typeof product.stock_actual === 'number' && product.stock_actual > 0 &&
      product.stock_actual <= (product.stock_minimo || 0);
  }

  dishes._drawRow = function (product, line, open) {
    var self = this, out = this.menu.isOut(product), name, price, node;
    price = dom.create('span', 'menu__price num', [
      dom.text(wording.money(product.precio)),
      scarce(product) && !out ? dom.create('span', 'menu__few', 'Quedan ' + product.stock_actual) : null,
      line.notas && !open ? dom.create('span', 'menu__note', line.notas) : null,
      line.cantidad && !line.notas && !open && !out ? dom.create('span', 'menu__hint', 'Agregar nota') : null
    ]);
    name = dom.button('menu__what grow', [dom.create('span', 'menu__name', product.nombre), price], function () {
      self._touch(product, line);
    });
    name.disabled = out;
    name.title = line.cantidad ? 'Nota para ' + product.nombre : 'Agregar ' + product.nombre;
    node = dom.create('div', 'menu__row' + (out ? ' is-out' : ''), [
      name, out && !line.cantidad ? dom.create('span', 'chip', 'Agotado') : this._stepper(product, line, out)
    ]);
    node.setAttribute('data-producto-id', product.id);
    node = dom.create('div', 'menu__item', [node, open ? this._noteField(product) : null]);
    return node;
  };

  dishes._touch = function (product, line) {
    if (!line.cantidad) {
      this.entry.setQuantity(product, 1);
      return;
    }
    this.editing = this.editing === product.id ? null : product.id;
    this.entry.show();
    if (this.editing !== null) { dom.byId('note-' + product.id).focus(); }
  };

  function stepButton(className, icon, label, onTap) {
    var node = dom.button('step__btn ' + className, [dom.icon(icon)], onTap);
    node.setAttribute('aria-label', label);
    return node;
  }

  dishes._stepper = function (product, line, out) {
    var self = this, node = dom.create('span', 'step');
    if (out) { node.appendChild(dom.create('span', 'chip', 'Agotado')); }
    if (line.cantidad) {
      node.appendChild(stepButton('step__btn--less', 'minus', 'Quitar ' + product.nombre, function () {
        self.entry.setQuantity(product, self.entry.line(product.id).cantidad - 1);
      }));
      node.appendChild(dom.create('span', 'step__qty num', String(line.cantidad)));
    }
    if (!out) {
      node.appendChild(stepButton('step__btn--add', 'plus', 'Agregar ' + product.nombre, function () {
        self.entry.setQuantity(product, self.entry.line(product.id).cantidad + 1);
      }));
    }
    return node;
  };

  dishes._noteField = function (product) {
    var self = this, input = dom.create('input', 'input');
    input.id = 'note-' + product.id;
    input.type = 'text';
    input.maxLength = 200;
    input.value = this.entry.line(product.id).notas;
    input.setAttribute('placeholder', 'SIN curtido, bien tostada…');
    input.setAttribute('aria-label', 'Nota para ' + product.nombre);
    input.oninput = function () {
      self.entry.line(product.id).notas = input.value;
      self.entry.keep();
    };
    function close() {
      self.editing = null;
      self.entry.show();
    }
    input.onkeydown = function (event) {
      if (event.keyCode === 13 || event.keyCode === 27) {
        close();
        return false;
      }
      return true;
    };
    return dom.create('div', 'menu__edit', [input, dom.button('btn btn--secondary btn--touch', 'Listo', close)]);
  };

  Dishes.stepButton = stepButton;
  pages.Dishes = Dishes;
}(window));
