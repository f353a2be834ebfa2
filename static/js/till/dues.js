/* This is the till's list: what is to be charged, what to hand over, what to
   close. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var clock = pages.clock;

  // onChoose(id)
  function Dues(unpaid, paid, operations, onChoose) {
    this.unpaid = new pages.Rows(unpaid);
    this.paid = new pages.Rows(paid);
    this.operations = operations;
    this.onChoose = onChoose;
  }

  var dues = Dues.prototype;

  function holds(pedido) {
    return pedido.estado === 'pendiente_pago' || pedido.estado === 'servido' ||
      (pedido.estado === 'listo' && pedido.tipo === 'llevar');
  }

  function since(pedido) {
    var at = pedido.estado === 'servido' ? pedido.servido_at : pedido.estado === 'listo' ? pedido.listo_at : pedido.timestamp;
    return clock.parse(at) || clock.parse(pedido.timestamp) || 0;
  }

  // "Servido hace 6 min"; the age stands in a node of its own, since it moves.
  function meta(pedido, changed) {
    var node = dom.create('span', 'due__meta');
    if (pedido.estado === 'servido') {
      node.appendChild(dom.text('Servido '));
    } else if (pedido.estado === 'listo') {
      node.appendChild(dom.create('span', 'chip chip--sq chip--ok', 'Listo'));
    } else {
      node.appendChild(dom.create('span', 'chip chip--sq chip--accent', 'Pago anticipado'));
    }
    node.appendChild(dom.create('span', 'due__age num'));
    if (changed) { node.appendChild(dom.create('span', 'chip chip--sq chip--warn due__changed', 'Cambió')); }
    return node;
  }

  dues._row = function (pedido, chosen, changed) {
    var self = this, waiting = this.operations.pending(pedido.id), on = pedido.id === chosen;
    var total = waiting ? (this.operations.waits(waiting) ? 'Por enviar' : 'Enviando…') : wording.money(pedido.total);
    return {
      key: pedido.id,
      content: JSON.stringify([wording.label(pedido), pedido.estado, total, on, changed]),
      draw: function () {
        var node = dom.button('due' + (on ? ' is-on' : ''), [
          dom.create('span', 'due__what', [
            dom.create('span', 'due__label', wording.label(pedido)), meta(pedido, changed)
          ]),
          dom.create('span', 'due__total num', total)
        ], function () { self.onChoose(pedido.id); });
        node.setAttribute('aria-pressed', on ? 'true' : 'false');
        node.setAttribute('data-pedido-id', pedido.id);
        node.setAttribute('data-estado', pedido.estado);
        return node;
      }
    };
  };

  // orders: those that the till holds, the oldest first. changes: by order id.
  dues.show = function (orders, chosen, changes, now) {
    var unpaid = [], paid = [], sum = 0, known = true, i, pedido;
    for (i = 0; i < orders.length; i++) {
      pedido = orders[i];
      (pedido.pagado_at ? paid : unpaid).push(this._row(pedido, chosen, !!changes[pedido.id]));
      if (!pedido.pagado_at && typeof pedido.total === 'number') { sum += pedido.total; }
      if (!pedido.pagado_at && typeof pedido.total !== 'number') { known = false; }
    }
    this.unpaid.show(unpaid);
    this.paid.show(paid);
    for (i = 0; i < orders.length; i++) {
      dom.setText((this.unpaid.node(orders[i].id) || this.paid.node(orders[i].id)).querySelector('.due__age'),
        clock.ago(now - since(orders[i])));
    }
    return { unpaid: unpaid.length, paid: paid.length, sum: sum, known: known };
  };

  Dues.holds = holds;
  Dues.since = since;
  pages.Dues = Dues;
}(window));
