/* These are the dishes of an order at the counter: those that the written
   letters find, and those that are in it, each with its note. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var fill = pages.fill;
  var wording = pages.wording;
  var WORDS = pages.tillWords;

  // counter: whose draft it is: quantity(id), add(product, count), note(id, text), lines().
  function CounterDishes(menu, counter) {
    var self = this, input = dom.byId('counter-find');
    this.menu = menu;
    this.counter = counter;
    this.input = input;
    this.found = new pages.Rows(dom.byId('counter-menu'));
    this.lines = new pages.Rows(dom.byId('counter-lines'));
    input.oninput = function () { self.show(); };
    input.onkeydown = function (event) {
      if (event.keyCode !== 13) { return; }
      event.preventDefault();    // sends no form
      self._addFirst();
    };
  }

  var dishes = CounterDishes.prototype;

  // Without what letters carry: who types "jamon" finds it.
  function plain(text) {
    return text.toLowerCase().replace(/á/g, 'a').replace(/é/g, 'e').replace(/í/g, 'i').replace(/ó/g, 'o')
      .replace(/[úü]/g, 'u').replace(/ñ/g, 'n');
  }

  // "3 queso": {count: 3, words: ['queso']}; but "7 up" is one of the dish of that name.
  dishes._asked = function () {
    var parts = /^\s*(?:(\d{1,3})\s*[x×*]?\s+)?(.*?)\s*$/.exec(this.input.value), rest = plain(parts[2]).split(/\s+/).filter(Boolean);
    var whole = parts[1] ? [parts[1]].concat(rest) : rest;
    return parts[1] && !this._matches(whole).length ? { count: Number(parts[1]) || 1, words: rest } : { count: 1, words: whole };
  };

  dishes._matches = function (words) {
    return this.menu.products.filter(function (product) {
      var name = plain(product.nombre);
      return words.every(function (word) { return name.indexOf(word) >= 0; });
    });
  };

  // What Enter adds, or null.
  dishes._first = function (asked, found) {
    var menu = this.menu;
    return (asked.words.length && found.filter(function (product) { return !menu.isOut(product); })[0]) || null;
  };

  dishes._addFirst = function () {
    var asked = this._asked(), first = this._first(asked, this._matches(asked.words));
    if (!first) { return; }
    this.input.value = '';
    this.counter.add(first, asked.count);
  };

  function step(icon, label, onTap) {
    var node = dom.button('step__btn step__btn--' + (icon === 'plus' ? 'add' : 'less'), [dom.icon(icon)], onTap);
    node.setAttribute('aria-label', label);
    return node;
  }

  dishes._product = function (product, isFirst) {
    var self = this, out = this.menu.isOut(product), count = this.counter.quantity(product.id);
    return {
      key: product.id,
      content: JSON.stringify([product, out, count, isFirst]),
      draw: function () {
        var node = dom.button('dish' + (isFirst ? ' is-first' : ''), [
          dom.create('span', 'dish__name', product.nombre),
          dom.create('span', 'dish__price num', out ? WORDS.soldOut : wording.money(product.precio)),
          count ? dom.create('b', 'dish__count num', count + '×') : null
        ], function () { self.counter.add(product, 1); });
        node.disabled = out;
        node.setAttribute('data-producto-id', product.id);
        return node;
      }
    };
  };

  dishes._noteField = function (line) {
    var self = this, input = dom.create('input', 'input counter__note');
    input.type = 'text';
    input.maxLength = 200;
    input.value = line.notas;
    input.setAttribute('placeholder', WORDS.note);
    input.setAttribute('aria-label', fill(WORDS.noteFor, { dish: line.product.nombre }));
    input.oninput = function () { self.counter.note(line.id, input.value); };
    input.onkeydown = function (event) {
      if (event.keyCode !== 13) { return; }
      event.preventDefault();
      self.input.focus();
    };
    return input;
  };

  // Not drawn anew while its note is being written.
  dishes._line = function (line) {
    var self = this, out = this.menu.isOut(line.product);
    return {
      key: line.id,
      content: JSON.stringify([line.product.nombre, line.product.precio, out, line.cantidad]),
      draw: function () {
        var node = dom.create('div', 'counter__line', [
          dom.create('p', 'counter__dish', [
            dom.create('b', 'num', line.cantidad + '× '), dom.text(pages.isolate(line.product.nombre)),
            out ? dom.create('span', 'chip chip--sq chip--warn', WORDS.soldOut) : null,
            dom.create('span', 'counter__price num', wording.money(line.cantidad * (line.product.precio || 0)))
          ]),
          self._noteField(line),
          step('minus', fill(WORDS.less, { dish: line.product.nombre }), function () { self.counter.add(line.product, -1); }),
          step('plus', fill(WORDS.more, { dish: line.product.nombre }), function () { self.counter.add(line.product, 1); })
        ]);
        node.setAttribute('data-producto-id', line.id);
        return node;
      }
    };
  };

  dishes.show = function () {
    var self = this, asked = this._asked(), found = this._matches(asked.words), lines = this.counter.lines();
    var first = this._first(asked, found);
    this.found.show(found.map(function (product) { return self._product(product, product === first); }));
    dom.byId('counter-none').hidden = found.length > 0;
    dom.setText(dom.byId('counter-none'), !this.menu.loaded ? pages.words.loading : this.menu.products.length ? WORDS.noMatch : pages.words.noMenu);
    this.lines.show(lines.map(function (line) { return self._line(line); }));
    dom.byId('counter-empty').hidden = lines.length > 0;
  };

  pages.CounterDishes = CounterDishes;
}(window));
