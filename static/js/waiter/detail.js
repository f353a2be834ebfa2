/* This shows one order of the waiter: its lines, and what may still be done
   with it. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var WORDS = pages.waiterWords;
  var REASONS = WORDS.reasons;
  var TITLES = WORDS.ask;
  var MISSING = { cancelar: WORDS.noReason, recuperar: WORDS.noReason, cambiar_mesa: WORDS.noTable };
  var RECALL_MS = 30 * 60000;

  // onAdd(pedido): dishes are to be added. onNote(target): for noteedit.js. isMine(pedido): does who looks attend it?
  function Detail(container, operations, role, onAdd, onNote, isMine) {
    var self = this;
    this.isMine = isMine;
    this.container = container;
    this.operations = operations;
    this.role = role;
    this.onAdd = onAdd;
    this.asking = null;          // the action whose reason is asked
    this.ticked = {};            // by line id: to be made anew
    this.edit = new pages.LineEdit(operations, role, function () { self._again(); }, onNote);
    this.shown = null;           // the order that was drawn last
    this.rows = new pages.Rows(container);
  }

  var detail = Detail.prototype;

  detail.open = function () {
    this.asking = null;
    this.edit.close();
  };

  detail._again = function () { this.show(this.shown, pages.clock.now()); };

  function may(pedido, role, accion, now) {
    var estado = pedido.estado, ready = pages.clock.parse(pedido.listo_at);
    if (accion === 'agregar_item') { return pages.LineEdit.mayEdit(pedido); }
    if (accion === 'cambiar_mesa') { return pages.states.OPEN[estado] === true && !pages.places.isToGo(pedido); }
    if (accion === 'cerrar') { return estado === 'servido' && !!pedido.pagado_at; }
    if (accion === 'recuperar') {
      return estado === 'servido' || (estado === 'listo' && (ready === null || now - ready < RECALL_MS));
    }
    if (accion === 'tomar') { return pages.states.OPEN[estado] === true; }
    if (role === 'manager') { return pages.states.OPEN[estado] === true; }
    return !pedido.pagado_at && (estado === 'pendiente_pago' || estado === 'en_mesa');
  }

  detail._actions = function (pedido, now) {
    var list = [], i, names = [this.isMine(pedido) ? 'agregar_item' : 'tomar', 'cambiar_mesa', 'cerrar', 'recuperar', 'cancelar'];
    for (i = 0; i < names.length; i++) {
      if (may(pedido, this.role, names[i], now)) { list.push(names[i]); }
    }
    return list;
  };

  // pedido: null for one that this page does not have.
  detail.show = function (pedido, now) {
    var self = this, actions = pedido ? this._actions(pedido, now) : [];
    var waiting = pedido && this.operations.pending(pedido.id);
    var content;
    if (!pedido || waiting || !pages.LineEdit.mayEdit(pedido) || !pages.lines.byId(pedido.items, this.edit.id)) { this.edit.close(); }
    this.shown = pedido;
    content = JSON.stringify([
      pedido, actions, this.asking, this.edit.content(), this.operations.words(waiting)
    ]);
    this.rows.show([{
      key: 'order',
      content: content,
      draw: function () { return pedido ? self._draw(pedido, actions, waiting) : self._missing(); }
    }]);
  };

  detail._missing = function () {
    return dom.create('p', 'psection muted', WORDS.notOpen);
  };

  // A line that may be changed is a button that opens what can be changed below it.
  detail._line = function (pedido, item, editable) {
    var self = this, open = this.edit.id === item.id, node;
    node = dom.create(editable ? 'button' : 'div', 'dline' + (item.estado_item === 'cancelado' ? ' is-gone' : ''), [
      dom.create('b', 'dline__qty num', item.cantidad + '×'),
      dom.create('span', 'dline__what grow', [
        dom.create('span', 'dline__name', item.producto_nombre || pages.words.dish),
        item.notas ? dom.create('span', 'menu__note', item.notas) : null,
        pages.parts.draw(item, 'parts'),
        editable ? dom.create('span', 'menu__hint', open ? WORDS.close : WORDS.change) : null
      ]),
      pages.lines.isReady(item) ? dom.create('span', 'chip chip--ok', item.estado_item === 'listo' ? WORDS.ready : WORDS.served) : null,
      dom.create('span', 'dline__price num', wording.money(item.subtotal))
    ]);
    if (editable) {
      node.type = 'button';
      node.setAttribute('aria-expanded', open ? 'true' : 'false');
      node.onclick = function () { self.edit.toggle(pedido, item); };
    }
    node = dom.create('li', 'dlines__item', [node, open ? this.edit.draw(pedido, item) : null]);
    node.setAttribute('data-item-id', item.id);
    return node;
  };

  // Of a delivery; null of all else.
  detail._goesTo = function (pedido) {
    var list = pages.places.goesTo(pedido);
    return list.length ? dom.create('p', 'detail__goes', list.join(' · ')) : null;
  };

  detail._draw = function (pedido, actions, waiting) {
    var lines = dom.create('ul', 'dlines'), i, node, item, editable;
    for (i = 0; i < pedido.items.length; i++) {
      item = pedido.items[i];
      editable = !waiting && !this.asking && pages.LineEdit.mayEdit(pedido) && item.estado_item !== 'cancelado';
      lines.appendChild(this._line(pedido, item, editable));
    }
    node = dom.create('div', 'psection', [
      dom.create('h2', 'detail__label', wording.label(pedido)),
      dom.create('p', 'muted', wording.number(pedido) + ' · ' + pages.states.WORDS[pedido.estado] +
        (pedido.pagado_at && pedido.estado !== 'pagado' ? WORDS.paid : '') +
        (this.isMine(pedido) || !wording.attendant(pedido) ? '' : pages.fill(WORDS.attendedBy, { who: wording.attendant(pedido) }))),
      pedido.razon ? dom.create('p', 'detail__reason', pedido.razon) : null,
      this._goesTo(pedido),
      pedido.notas ? dom.create('p', '', [dom.create('span', 'menu__note menu__note--alone', pedido.notas)]) : null,
      lines,
      dom.create('p', 'detail__total num', [dom.text(pages.words.total), dom.create('b', '', wording.money(pedido.total))]),
      waiting ? dom.create('p', 'btn btn--block btn--touch is-waiting', this.operations.words(waiting)) :
        this.asking && actions.indexOf(this.asking) >= 0 ? this._ask(pedido) : this._buttons(pedido, actions)
    ]);
    node.setAttribute('data-pedido-id', pedido.id);
    node.setAttribute('data-estado', pedido.estado);
    return node;
  };

  detail._buttons = function (pedido, actions) {
    var self = this, texts = WORDS.actions, node = dom.create('div', 'stack'), i;
    function button(name) {
      return dom.button('btn btn--secondary btn--block btn--touch', texts[name], function () { self._touch(pedido, name); });
    }
    for (i = 0; i < actions.length; i++) { node.appendChild(button(actions[i])); }
    return node;
  };

  detail._touch = function (pedido, name) {
    if (name === 'agregar_item') {
      this.onAdd(pedido);
    } else if (name === 'cerrar' || name === 'tomar') {
      this.operations.act(pedido, name, {});
    } else {
      this.open();
      this.asking = name;
      this.ticked = {};
      this._again();
      dom.byId('reason').focus();
    }
  };

  function madeOf(pedido) {
    return pedido.items.filter(pages.lines.isReady);
  }

  // Nothing is ticked at first: what is sent back is made anew.
  detail._ticks = function (pedido, onChange) {
    var self = this, node = dom.create('ul', 'ticks');
    madeOf(pedido).forEach(function (item) {
      var box = dom.create('input', 'ticks__box'), row = dom.create('label', 'ticks__row', [
        box, dom.create('b', 'num', item.cantidad + '× '), dom.text(item.producto_nombre || pages.words.dish),
        item.notas ? dom.create('span', 'menu__note', item.notas) : null
      ]);
      box.type = 'checkbox';
      box.checked = self.ticked[item.id] === true;
      box.onchange = function () {
        self.ticked[item.id] = box.checked;
        onChange();
      };
      row.setAttribute('data-item-id', item.id);
      node.appendChild(dom.create('li', '', [row]));
    });
    return node;
  };

  detail._tickedOf = function (pedido) {
    var self = this;
    return madeOf(pedido).filter(function (item) { return self.ticked[item.id] === true; });
  };

  // "Devolver 1 plato"
  detail._confirmText = function (pedido) {
    var count = this._tickedOf(pedido).reduce(function (sum, item) { return sum + item.cantidad; }, 0);
    return this.asking === 'recuperar' && count ? pages.fill(WORDS.sendBack, { n: count }) : WORDS.confirm[this.asking];
  };

  // Reasons by one tap; nothing where a table is asked for.
  detail._chips = function (pedido, input, confirm) {
    var asked = this.asking === 'cancelar' && pedido.estado === 'servido' ? 'served' : this.asking;
    return dom.create('div', 'chips', (REASONS[asked] || []).map(function (text) {
      return dom.button('btn btn--secondary btn--touch', text, function () { input.value = text; confirm.focus(); });
    }));
  };

  // Of a table, with the keys for its number or for its name.
  function tableRow(input) {
    var keys = dom.button('btn btn--secondary btn--touch whom__keys', '');
    pages.tableField.bind(input, keys);
    return dom.create('div', 'whom__row', [input, keys]);
  }

  // Asks for what an action needs: its reason, by one tap or in the waiter's own words, or the other table.
  detail._ask = function (pedido) {
    var self = this, accion = this.asking, form = dom.create('form', 'stack'), input = dom.create('input', 'input');
    var error = dom.create('p', 'field__error', ''), label = dom.create('label', 'field__label', TITLES[accion]);
    var confirm = dom.create('button', 'btn btn--touch btn--primary', this._confirmText(pedido));
    var choosing = accion === 'recuperar' && madeOf(pedido).length > 0;
    var back = dom.button('btn btn--touch btn--secondary', WORDS.back, function () {
      self.asking = null;
      self._again();
    });
    input.id = 'reason';
    input.type = 'text';
    input.maxLength = 200;
    label.htmlFor = 'reason';
    error.setAttribute('role', 'alert');
    confirm.type = 'submit';
    form.onsubmit = function () {
      var written = input.value.trim(), ids = self._tickedOf(pedido).map(function (item) { return item.id; }), fields;
      if (choosing && !ids.length) {
        dom.setText(error, WORDS.tickDishes);
        return false;
      }
      if (!written) {
        dom.setText(error, MISSING[accion]);
        input.focus();
        return false;
      }
      self.asking = null;
      fields = accion === 'cambiar_mesa' ? pages.tableField.read(written) : { razon: written };
      if (choosing) { fields.item_ids = ids; }
      self.operations.act(pedido, accion, fields);
      return false;
    };
    if (choosing) {
      form.appendChild(dom.create('p', 'muted', WORDS.tickOnly));
      form.appendChild(this._ticks(pedido, function () {
        dom.setText(confirm, self._confirmText(pedido));
        dom.setText(error, '');
      }));
    }
    [
      label, this._chips(pedido, input, confirm), accion === 'cambiar_mesa' ? tableRow(input) : input, error,
      dom.create('div', 'pair', [back, confirm])
    ].forEach(function (child) { form.appendChild(child); });
    return form;
  };

  pages.Detail = Detail;
}(window));
