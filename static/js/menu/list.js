/* These are the dishes of the menu, by category: what each costs, how many
   there are, and the switch by which there are some or none. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var fill = pages.fill;
  var wording = pages.wording;
  var WORDS = pages.menuWords;
  var ALL = '*';
  var HIDDEN = '**';

  // nodes: {sum, tabs, table, rows, none}
  function MenuList(nodes, menu) {
    this.nodes = nodes;
    this.menu = menu;
    this.tabs = new pages.Rows(nodes.tabs);
    this.rows = new pages.Rows(nodes.rows);
    this.tab = ALL;
    this.openId = null;          // of the dish whose form is open
  }

  var list = MenuList.prototype;

  // Of one category those that were made first stand first, and so do the categories.
  list._inOrder = function () {
    var menu = this.menu;
    return menu.categories().reduce(function (found, name) { return found.concat(menu.of(name)); }, []);
  };

  function isHidden(product) { return product.oculto === true; }

  list._chosen = function () {
    if (this.tab === ALL) { return this._inOrder(); }
    return this.tab === HIDDEN ? this._inOrder().filter(isHidden) : this.menu.of(this.tab);
  };

  // ---- above the table -------------------------------------------------------------

  list._sum = function () {
    var menu = this.menu, hidden = menu.products.filter(isHidden).length, parts, out;
    out = menu.products.filter(function (product) { return !isHidden(product) && menu.isOut(product); }).length;
    parts = [fill(WORDS.dishes, { n: menu.products.length - hidden })];
    if (out) { parts.push(fill(WORDS.ranOut, { n: out })); }
    if (hidden) { parts.push(fill(WORDS.hiddenOnes, { n: hidden })); }
    return parts.join(' · ');
  };

  list._showTabs = function () {
    var self = this, tabs = [[ALL, WORDS.all]];
    this.menu.categories().forEach(function (name) { tabs.push([name, name]); });
    if (this.menu.products.some(isHidden)) { tabs.push([HIDDEN, WORDS.hiddenTab]); }
    if (!tabs.some(function (tab) { return tab[0] === self.tab; })) { this.tab = ALL; }
    this.tabs.show(tabs.map(function (tab) { return self._tab(tab[0], tab[1]); }));
  };

  list._tab = function (key, text) {
    var self = this, on = key === this.tab;
    return {
      key: key,
      content: JSON.stringify([text, on]),
      draw: function () {
        var node = dom.button('tabs__item' + (on ? ' is-on' : ''), text, function () {
          self.tab = key;
          self.show();
        });
        node.setAttribute('aria-pressed', on ? 'true' : 'false');
        return node;
      }
    };
  };

  // ---- a dish ----------------------------------------------------------------------

  list._row = function (product) {
    var self = this, waits = this.menu.waits(product.id), open = product.id === this.openId;
    return {
      key: product.id,
      content: JSON.stringify([product, waits, open]),
      draw: function () {
        var out = self.menu.isOut(product), node = dom.create('tr', 'dtable__row' + (isHidden(product) ? ' is-hidden' : out ? ' is-out' : '') + (open ? ' is-on' : ''), [
          dom.create('td', 'dtable__what', [self._name(product)]),
          dom.create('td', 'dtable__code num', typeof product.id_pos === 'number' ? String(product.id_pos) : WORDS.nothing),
          dom.create('td', 'dtable__price num', [dom.create('b', '', wording.money(product.precio))]),
          dom.create('td', 'dtable__stock num', self._stock(product, out)),
          dom.create('td', 'dtable__today', [isHidden(product) ? self._bringBack(product, waits) : self._toggle(product, !out, waits)])
        ]);
        node.setAttribute('data-producto-id', product.id);
        return node;
      }
    };
  };

  // A link: the form has an address of its own, which Back leaves.
  list._name = function (product) {
    var node = dom.create('a', 'dtable__open', [
      dom.create('b', 'dtable__name', pages.isolate(product.nombre)),
      isHidden(product) ? dom.create('span', 'chip chip--sq', WORDS.hidden) : null,
      dom.create('small', 'dtable__category', product.categoria || pages.words.others),
      dom.create('small', 'dtable__brief num', [dom.create('b', '', wording.money(product.precio)), dom.text(this._left(product, ' · '))])
    ]);
    node.href = '#plato-' + product.id;
    node.title = fill(WORDS.editDish, { dish: product.nombre });
    return node;
  };

  // "quedan 12" after what stands before it, or '' of what is not counted.
  list._left = function (product, before) {
    var stock = product.stock_actual;
    if (typeof stock !== 'number' || stock <= 0) { return ''; }
    return before + fill(pages.words.left, { n: stock, left: wording.quantity(stock) });
  };

  list._stock = function (product, out) {
    var stock = product.stock_actual;
    return [
      dom.create('span', 'dtable__left', this._left(product, '') || (typeof stock === 'number' ? wording.quantity(stock) : WORDS.nothing)),
      dom.text(' '), this.menu.isLow(product) && !out ? dom.create('span', 'chip chip--sq chip--warn', pages.words.low) : null
    ];
  };

  list._toggle = function (product, on, waits) {
    var self = this, node = dom.button('toggle' + (on ? '' : ' is-off') + (waits ? ' is-sent' : ''), [
      dom.create('span', 'sr-only', fill(WORDS.dishSaid, { dish: product.nombre })), dom.text(on ? WORDS.there : pages.words.out)
    ], function () { self.menu.mark(product.id, !on); });
    node.setAttribute('role', 'switch');
    node.setAttribute('aria-checked', on ? 'true' : 'false');
    node.setAttribute('aria-busy', waits ? 'true' : 'false');
    return node;
  };

  list._bringBack = function (product, waits) {
    var self = this, node = dom.button('btn btn--secondary btn--touch' + (waits ? ' is-waiting' : ''), WORDS.show, function () {
      self.menu.change(product.id, { oculto: false }, WORDS.notDone);
    });
    node.setAttribute('aria-label', fill(WORDS.showDish, { dish: product.nombre }));
    node.setAttribute('aria-busy', waits ? 'true' : 'false');
    return node;
  };

  list.show = function () {
    var self = this, menu = this.menu, some = menu.products.length > 0;
    if (!menu.loaded) { return; }
    dom.setText(this.nodes.sum, this._sum());
    this._showTabs();
    this.rows.show(this._chosen().map(function (product) { return self._row(product); }));
    this.nodes.tabs.hidden = !some;
    this.nodes.table.hidden = !some;
    this.nodes.none.hidden = some;
  };

  pages.MenuList = MenuList;
}(window));
