/* Writing an order: for whom, which dishes, which notes. Also adds dishes to an
   order that exists. What is written survives a reload of the page. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var ALL = '*';                 // the tab of what has been chosen

  function newDraft() {
    return { tipo: 'mesa', mesa: '', cliente: '', pago: 'anticipado', notas: '', lines: {}, target: null };
  }

  function stored(key) {
    try { return JSON.parse(window.sessionStorage.getItem(key)); } catch (error) { return null; }
  }

  // onSend(draft, body, summary) of a draft that is complete.
  function Entry(menu, userId, onSend) {
    var self = this;
    this.key = 'notif:borrador:' + userId;
    this.menu = menu;
    this.onSend = onSend;
    this.draft = stored(this.key) || newDraft();
    this.category = '';
    this.editing = null;         // the product whose note is open
    this.rows = new pages.Rows(dom.byId('menu'));
    this.tabs = new pages.Rows(dom.byId('tabs'));
    this._bind('entry-table', 'mesa');
    this._bind('entry-customer', 'cliente');
    this._bind('entry-notes', 'notas');
    this._choice('entry-mesa', 'tipo', 'mesa');
    this._choice('entry-llevar', 'tipo', 'llevar');
    this._choice('entry-before', 'pago', 'anticipado');
    this._choice('entry-after', 'pago', 'al_final');
    dom.byId('entry-count').onclick = function () {
      self.category = ALL;
      self.show();
    };
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

  entry._choice = function (id, field, value) {
    var self = this;
    dom.byId(id).onclick = function () {
      self.draft[field] = value;
      self.fail('');
      self.show();
    };
  };

  // ---- the draft -----------------------------------------------------------------

  entry.begin = function (draft) {
    this.draft = draft || newDraft();
    this.editing = null;
    this.category = '';
    this.fail('');
    this.show();
  };

  // Dishes for an order that exists.
  entry.beginFor = function (pedido) {
    var draft = newDraft();
    draft.tipo = pedido.tipo;
    draft.target = { id: pedido.id, label: wording.label(pedido), tipo: pedido.tipo,
      mesa_numero: pedido.mesa_numero, cliente_nombre: pedido.cliente_nombre, numero: pedido.numero };
    this.begin(draft);
  };

  entry._keep = function () {
    try { window.sessionStorage.setItem(this.key, JSON.stringify(this.draft)); } catch (error) { return; }
  };

  entry.line = function (id) {
    return this.draft.lines[id] || { cantidad: 0, notas: '' };
  };

  entry._setQuantity = function (product, quantity) {
    var line = this.line(product.id);
    if (quantity <= 0) {
      delete this.draft.lines[product.id];
      if (this.editing === product.id) { this.editing = null; }
    } else {
      this.draft.lines[product.id] = { cantidad: quantity, notas: line.notas };
    }
    this.fail('');
    this.show();
  };

  // {dishes, total, items, out: names}
  entry.sum = function () {
    var result = { dishes: 0, total: 0, items: [], out: [] }, id, line, product, item;
    for (id in this.draft.lines) {
      if (!this.draft.lines.hasOwnProperty(id)) { continue; }
      line = this.draft.lines[id];
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
    var table = this.draft.mesa.trim();
    if (!this.draft.target && this.draft.tipo === 'mesa' && !/^\d{1,4}$/.test(table)) {
      return ['Escriba el número de la mesa.', 'entry-table'];
    }
    if (!this.draft.target && this.draft.tipo === 'llevar' && !this.draft.cliente.trim()) {
      return ['Escriba el nombre del cliente.', 'entry-customer'];
    }
    if (!sum.items.length) { return ['Agregue al menos un plato.']; }
    if (sum.out.length) { return ['Agotado: ' + sum.out.join(', ') + '. Quítelo del pedido.']; }
    return null;
  };

  function bodyOf(draft, sum) {
    var body = { tipo: draft.tipo, items: sum.items };
    if (draft.tipo === 'mesa') {
      body.mesa_numero = Number(draft.mesa);
      body.tipo_pago = 'al_final';
    } else {
      body.cliente_nombre = draft.cliente.trim();
      body.tipo_pago = draft.pago;
    }
    if (draft.notas.trim()) { body.notas = draft.notas.trim(); }
    return body;
  }

  entry.send = function () {
    var sum = this.sum(), problem = this._problem(sum), draft = this.draft;
    if (problem) {
      if (sum.out.length) { this.category = ALL; }
      this.show();
      this.fail(problem[0], problem[1]);
      return;
    }
    this.begin(null);            // a second tap finds nothing to send
    this.onSend(draft, draft.target ? { items: sum.items } : bodyOf(draft, sum), this._summary(sum));
  };

  entry._summary = function (sum) {
    return wording.count(sum.dishes, 'plato', 'platos') + ' · ' + wording.money(sum.total);
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

  entry.show = function () {
    var draft = this.draft, sum = this.sum(), target = draft.target;
    this._keep();
    dom.byId('entry-target').hidden = !target;
    dom.byId('entry-kind').hidden = !!target;
    dom.byId('entry-whom').hidden = !!target;
    dom.byId('entry-notes-field').hidden = !!target;
    if (target) { dom.setText(dom.byId('entry-target'), 'Agregar a ' + target.label); }
    choose('entry-mesa', draft.tipo === 'mesa');
    choose('entry-llevar', draft.tipo === 'llevar');
    choose('entry-before', draft.pago === 'anticipado');
    choose('entry-after', draft.pago === 'al_final');
    dom.setText(dom.byId('entry-mesa'), /^\d+$/.test(draft.mesa.trim()) ? 'Mesa ' + Number(draft.mesa) : 'Mesa');
    dom.byId('entry-at-table').hidden = draft.tipo !== 'mesa';
    dom.byId('entry-takeaway').hidden = draft.tipo !== 'llevar';
    setValue('entry-table', draft.mesa);
    setValue('entry-customer', draft.cliente);
    setValue('entry-notes', draft.notas);
    this._showTabs(sum);
    this._showMenu(sum);
    dom.setText(dom.byId('entry-count'), wording.count(sum.dishes, 'plato', 'platos'));
    dom.setText(dom.byId('entry-total'), wording.money(sum.total));
    dom.setText(dom.byId('entry-send'), !target && draft.tipo === 'llevar' && draft.pago === 'anticipado' ?
      'Enviar a caja' : 'Enviar a cocina');
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
    var self = this, on = name === this.category, text = name === ALL ? 'Pedido (' + sum.dishes + ')' : name;
    return {
      key: name,
      content: JSON.stringify([text, on]),
      draw: function () {
        var node = dom.create('button', 'tabs__item' + (on ? ' is-on' : ''), text);
        node.type = 'button';
        node.setAttribute('aria-pressed', on ? 'true' : 'false');
        node.onclick = function () {
          self.category = name;
          self.show();
        };
        return node;
      }
    };
  };

  entry._showMenu = function () {
    var self = this, products, i, rows = [];
    if (this.category === ALL) {
      products = this.menu.products.filter(function (product) { return self.line(product.id).cantidad > 0; });
    } else {
      products = this.menu.of(this.category);
    }
    for (i = 0; i < products.length; i++) { rows.push(this._row(products[i])); }
    this.rows.show(rows);
    dom.byId('menu-empty').hidden = rows.length > 0;
    dom.setText(dom.byId('menu-empty'), this.menu.loaded ? 'Todavía no hay platos en el menú.' : 'Cargando el menú…');
  };

  entry._row = function (product) {
    var self = this, line = this.line(product.id), open = this.editing === product.id;
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

  entry._drawRow = function (product, line, open) {
    var self = this, out = this.menu.isOut(product), name, price, node;
    price = dom.create('span', 'menu__price num', [
      dom.text(wording.money(product.precio)),
      scarce(product) && !out ? dom.create('span', 'menu__few', 'Quedan ' + product.stock_actual) : null,
      line.notas && !open ? dom.create('span', 'menu__note', line.notas) : null,
      line.cantidad && !line.notas && !open && !out ? dom.create('span', 'menu__hint', 'Agregar nota') : null
    ]);
    name = dom.create('button', 'menu__what grow', [dom.create('span', 'menu__name', product.nombre), price]);
    name.type = 'button';
    name.disabled = out;
    name.setAttribute('aria-label', line.cantidad ? 'Nota para ' + product.nombre : 'Agregar ' + product.nombre);
    name.onclick = function () { self._touch(product, line); };
    node = dom.create('div', 'menu__row' + (out ? ' is-out' : ''), [
      name, out && !line.cantidad ? dom.create('span', 'chip', 'Agotado') : this._stepper(product, line, out)
    ]);
    node.setAttribute('data-producto-id', product.id);
    node = dom.create('div', 'menu__item', [node, open ? this._noteField(product) : null]);
    return node;
  };

  entry._touch = function (product, line) {
    if (!line.cantidad) {
      this._setQuantity(product, 1);
      return;
    }
    this.editing = this.editing === product.id ? null : product.id;
    this.show();
    if (this.editing !== null) { dom.byId('note-' + product.id).focus(); }
  };

  function stepButton(className, icon, label, onTap) {
    var node = dom.create('button', 'step__btn ' + className, [dom.icon(icon)]);
    node.type = 'button';
    node.setAttribute('aria-label', label);
    node.onclick = onTap;
    return node;
  }

  entry._stepper = function (product, line, out) {
    var self = this, node = dom.create('span', 'step');
    if (out) { node.appendChild(dom.create('span', 'chip', 'Agotado')); }
    if (line.cantidad) {
      node.appendChild(stepButton('step__btn--less', 'minus', 'Quitar ' + product.nombre, function () {
        self._setQuantity(product, self.line(product.id).cantidad - 1);
      }));
      node.appendChild(dom.create('span', 'step__qty num', String(line.cantidad)));
    }
    if (!out) {
      node.appendChild(stepButton('step__btn--add', 'plus', 'Agregar ' + product.nombre, function () {
        self._setQuantity(product, self.line(product.id).cantidad + 1);
      }));
    }
    return node;
  };

  entry._noteField = function (product) {
    var self = this, input = dom.create('input', 'input'), done = dom.create('button', 'btn btn--secondary btn--touch', 'Listo');
    input.id = 'note-' + product.id;
    input.type = 'text';
    input.maxLength = 200;
    input.value = this.line(product.id).notas;
    input.setAttribute('placeholder', 'SIN curtido, bien tostada…');
    input.setAttribute('aria-label', 'Nota para ' + product.nombre);
    input.oninput = function () {
      self.line(product.id).notas = input.value;
      self._keep();
    };
    function close() {
      self.editing = null;
      self.show();
    }
    input.onkeydown = function (event) {
      if (event.keyCode === 13 || event.keyCode === 27) {
        close();
        return false;
      }
      return true;
    };
    done.type = 'button';
    done.onclick = close;
    return dom.create('div', 'menu__edit', [input, done]);
  };

  pages.Entry = Entry;
}(window));
