/* LISTOS is what waits to be carried to the table. A card stays until
   ENTREGADO; of an order that is partly ready it lists only what is ready. The
   service knows deliveries of whole orders, so what was carried earlier of a
   partly ready one is remembered here, by this phone. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var wording = pages.wording;
  var LATE_MS = 120000;

  // operations: to ask `servir`; onChange(): something was touched.
  function Ready(container, operations, userId, username, onChange) {
    this.rows = new pages.Rows(container);
    this.operations = operations;
    this.username = username;
    this.onChange = onChange;
    this.key = 'notif:llevado:' + userId;
    this.carried = pages.storage.tab.get(this.key) || {};   // by order id: {item id: true}
    this.partlyAt = {};          // by order id: when the first of its lines was ready, ms
    this.undo = new pages.Undo(onChange);
    this.was = {};               // by order id: since when a card waited that can be taken back
  }

  var ready = Ready.prototype;

  ready._keep = function () {
    pages.storage.tab.set(this.key, this.carried);
  };

  function isReady(item) { return item.estado_item === 'listo'; }
  function isPending(item) { return item.estado_item === 'pendiente' || !item.estado_item; }

  function some(items, test) {
    var list = [], i;
    for (i = 0; i < items.length; i++) {
      if (test(items[i])) { list.push(items[i]); }
    }
    return list;
  }

  // As a line: what of it the guest does not have yet.
  function toCarry(item) {
    return { cantidad: pages.lines.toCarry(item), producto_nombre: item.producto_nombre };
  }

  // The lines to carry now.
  ready.lines = function (pedido) {
    var carried = this.carried[pedido.id] || {}, lines;
    if (!pages.states.TO_CARRY[pedido.estado]) { return []; }
    lines = some(pedido.items, function (item) { return isReady(item) && !carried[item.id]; });
    return lines;
  };

  // A ready order without lines (a stub) is a card too.
  ready.holds = function (pedido) {
    return pedido.estado === 'listo' || this.lines(pedido).length > 0;
  };

  // The cards: what is to be carried, and in its place what was delivered just now.
  ready.list = function (book) {
    var self = this;
    return book.list(function (pedido) { return self.holds(pedido) || self.undo.of(pedido.id) !== null; }, function (pedido) {
      return self.holds(pedido) ? self.since(pedido) : self.was[pedido.id] || 0;
    });
  };

  // Of each action of the page that was accepted. Answers whether its card offers to take it back.
  ready.answered = function (info, pedido) {
    var self = this;
    if (!info.card) { return false; }
    this.undo.offer(pedido.id, WORDS.delivered, wording.label(pedido), function () {
      self.operations.act(pedido, 'deshacer', { deshace: 'servir' });
    });
    return true;
  };

  ready.since = function (pedido) {
    if (pedido.estado === 'listo') { return pages.clock.parse(pedido.listo_at) || 0; }
    return this.partlyAt[pedido.id] || pages.clock.parse(pedido.cocina_at) || 0;
  };

  // Of each event of an order; forgets what was carried of lines that went back.
  ready.watch = function (pedido, at) {
    var carried = this.carried[pedido.id], i;
    for (i = 0; carried && i < pedido.items.length; i++) {
      if (isPending(pedido.items[i])) { delete carried[pedido.items[i].id]; }
    }
    if (pedido.estado !== 'en_cocina' || !this.lines(pedido).length) {
      delete this.partlyAt[pedido.id];
    } else if (!this.partlyAt[pedido.id]) {
      this.partlyAt[pedido.id] = at;
    }
    if (pedido.estado === 'servido' || pages.states.OVER[pedido.estado]) {
      delete this.carried[pedido.id];
    }
    if (carried) { this._keep(); }
  };

  ready._deliver = function (pedido) {
    this.was[pedido.id] = this.since(pedido);
    if (pedido.estado === 'listo') {
      this.operations.act(pedido, 'servir', {}, { card: true });
    } else {
      this._deliverPart(pedido, this.lines(pedido));
    }
    this.onChange();
  };

  // The service knows nothing of it, so it is taken back here.
  ready._deliverPart = function (pedido, lines) {
    var self = this, carried = this.carried[pedido.id] = this.carried[pedido.id] || {}, at = this.partlyAt[pedido.id];
    lines.forEach(function (line) { carried[line.id] = true; });
    delete this.partlyAt[pedido.id];
    this._keep();
    this.undo.offer(pedido.id, WORDS.delivered, wording.label(pedido), function () {
      lines.forEach(function (line) { delete carried[line.id]; });
      self.partlyAt[pedido.id] = at;
      self._keep();
    });
  };

  // ---- drawing -----------------------------------------------------------------

  ready._items = function (pedido) {
    var lines = this.lines(pedido), missing = some(pedido.items, isPending), node = dom.create('div', 'ready__items');
    var i, dishes = 0, parts;
    for (i = 0; i < lines.length; i++) {
      node.appendChild(dom.create('div', '', wording.line(toCarry(lines[i]))));
      if (lines[i].notas) { node.appendChild(dom.create('span', 'menu__note', lines[i].notas)); }
      parts = pages.parts.draw(lines[i], 'parts');
      if (parts) { node.appendChild(parts); }
    }
    if (!lines.length) { node.appendChild(dom.create('div', 'muted', WORDS.askKitchen)); }
    for (i = 0; i < missing.length; i++) { dishes += pages.lines.toMake(missing[i]); }
    if (dishes) {
      node.appendChild(dom.create('div', 'muted', pages.fill(WORDS.missing, { n: dishes })));
    }
    if (pages.places.isToGo(pedido) && !pedido.pagado_at) { node.appendChild(dom.create('div', 'muted', WORDS.chargedAtTill)); }
    return node;
  };

  ready._card = function (pedido) {
    var self = this, waiting = this.operations.pending(pedido.id, 'servir'), whose = wording.attendant(pedido), node, button;
    button = dom.button('btn btn--primary', WORDS.delivered, function () { self._deliver(pedido); });
    button.setAttribute('aria-label', pages.fill(WORDS.deliveredWhom, { whom: wording.label(pedido) }));
    if (waiting) {
      button.className = 'btn is-waiting';
      button.disabled = true;
      dom.setText(button, this.operations.words(waiting));
    }
    node = dom.create('article', 'ready', [
      dom.create('div', 'grow', [
        dom.create('h3', 'ready__label', [
          dom.text(wording.label(pedido) + ' '), dom.create('span', 'ready__time num')
        ]),
        whose && whose !== this.username ? dom.create('div', 'muted ready__of', pages.fill(WORDS.of, { whom: whose })) : null,
        this._items(pedido)
      ]),
      button
    ]);
    node.setAttribute('data-pedido-id', pedido.id);
    node.setAttribute('data-estado', pedido.estado);
    return node;
  };

  // What was delivered, until it is too late to take it back.
  ready._undoCard = function (pedido, entry) {
    var node = dom.create('article', 'ready ready--undo', [
      dom.create('div', 'grow', [
        dom.create('h3', 'ready__label', [dom.icon('check'), dom.text(wording.label(pedido))]),
        dom.create('div', 'ready__items', pages.sheetWords.done.servir)
      ]),
      this.undo.button(entry)
    ]);
    node.setAttribute('data-deshacer', pedido.id);
    return node;
  };

  ready._row = function (pedido) {
    var self = this, waiting = this.operations.pending(pedido.id, 'servir'), entry = this.undo.of(pedido.id);
    if (entry && !this.holds(pedido)) {
      return { key: pedido.id, content: String(entry.until), draw: function () { return self._undoCard(pedido, entry); } };
    }
    return {
      key: pedido.id,
      content: JSON.stringify([pedido, this.carried[pedido.id], this.operations.words(waiting)]),
      draw: function () { return self._card(pedido); }
    };
  };

  ready.show = function (orders, now) {
    var rows = [], i;
    for (i = 0; i < orders.length; i++) { rows.push(this._row(orders[i])); }
    this.rows.show(rows);
    for (i = 0; i < orders.length; i++) {
      if (this.holds(orders[i])) { this._tick(this.rows.node(orders[i].id), now - this.since(orders[i])); }
    }
  };

  ready._tick = function (node, ageMs) {
    var late = ageMs >= LATE_MS, time = node.querySelector('.ready__time'), text = pages.clock.minutes(ageMs);
    node.setAttribute('data-edad', late ? 'tarde' : 'normal');
    node.className = late ? 'ready ready--late' : 'ready';
    if (time.textContent === text && !!time.querySelector('.icon') === late) { return; }
    dom.empty(time);
    if (late) {
      time.appendChild(dom.icon('warning'));
      time.appendChild(dom.create('span', 'sr-only', WORDS.late));
    }
    time.appendChild(dom.text(text));
  };

  Ready.toCarry = toCarry;
  pages.Ready = Ready;
}(window));
