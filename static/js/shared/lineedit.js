/* Here a line of an order that was sent is changed: how many, and its note.
   What is asked goes with the version in which the line was seen; where only
   something else has changed since, it still holds. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.sheetWords;
  var lines = pages.lines;
  var wording = pages.wording;

  // role: a waiter takes off no dish that was made. asked: {onChange(): opened, closed or touched, onRemove(pedido, item):
  // the whole line is to go, onNote(target): for noteedit.js; null where the page has none}.
  function LineEdit(operations, role, asked) {
    this.operations = operations;
    this.mayTakeMade = role !== 'mesero';
    this.onChange = asked.onChange;
    this.onRemove = asked.onRemove;
    this.onNote = asked.onNote || null;
    this.close();
  }

  var edit = LineEdit.prototype;

  edit.close = function () {
    this.id = null;              // the line that is open
    this.seen = '';              // as it was then,
    this.version = 0;            // and the order's version
    this.draft = { cantidad: 0, notas: '', razon: '' };
  };

  edit.toggle = function (pedido, item) {
    var open = this.id !== item.id;
    this.close();
    if (open) {
      this.id = item.id;
      this.seen = lines.content(item);
      this.version = pedido.version;
      this.draft = { cantidad: item.cantidad, notas: item.notas || '', razon: '' };
    }
    this.onChange();
  };

  // Changes when the open line must be drawn anew.
  edit.content = function () {
    return [this.id, this.draft.cantidad, this.onNote ? this.draft.notas : ''];
  };

  function mayEdit(pedido) {
    return !pedido.pagado_at && pages.states.OPEN[pedido.estado] === true;
  }

  // For operations.js: is the line still as it was seen?
  function still(operation, pedido) {
    var item = lines.byId(pedido.items, operation.body.item_id);
    return item !== null && mayEdit(pedido) && lines.content(item) === operation.info.seen;
  }

  // ---- asking --------------------------------------------------------------------

  edit._ask = function (pedido, accion, fields, seen) {
    fields.item_id = this.id;
    fields.version = this.version;
    this.operations.act(pedido, accion, fields, { seen: seen });
  };

  edit._save = function (pedido, item) {
    var notes = this.draft.notas.trim(), quantity = this.draft.cantidad, known = JSON.parse(this.seen);
    if (quantity !== known[2]) {
      this._ask(pedido, 'cambiar_cantidad', this._withReason(item, quantity, { cantidad: quantity }), this.seen);
    }
    if (notes !== known[3]) {
      // The second of the two finds the line as the first has left it.
      this._ask(pedido, 'cambiar_notas', { notas: notes }, lines.content({
        id: item.id, producto_nombre: item.producto_nombre, cantidad: quantity, notas: known[3], estado_item: item.estado_item,
        componentes: item.componentes, modificadores: item.modificadores
      }));
    }
    this.close();
    this.onChange();
  };

  // ---- drawing -------------------------------------------------------------------

  function button(text, className, onTap) {
    return dom.button('btn btn--touch ' + className, text, onTap);
  }

  function stepButton(className, icon, label, onTap) {
    var node = dom.button('step__btn ' + className, [dom.icon(icon)], onTap);
    node.setAttribute('aria-label', label);
    return node;
  }

  // What was made leaves the bill only with a reason.
  function takesMade(item, quantity) {
    return lines.madeOnce(item) > quantity;
  }

  edit._withReason = function (item, quantity, fields) {
    if (takesMade(item, quantity)) { fields.razon = this.draft.razon.trim(); }
    return fields;
  };

  edit._least = function (item) {
    return Math.max(1, this.mayTakeMade ? 1 : lines.madeOnce(item));
  };

  edit._step = function (item, by) {
    this.draft.cantidad = Math.max(this._least(item), this.draft.cantidad + by);
    this.onChange();
  };

  edit._stepper = function (item) {
    var self = this, node = dom.create('span', 'step', [
      stepButton('step__btn--less', 'minus', pages.fill(WORDS.oneLess, { dish: item.producto_nombre }), function () { self._step(item, -1); }),
      dom.create('span', 'step__qty num', String(this.draft.cantidad)),
      stepButton('step__btn--add', 'plus', pages.fill(WORDS.oneMore, { dish: item.producto_nombre }), function () { self._step(item, 1); })
    ]);
    node.firstChild.disabled = this.draft.cantidad <= this._least(item);
    return node;
  };

  edit._noteField = function (item) {
    var draft = this.draft, input = dom.create('input', 'input');
    input.type = 'text';
    input.maxLength = Math.max(200, draft.notas.length);
    input.value = draft.notas;
    input.setAttribute('placeholder', WORDS.kitchenNote);
    input.setAttribute('aria-label', pages.fill(WORDS.noteFor, { dish: item.producto_nombre }));
    input.oninput = function () { draft.notas = input.value; };
    return input;
  };

  edit._noteButton = function (pedido, item) {
    var draft = this.draft, self = this;
    if (!this.onNote) { return this._noteField(item); }
    return dom.button('notebtn', [
      dom.create('b', '', WORDS.kitchenNote), dom.create('span', '', draft.notas.trim() || WORDS.add)
    ], function () {
      self.onNote({
        title: item.producto_nombre || pages.words.dish, aside: draft.cantidad + '× · ' + wording.label(pedido),
        quantity: draft.cantidad, text: draft.notas, set: function (text) { draft.notas = text; }
      });
    });
  };

  // Where the reason is needed; null where it is not.
  edit._reasonField = function (item, quantity) {
    var self = this, input;
    if (!takesMade(item, quantity)) { return null; }
    input = dom.create('input', 'input');
    input.type = 'text';
    input.maxLength = 200;
    input.required = true;
    input.value = this.draft.razon;
    input.setAttribute('placeholder', WORDS.askReason);
    input.setAttribute('aria-label', pages.fill(WORDS.reasonFor, { dish: item.producto_nombre }));
    input.oninput = function () { self.draft.razon = input.value; };
    return input;
  };

  // Why the line cannot be removed here, or ''.
  edit._kept = function (pedido, item) {
    if (pedido.items.length === 1) { return WORDS.onlyDish; }
    return !this.mayTakeMade && takesMade(item, 0) ? WORDS.madeDish : '';
  };

  // What stands under the open line.
  edit.draw = function (pedido, item) {
    var self = this, kept = this._kept(pedido, item), form, save;
    save = dom.create('button', 'btn btn--touch btn--primary', WORDS.save);
    save.type = 'submit';
    form = dom.create('form', 'ledit', [
      dom.create('div', 'ledit__row', [dom.create('span', 'grow', WORDS.quantity), this._stepper(item)]),
      this._noteButton(pedido, item),
      pages.states.MADE[pedido.estado] ? dom.create('p', 'muted small', WORDS.backToKitchen) : null,
      this._reasonField(item, this.draft.cantidad),
      kept ? dom.create('p', 'muted small', kept) : null,
      dom.create('div', 'pair', [
        kept ? button(WORDS.back, 'btn--secondary', function () { self.toggle(pedido, item); }) :
          button(WORDS.takeOffDish, 'btn--secondary', function () { self.onRemove(pedido, item); }),
        save
      ])
    ]);
    form.onsubmit = function () {
      if (!takesMade(item, self.draft.cantidad) || self.draft.razon.trim()) { self._save(pedido, item); }
      return false;
    };
    return form;
  };

  LineEdit.mayEdit = mayEdit;
  LineEdit.stepButton = stepButton;
  LineEdit.still = still;
  pages.LineEdit = LineEdit;
}(window));
