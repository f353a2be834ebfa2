/* Here the waiter changes a line of an order that was sent: how many, its
   note, or the whole line. What is asked goes with the version in which the
   line was seen; where only something else has changed since, it still holds. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var lines = pages.lines;
  var wording = pages.wording;

  // onChange(): opened, closed or touched. onNote(target): for noteedit.js.
  function LineEdit(operations, onChange, onNote) {
    this.operations = operations;
    this.onChange = onChange;
    this.onNote = onNote;
    this.close();
  }

  var edit = LineEdit.prototype;

  edit.close = function () {
    this.id = null;              // the line that is open
    this.seen = '';              // as it was then,
    this.version = 0;            // and the order's version
    this.draft = { cantidad: 0, notas: '' };
    this.removing = false;       // asked once more
  };

  edit.toggle = function (pedido, item) {
    var open = this.id !== item.id;
    this.close();
    if (open) {
      this.id = item.id;
      this.seen = lines.content(item);
      this.version = pedido.version;
      this.draft = { cantidad: item.cantidad, notas: item.notas || '' };
    }
    this.onChange();
  };

  // Changes when the open line must be drawn anew.
  edit.content = function () {
    return [this.id, this.draft.cantidad, this.draft.notas, this.removing];
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
      this._ask(pedido, 'cambiar_cantidad', { cantidad: quantity }, this.seen);
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

  edit._remove = function (pedido) {
    this._ask(pedido, 'quitar_item', {}, this.seen);
    this.close();
    this.onChange();
  };

  // ---- drawing -------------------------------------------------------------------

  function button(text, className, onTap) {
    return dom.button('btn btn--touch ' + className, text, onTap);
  }

  edit._step = function (by) {
    this.draft.cantidad = Math.max(1, this.draft.cantidad + by);
    this.onChange();
  };

  edit._stepper = function (item) {
    var self = this, stepButton = pages.Dishes.stepButton, node = dom.create('span', 'step', [
      stepButton('step__btn--less', 'minus', 'Uno menos de ' + item.producto_nombre, function () { self._step(-1); }),
      dom.create('span', 'step__qty num', String(this.draft.cantidad)),
      stepButton('step__btn--add', 'plus', 'Uno más de ' + item.producto_nombre, function () { self._step(1); })
    ]);
    node.firstChild.disabled = this.draft.cantidad <= 1;
    return node;
  };

  edit._noteButton = function (pedido, item) {
    var draft = this.draft, self = this;
    return dom.button('notebtn', [
      dom.create('b', '', 'Nota para cocina'), dom.create('span', '', draft.notas.trim() || 'Agregar')
    ], function () {
      self.onNote({
        title: item.producto_nombre || 'Producto', aside: draft.cantidad + '× · ' + wording.label(pedido),
        quantity: draft.cantidad, text: draft.notas, set: function (text) { draft.notas = text; }
      });
    });
  };

  edit._confirm = function (pedido, item) {
    var self = this;
    return dom.create('div', 'ledit', [
      dom.create('p', 'ledit__ask', '¿Quitar ' + wording.line(item) + ' del pedido?'),
      dom.create('div', 'pair', [
        button('No', 'btn--secondary', function () {
          self.removing = false;
          self.onChange();
        }),
        button('Quitar', 'btn--primary', function () { self._remove(pedido); })
      ])
    ]);
  };

  // What stands under the open line.
  edit.draw = function (pedido, item) {
    var self = this, only = pedido.items.length === 1, form, save;
    if (this.removing) { return this._confirm(pedido, item); }
    save = dom.create('button', 'btn btn--touch btn--primary', 'Guardar');
    save.type = 'submit';
    form = dom.create('form', 'ledit', [
      dom.create('div', 'ledit__row', [dom.create('span', 'grow', 'Cantidad'), this._stepper(item)]),
      this._noteButton(pedido, item),
      pedido.estado === 'listo' || pedido.estado === 'servido' ?
        dom.create('p', 'muted small', 'Con más cantidad, el pedido vuelve a cocina.') : null,
      only ? dom.create('p', 'muted small', 'Es el único plato: para quitarlo, cancele el pedido.') : null,
      dom.create('div', 'pair', [
        only ? button('Volver', 'btn--secondary', function () { self.toggle(pedido, item); }) :
          button('Quitar plato', 'btn--secondary', function () {
            self.removing = true;
            self.onChange();
          }),
        save
      ])
    ]);
    form.onsubmit = function () {
      self._save(pedido, item);
      return false;
    };
    return form;
  };

  LineEdit.mayEdit = mayEdit;
  LineEdit.still = still;
  pages.LineEdit = LineEdit;
}(window));
