/* This is the till's list: what is to be charged, what to hand over, what to
   close. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var clock = pages.clock;
  var WORDS = pages.tillWords;

  // onChoose(id)
  function Dues(unpaid, old, paid, operations, onChoose) {
    this.unpaid = new pages.Rows(unpaid);
    this.old = new pages.Rows(old);
    this.paid = new pages.Rows(paid);
    this.operations = operations;
    this.onChoose = onChoose;
  }

  var dues = Dues.prototype;

  function isOld(pedido) {
    return pedido.antiguo === true && !pedido.pagado_at && pages.states.OPEN[pedido.estado] === true;
  }

  function holds(pedido) {
    return isOld(pedido) || pedido.estado === 'pendiente_pago' || pedido.estado === 'servido' ||
      (pedido.estado === 'listo' && pages.places.isToGo(pedido));
  }

  function since(pedido) {
    var at = pedido.estado === 'servido' ? pedido.servido_at : pedido.estado === 'listo' ? pedido.listo_at : pedido.timestamp;
    return clock.parse(at) || clock.parse(pedido.timestamp) || 0;
  }

  // "Servido hace 6 min"; the age stands in a node of its own, since it moves.
  function meta(pedido, changed) {
    var node = dom.create('span', 'due__meta');
    if (pedido.estado === 'servido') {
      node.appendChild(dom.text(WORDS.served));
    } else if (isOld(pedido) && pedido.estado !== 'pendiente_pago') {
      node.appendChild(dom.create('span', 'chip chip--sq', pages.states.WORDS[pedido.estado]));
    } else if (pedido.estado === 'listo') {
      node.appendChild(dom.create('span', 'chip chip--sq chip--ok', WORDS.ready));
    } else {
      node.appendChild(dom.create('span', 'chip chip--sq chip--accent', WORDS.paidAhead));
    }
    node.appendChild(dom.create('span', 'due__age num'));
    if (changed) { node.appendChild(dom.create('span', 'chip chip--sq chip--warn due__changed', WORDS.changed)); }
    return node;
  }

  dues._row = function (pedido, chosen, changed) {
    var self = this, waiting = this.operations.pending(pedido.id), on = pedido.id === chosen;
    var total = waiting ? (this.operations.waits(waiting) ? WORDS.toSend : pages.words.sending) : wording.money(pedido.total);
    return {
      key: pedido.id,
      content: JSON.stringify([wording.label(pedido), pedido.estado, total, on, changed, isOld(pedido)]),
      draw: function () {
        var node = dom.button('due' + (on ? ' is-on' : ''), [
          dom.create('span', 'due__what', [
            // Of other days: two tables of one number are told apart by theirs.
            dom.create('span', 'due__label', isOld(pedido) ? wording.named(pedido) : wording.label(pedido)), meta(pedido, changed)
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

  dues._node = function (id) { return this.unpaid.node(id) || this.old.node(id) || this.paid.node(id); };

  // orders: those that the till holds, the oldest first. changes: by order id.
  dues.show = function (orders, chosen, changes, now) {
    var kinds = { unpaid: [], old: [], paid: [] }, sums = { unpaid: 0, old: 0 }, known = { unpaid: true, old: true };
    var i, pedido, kind;
    for (i = 0; i < orders.length; i++) {
      pedido = orders[i];
      kind = pedido.pagado_at ? 'paid' : isOld(pedido) ? 'old' : 'unpaid';
      kinds[kind].push(this._row(pedido, chosen, !!changes[pedido.id]));
      if (typeof pedido.total === 'number') { sums[kind] += pedido.total; } else { known[kind] = false; }
    }
    this.unpaid.show(kinds.unpaid);
    this.old.show(kinds.old);
    this.paid.show(kinds.paid);
    for (i = 0; i < orders.length; i++) { dom.setText(this._node(orders[i].id).querySelector('.due__age'), clock.ago(now - since(orders[i]))); }
    return {
      unpaid: kinds.unpaid.length, paid: kinds.paid.length, old: kinds.old.length,
      sum: wording.sum(sums.unpaid, known.unpaid), oldSum: wording.sum(sums.old, known.old)
    };
  };

  Dues.holds = holds;
  Dues.isOld = isOld;
  Dues.since = since;
  pages.Dues = Dues;
}(window));
