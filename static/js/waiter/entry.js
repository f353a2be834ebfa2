/* Here the waiter writes an order: for whom, which dishes, which notes. He may
   also add dishes to an order that exists. What is written survives a reload
   of the page. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var wording = pages.wording;
  var GOES = ['direccion', 'telefono', 'repartidor'];
  var ALL = '*';                 // the tab of what has been chosen

  function newDraft() {
    return {
      tipo: 'mesa', mesa: '', cliente: '', telefono: '', direccion: '', repartidor: '', pago: 'anticipado', pagoDomicilio: 'al_final',
      notas: '', lines: {}, target: null, replaces: null
    };
  }

  // A draft that an earlier version of this page has kept lacks what it did not know.
  function whole(kept) {
    var draft = newDraft(), name;
    for (name in kept) {
      if (kept.hasOwnProperty(name)) { draft[name] = kept[name]; }
    }
    return draft;
  }

  // onSend(draft) of a draft that is complete. onNote(target): for noteedit.js.
  function Entry(menu, userId, onSend, onNote) {
    var self = this;
    this.key = 'notif:borrador:' + userId;
    this.menu = menu;
    this.onSend = onSend;
    this.onNote = onNote;
    this.draft = whole(pages.storage.tab.get(this.key));
    this.category = '';
    this.dishes = new pages.Dishes(dom.byId('menu'), menu, this);
    this.tabs = new pages.Rows(dom.byId('tabs'));
    this._bind('entry-table', 'mesa');
    this._bind('entry-customer', 'cliente');
    this._bind('entry-phone', 'telefono');
    this._bind('entry-address', 'direccion');
    this._bind('entry-courier', 'repartidor');
    pages.tableField.bind(dom.byId('entry-table'), dom.byId('entry-keys'));
    this._choice('entry-mesa', 'tipo', 'mesa');
    this._choice('entry-llevar', 'tipo', 'llevar');
    this._choice('entry-domicilio', 'tipo', 'domicilio');
    this._choice('entry-before', 'pago', 'anticipado');
    this._choice('entry-after', 'pago', 'al_final');
    dom.byId('entry-count').onclick = function () {
      self.category = ALL;
      self.show();
    };
    dom.byId('entry-notes').onclick = function () { self.writeNote(null); };
    dom.byId('entry-form').onsubmit = function () {
      self.send();
      return false;
    };
  }

  var entry = Entry.prototype;

  entry._bind = function (id, field) {
    var self = this, input = dom.byId(id);
    input.oninput = function () {
      self.draft[field] = input.value;
      self.fail('');
      self.show();
    };
  };

  // A takeaway is paid first unless somebody says otherwise, a delivery at the door.
  function payField(draft) {
    return draft.tipo === 'domicilio' ? 'pagoDomicilio' : 'pago';
  }

  entry._choice = function (id, field, value) {
    var self = this;
    dom.byId(id).onclick = function () {
      self.draft[field === 'pago' ? payField(self.draft) : field] = value;
      self.fail('');
      self.show();
    };
  };

  // ---- the draft -----------------------------------------------------------------

  entry.begin = function (draft) {
    this.draft = whole(draft);
    this.category = '';
    this.fail('');
    this.show();
  };

  function aim(draft, pedido) {
    draft.tipo = pedido.tipo;
    draft.target = { id: pedido.id, label: wording.label(pedido), tipo: pedido.tipo, mesa_numero: pedido.mesa_numero, mesa: pedido.mesa,
      cliente_nombre: pedido.cliente_nombre, numero: pedido.numero };
    return draft;
  }

  // Dishes for an order that exists. instead: the line that they take the place of, or nothing.
  entry.beginFor = function (pedido, instead) {
    var draft = aim(newDraft(), pedido);
    draft.replaces = instead || null;
    this.begin(draft);
  };

  // The same dishes, for an order that exists.
  entry.aimed = function (draft, pedido) { return aim(whole(draft), pedido); };

  // Another table was meant.
  entry.askTable = function () {
    dom.byId('entry-table').focus();
    dom.byId('entry-table').select();
  };

  entry.keep = function () {
    pages.storage.tab.set(this.key, this.draft);
  };

  entry.line = function (id) {
    return this.draft.lines[id] || { cantidad: 0, notas: '' };
  };

  entry.setQuantity = function (product, quantity) {
    var line = this.line(product.id);
    if (quantity <= 0) {
      delete this.draft.lines[product.id];
    } else {
      this.draft.lines[product.id] = { cantidad: quantity, notas: line.notas };
    }
    this.fail('');
    this.show();
  };

  // product: null for the note of the whole order.
  entry.writeNote = function (product) {
    var self = this, draft = this.draft, line = product && this.line(product.id), label = this._label();
    this.onNote({
      title: product ? product.nombre : WORDS.orderNote,
      aside: product && line.cantidad ? line.cantidad + '×' + (label ? ' · ' + label : '') : label,
      quantity: product ? line.cantidad : 0,
      text: product ? line.notas : draft.notas,
      set: function (text) {
        if (product) { line.notas = text; } else { draft.notas = text; }
        self.keep();
      }
    });
  };

  // "Mesa 7", as far as it has been written.
  entry._label = function () {
    var draft = this.draft, table = pages.tableField.read(draft.mesa);
    if (draft.target) { return draft.target.label; }
    if (draft.tipo !== 'mesa') { return wording.label({ tipo: draft.tipo, cliente_nombre: draft.cliente.trim() }); }
    return table ? pages.places.table(table) : '';
  };

  // {dishes, total, items, out: names}
  entry.sum = function (draft) {
    var result = { dishes: 0, total: 0, items: [], out: [] }, chosen = (draft || this.draft).lines, id, line, product, item;
    for (id in chosen) {
      if (!chosen.hasOwnProperty(id)) { continue; }
      line = chosen[id];
      product = this.menu.byId[id];
      if (!product) { continue; }
      result.dishes += line.cantidad;
      result.total += line.cantidad * (product.precio || 0);
      if (this.menu.isOut(product)) { result.out.push(product.nombre); }
      item = { producto_id: product.id, cantidad: line.cantidad };
      if (line.notas.trim()) { item.notas = line.notas.trim(); }
      result.items.push(item);
    }
    return result;
  };

  // ---- sending -------------------------------------------------------------------

  entry.fail = function (text, focusId) {
    var node = dom.byId('entry-error');
    dom.setText(node, text);
    node.hidden = !text;
    if (text && focusId) { dom.byId(focusId).focus(); }
  };

  entry._problem = function (sum) {
    var draft = this.draft;
    if (!draft.target && draft.tipo === 'mesa' && !pages.tableField.read(draft.mesa)) {
      return [WORDS.noTable, 'entry-table'];
    }
    if (!draft.target && draft.tipo !== 'mesa' && !draft.cliente.trim()) {
      return [WORDS.noCustomer, 'entry-customer'];
    }
    if (!draft.target && draft.tipo === 'domicilio' && !draft.direccion.trim()) {
      return [WORDS.noAddress, 'entry-address'];
    }
    if (!sum.items.length) { return [WORDS.noDishes]; }
    if (sum.out.length) { return [pages.fill(WORDS.ranOut, { dishes: sum.out.join(', ') })]; }
    return null;
  };

  function bodyOf(draft, sum) {
    var body = { tipo: draft.tipo, items: sum.items }, table = pages.tableField.read(draft.mesa);
    if (draft.tipo === 'mesa') {
      if (table.mesa) { body.mesa = table.mesa; } else { body.mesa_numero = table.mesa_numero; }
      body.tipo_pago = 'al_final';
    } else {
      body.cliente_nombre = draft.cliente.trim();
      body.tipo_pago = draft[payField(draft)];
    }
    if (draft.tipo === 'domicilio') {
      GOES.forEach(function (name) {
        if (draft[name].trim()) { body[name] = draft[name].trim(); }
      });
    }
    if (draft.notas.trim()) { body.notas = draft.notas.trim(); }
    return body;
  }

  entry.send = function () {
    var sum = this.sum(), problem = this._problem(sum);
    if (problem) {
      if (sum.out.length) { this.category = ALL; }
      this.show();
      this.fail(problem[0], problem[1]);
      return;
    }
    this.onSend(this.draft);
  };

  // What travels of it.
  entry.body = function (draft) {
    var sum = this.sum(draft);
    return draft.target ? { items: sum.items } : bodyOf(draft, sum);
  };

  entry.summary = function (draft) {
    var sum = this.sum(draft);
    return pages.fill(WORDS.summary, { n: sum.dishes, sum: wording.money(sum.total) });
  };

  // ---- drawing -------------------------------------------------------------------

  function choose(id, chosen) {
    var node = dom.byId(id);
    node.className = 'seg__item' + (chosen ? ' is-on' : '');
    node.setAttribute('aria-pressed', chosen ? 'true' : 'false');
  }

  function setValue(id, value) {
    if (dom.byId(id).value !== value) { dom.byId(id).value = value; }
  }

  // hint: what stands under the table's field; left out, it stays as it is.
  entry.show = function (hint) {
    var draft = this.draft, sum = this.sum(), target = draft.target, table = pages.tableField.read(draft.mesa);
    this.keep();
    dom.byId('entry-target').hidden = !target;
    dom.byId('entry-kind').hidden = !!target;
    dom.byId('entry-whom').hidden = !!target;
    dom.byId('entry-notes-field').hidden = !!target;
    if (target) {
      dom.setText(dom.byId('entry-target'), pages.fill(draft.replaces ? WORDS.insteadOf : WORDS.addTo, {
        whom: target.label, dish: draft.replaces ? draft.replaces.producto_nombre : ''
      }));
    }
    if (hint !== undefined) {
      dom.setText(dom.byId('entry-busy'), hint);
      dom.byId('entry-busy').hidden = !hint;
    }
    choose('entry-mesa', draft.tipo === 'mesa');
    choose('entry-llevar', draft.tipo === 'llevar');
    choose('entry-domicilio', draft.tipo === 'domicilio');
    choose('entry-before', draft[payField(draft)] === 'anticipado');
    choose('entry-after', draft[payField(draft)] === 'al_final');
    dom.setText(dom.byId('entry-after'), draft.tipo === 'domicilio' ? WORDS.payAtDoor : WORDS.payAtPickup);
    dom.setText(dom.byId('entry-mesa'), table ? pages.places.table(table) : pages.words.mesa);
    dom.byId('entry-at-table').hidden = draft.tipo !== 'mesa';
    dom.byId('entry-takeaway').hidden = draft.tipo === 'mesa';
    dom.byId('entry-delivery').hidden = draft.tipo !== 'domicilio';
    GOES.forEach(function (name, index) { setValue(['entry-address', 'entry-phone', 'entry-courier'][index], draft[name]); });
    setValue('entry-table', draft.mesa);
    setValue('entry-customer', draft.cliente);
    dom.setText(dom.byId('entry-notes-text'), draft.notas.trim() || WORDS.add);
    this._showTabs(sum);
    this._showMenu(sum);
    dom.setText(dom.byId('entry-count'), pages.fill(WORDS.dishes, { n: sum.dishes }));
    dom.setText(dom.byId('entry-total'), wording.money(sum.total));
    dom.setText(dom.byId('entry-send'), !target && draft.tipo !== 'mesa' && draft[payField(draft)] === 'anticipado' ?
      WORDS.toTill : WORDS.toKitchen);
  };

  entry._showTabs = function (sum) {
    var names = this.menu.categories(), rows = [], i;
    if (sum.items.length) { names = names.concat([ALL]); }
    if (names.indexOf(this.category) < 0) { this.category = names[0] || ''; }
    for (i = 0; i < names.length; i++) { rows.push(this._tab(names[i], sum)); }
    this.tabs.show(rows);
    dom.byId('tabs').hidden = !rows.length;
  };

  entry._tab = function (name, sum) {
    var self = this, on = name === this.category, text = name === ALL ? pages.fill(WORDS.orderTab, { n: sum.dishes }) : name;
    return {
      key: name,
      content: JSON.stringify([text, on]),
      draw: function () {
        var node = dom.button('tabs__item' + (on ? ' is-on' : ''), text, function () {
          self.category = name;
          self.show();
        });
        node.setAttribute('aria-pressed', on ? 'true' : 'false');
        return node;
      }
    };
  };

  entry._showMenu = function () {
    var self = this, products = this.category === ALL ?
      this.menu.products.filter(function (product) { return self.line(product.id).cantidad > 0; }) :
      this.menu.of(this.category);
    this.dishes.show(products);
    dom.byId('menu-none').hidden = products.length > 0;
    dom.byId('menu-none').setAttribute('data-cargado', this.menu.loaded ? 'true' : 'false');
    dom.setText(dom.byId('menu-empty'), this.menu.loaded ? pages.words.noMenu : WORDS.loadingMenu);
  };

  pages.Entry = Entry;
}(window));
