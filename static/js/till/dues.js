/* This is the till's list: what is to be charged, by table; what to hand over,
   what to close. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var clock = pages.clock;
  var fill = pages.fill;
  var WORDS = pages.tillWords;
  var KINDS = ['table', 'togo', 'old', 'paid'];

  // containers: by kind of row, {rows, head, sum}. onChoose(key)
  function Dues(containers, operations, onChoose) {
    var self = this;
    this.containers = containers;
    this.rows = {};
    KINDS.forEach(function (kind) { self.rows[kind] = new pages.Rows(containers[kind].rows); });
    this.operations = operations;
    this.onChoose = onChoose;
    this.shown = [];             // the rows in sight, from above
  }

  var dues = Dues.prototype;

  function labelOf(row) {
    var pedido = row.orders[0];
    if (row.kind === 'old') { return wording.named(pedido); }   // two tables of one number are told apart by theirs
    if (row.kind !== 'table' && pedido.tipo === 'llevar' && pedido.cliente_nombre) { return pages.isolate(pedido.cliente_nombre); }
    return wording.label(pedido);
  }

  function chip(text, kind) { return dom.create('span', 'chip chip--sq ' + kind, text); }

  // [chip or null, words before the age]
  function stateOf(row) {
    var pedido = row.orders[0], many = row.orders.length > 1 ? fill(WORDS.ofOrders, { n: row.orders.length }) : '';
    if (row.kind === 'table' && row.due && row.kitchen) { return [chip(fill(WORDS.inKitchen, { n: row.kitchen }), 'chip--warn'), many]; }
    if (row.kind === 'table' && row.due && pedido.estado === 'servido') { return [null, many + (many ? WORDS.servedLow : WORDS.served)]; }
    if (pedido.estado === 'listo' && pages.places.isToGo(pedido)) { return [chip(WORDS.ready, 'chip--ok'), row.kind === 'togo' ? WORDS.waits : '']; }
    if (pedido.estado === 'pendiente_pago') { return [null, many + WORDS.paysFirst]; }
    if (row.kind === 'paid' && pedido.estado === 'servido') { return [null, WORDS.servedPaid]; }
    return [null, many + fill(WORDS.stateSince, { state: pages.words.states[pedido.estado] })];
  }

  // The age stands in a node of its own, since it moves.
  function meta(row, changed) {
    var state = stateOf(row), node = dom.create('span', 'due__meta');
    if (state[1] && state[0] && row.kind === 'table') { node.appendChild(dom.text(state[1])); }
    if (state[0]) { node.appendChild(state[0]); }
    if (!state[0] || row.kind !== 'table') {
      node.appendChild(dom.text(state[1]));
      node.appendChild(dom.create('span', 'due__age num'));
    }
    if (changed) { node.appendChild(chip(WORDS.changed, 'chip--warn due__changed')); }
    return node;
  }

  dues._pending = function (row) {
    var self = this;
    return row.orders.map(function (pedido) { return self.operations.sending(pedido.id); }).filter(Boolean)[0] || null;
  };

  dues._total = function (row) {
    var waiting = this._pending(row);
    if (waiting) { return this.operations.waits(waiting) ? WORDS.toSend : pages.words.sending; }
    return row.kind === 'paid' ? wording.number(row.orders[0]) : wording.money(row.total);
  };

  dues._row = function (row, chosen, changed) {
    var self = this, on = row.key === chosen, total = this._total(row), label = labelOf(row), ids = row.orders.map(function (pedido) {
      return pedido.id;
    });
    return {
      key: row.key,
      content: JSON.stringify([label, ids, row.orders.map(function (pedido) { return pedido.estado; }), row.due, row.kitchen, total, on, changed]),
      draw: function () {
        var node = dom.button('due due--' + row.kind + (on ? ' is-on' : ''), [
          dom.create('span', 'due__what', [dom.create('span', 'due__label', label), meta(row, changed)]),
          dom.create('span', 'due__total num', total)
        ], function () { self.onChoose(row.key); });
        node.setAttribute('aria-pressed', on ? 'true' : 'false');
        node.setAttribute('data-pedidos', ids.join(' '));
        node.setAttribute('data-estado', row.orders[0].estado);
        if (ids.length === 1) { node.setAttribute('data-pedido-id', ids[0]); }
        return node;
      }
    };
  };

  dues._showKind = function (kind, rows, chosen, changes) {
    var self = this, place = this.containers[kind];
    place.head.hidden = !rows.length;
    if (kind === 'old') { dom.setText(dom.byId('old-title'), fill(pages.words.earlier, { n: rows.length })); }
    dom.setText(place.sum, kind === 'paid' ? String(rows.length) : wording.sum(rows.reduce(function (all, row) {
      return all + (row.total || 0);
    }, 0), rows.every(function (row) { return row.total !== null; })));
    this.rows[kind].show(rows.map(function (row) {
      return self._row(row, chosen, row.orders.some(function (pedido) { return !!changes[pedido.id]; }));
    }));
  };

  // groups: as tables.js makes them. all: also those of whom nobody has been served. changes: by order id.
  dues.show = function (groups, chosen, changes, all, now) {
    var self = this, shown = [];
    KINDS.forEach(function (kind) {
      var rows = groups[kind].filter(function (row) {
        return row.kind === 'paid' || row.kind === 'old' ? !all : all ? true : row.due || row.key === chosen;
      });
      self._showKind(kind, rows, chosen, changes);
      shown = shown.concat(rows);
    });
    shown.forEach(function (row) {
      var age = self.node(row.key).querySelector('.due__age');
      if (age) { dom.setText(age, clock.ago(now - row.since)); }
    });
    this.shown = shown;
  };

  dues.node = function (key) { return this.rows[key.slice(0, key.indexOf(':'))].node(key); };

  // The key beside the chosen one; the first or the last where none is chosen.
  dues.beside = function (chosen, step) {
    var keys = this.shown.map(function (row) { return row.key; }), index = keys.indexOf(chosen);
    if (!keys.length) { return null; }
    if (index < 0) { return step > 0 ? keys[0] : keys[keys.length - 1]; }
    return keys[Math.max(0, Math.min(keys.length - 1, index + step))];
  };

  Dues.labelOf = labelOf;
  pages.Dues = Dues;
}(window));
