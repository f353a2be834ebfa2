/* Here the cashier takes dishes off an unpaid bill. What was made leaves it
   only with a reason. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var lines = pages.lines;
  var WORDS = pages.tillWords;

  // onAct(pedido, accion, fields, info): info.said, what is taken off in words; onChange(): opened, closed or touched.
  function TakeOff(onAct, onChange) {
    this.onAct = onAct;
    this.onChange = onChange;
    this.close();
  }

  var off = TakeOff.prototype;

  off.close = function () {
    this.id = null;              // the line that is open, of which order
    this.pedidoId = null;
    this.left = 0;               // how many of it stay
    this.reason = '';
    this.problem = '';
  };

  // Changes when the open line must be drawn anew; not while its reason is being written.
  off.content = function () {
    return [this.pedidoId, this.id, this.left, this.problem];
  };

  // The last line leaves with the order, which is cancelled.
  off.may = function (pedido, item) {
    return !pedido.pagado_at && item.estado_item !== 'cancelado' && (pedido.items.length > 1 || item.cantidad > 1);
  };

  off.isOpen = function (pedido, item) {
    return this.id === item.id && this.pedidoId === pedido.id;
  };

  off._toggle = function (pedido, item) {
    var open = !this.isOpen(pedido, item);
    this.close();
    if (open) {
      this.id = item.id;
      this.pedidoId = pedido.id;
      this.left = Math.max(0, item.cantidad - 1);
    }
    this.onChange();
  };

  off.button = function (pedido, item) {
    var self = this, open = this.isOpen(pedido, item);
    var node = dom.button('btn btn--secondary btn--touch', open ? WORDS.back : WORDS.takeOff, function () { self._toggle(pedido, item); });
    if (!open) { node.setAttribute('aria-label', pages.fill(WORDS.takeOffNamed, { dish: item.producto_nombre })); }
    return node;
  };

  off._least = function (pedido) {
    return pedido.items.length > 1 ? 0 : 1;
  };

  off._step = function (pedido, item, by) {
    this.left = Math.max(this._least(pedido), Math.min(item.cantidad - 1, this.left - by));
    this.onChange();
  };

  // How many leave the bill.
  off._taken = function (item) {
    return Math.round((item.cantidad - this.left) * 1000) / 1000;
  };

  off._takesMade = function (item) {
    return lines.madeOnce(item) > this.left;
  };

  off._send = function (pedido, item) {
    var fields = { item_id: item.id, version: pedido.version };
    if (this._takesMade(item)) {
      if (!this.reason.trim()) {
        this.problem = WORDS.noReason;
        this.onChange();
        return;
      }
      fields.razon = this.reason.trim();
    }
    if (this.left) { fields.cantidad = this.left; }
    this.onAct(pedido, this.left ? 'cambiar_cantidad' : 'quitar_item', fields, {
      seen: lines.content(item), said: pages.wording.line({ cantidad: this._taken(item), producto_nombre: item.producto_nombre })
    });
    this.close();
    this.onChange();
  };

  // ---- drawing -------------------------------------------------------------------

  off._stepper = function (pedido, item) {
    var self = this;
    function step(icon, label, by) {
      var node = dom.button('btn btn--secondary btn--touch', [dom.icon(icon)], function () { self._step(pedido, item, by); });
      node.setAttribute('aria-label', label);
      return node;
    }
    return dom.create('p', 'takeoff__step', [
      step('minus', WORDS.oneLess, -1), dom.create('b', 'num', pages.fill(WORDS.ofHowMany, { n: this._taken(item), all: item.cantidad })),
      step('plus', WORDS.oneMore, 1)
    ]);
  };

  off._reasons = function () {
    var self = this, node = dom.create('div', 'takeoff__reasons'), input = dom.create('input', 'input');
    input.type = 'text';
    input.maxLength = 200;
    input.value = this.reason;
    input.setAttribute('placeholder', WORDS.askReason);
    input.setAttribute('aria-label', WORDS.reason);
    input.oninput = function () { self.reason = input.value; };
    WORDS.reasons.forEach(function (text) {
      node.appendChild(dom.button('btn btn--secondary btn--touch', text, function () {
        self.reason = input.value = text;
      }));
    });
    node.appendChild(input);
    return node;
  };

  // What stands under the open line.
  off.draw = function (pedido, item) {
    var self = this, error = dom.create('p', 'field__error', this.problem), node;
    this.left = Math.max(this.left, this._least(pedido));
    error.setAttribute('role', 'alert');
    node = dom.create('div', 'takeoff', [
      item.cantidad > 1 ? this._stepper(pedido, item) : null,
      this._takesMade(item) ? this._reasons() : null,
      error,
      dom.button('btn btn--primary btn--touch', pages.fill(WORDS.takeOffCount, { n: this._taken(item) }), function () { self._send(pedido, item); })
    ]);
    return node;
  };

  pages.TakeOff = TakeOff;
}(window));
