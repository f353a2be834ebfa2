/* The order sheet is the one view of an order, for the waiter, the till and
   the manager: its lines and notes, what has happened and who did it, what this
   role may do now, and who cancels it where this role may not. It follows its
   order also where the page's own room hears nothing of it. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var lines = pages.lines;
  var drawing = pages.sheetDrawing;
  var WORDS = pages.sheetWords;
  var RETRY_MS = 4000;

  /* options: {client, operations, book, role,
     limits: {warnMs, lateMs, readyMs},
     isMine(pedido)       does who looks attend it?
     isOut(item)          has the dish run out?
     onAdd(pedido)        dishes are to be added; left out where the page cannot
     onCharge(pedido)     it is to be charged; left out where the page cannot
     onNote(target)       for noteedit.js; left out: the note is a field
     redraw()             something is to be drawn soon
     say(text)            something went otherwise than was asked} */
  function Sheet(container, options) {
    var self = this;
    this.options = options;
    this.id = null;              // of the order that is shown
    this.known = null;           // as it was last known: a page's book forgets what is over
    this.events = [];
    this.state = '';             // 'asking', 'failed', 'missing', or '' once it is known
    this.veiled = false;         // of what was not known when it was opened nothing is shown before all of it has come
    this.request = null;
    this.timer = null;
    this._build(container);
    this.undo = new pages.Undo(options.redraw);
    this.edit = new pages.LineEdit(options.operations, options.role, {
      onChange: function () { self._again(); },
      onRemove: function (pedido, item) { self.asks.remove(pedido, item, self.edit.version, self.edit.seen); },
      onNote: options.onNote
    });
    this.asks = new pages.SheetAsks(this.drawer, options.book, function (pedido, accion, fields, info) { self._act(pedido, accion, fields, info); });
    options.client.on('evento_pedido', function (evento) { self._take(evento); });
    options.client.on('evento_sistema', function (evento) { self._take(evento); });
    options.client.on('instantanea', function () { if (self.id !== null) { self._load(); } });
  }

  var sheet = Sheet.prototype;

  sheet._build = function (container) {
    this.head = dom.create('div', 'osheet__head');
    this.dishes = dom.create('ul', 'olines');
    this.past = dom.create('ol', 'tl');
    this.who = dom.create('p', 'osheet__who');
    this.foot = dom.create('div', 'osheet__foot unveiled');
    this.node = dom.create('div', 'osheet', [
      dom.create('div', 'osheet__body unveiled', [this.head, dom.create('div', 'osheet__cols', [
        dom.create('section', 'osheet__dishes', [dom.create('h3', 'osheet__h osheet__h--dishes', WORDS.dishes), this.dishes]),
        dom.create('section', 'osheet__past', [dom.create('h3', 'osheet__h', WORDS.past), this.past, this.who])
      ])]),
      this.foot
    ]);
    container.appendChild(this.node);
    this.rows = {
      head: new pages.Rows(this.head), dishes: new pages.Rows(this.dishes), past: new pages.Rows(this.past), foot: new pages.Rows(this.foot)
    };
    this.drawer = new pages.Drawer(this.node);
  };

  // ---- which order -----------------------------------------------------------------

  // Shows this order, or none: null.
  sheet.open = function (id) {
    if (id === this.id) { return; }
    this._leave();
    this.id = id;
    if (id === null) { return; }
    this.known = this.options.book.orders[id] || null;
    this.veiled = !this.known;
    this.options.client.suscribirPedido(id);
    this._load();
  };

  sheet._leave = function () {
    if (this.id !== null) {
      this.options.client.desuscribirPedido(this.id);
      this.options.operations.letGo(this.id);
      this.undo.drop(this.id);
    }
    window.clearTimeout(this.timer);
    if (this.request) { this.request.drop(); }
    this.request = null;
    this.drawer.close();
    this.edit.close();
    this.known = null;
    this.events = [];
    this.state = '';
  };

  sheet._load = function () {
    var self = this, id = this.id;
    window.clearTimeout(this.timer);
    if (this.request) { this.request.drop(); }
    this.state = this.known ? '' : 'asking';
    this.request = pages.http.get('/api/pedidos/' + id, { pedido: 'object', eventos: 'list' }, function (answer) {
      self.request = null;
      self.veiled = false;
      if (answer.status === 200) {
        self.state = '';
        self._takeOrder(answer.body.pedido);
        self.events = answer.body.eventos;
      } else {
        self.state = answer.status === 404 ? 'missing' : 'failed';
        if (answer.status !== 404) { self.timer = window.setTimeout(function () { self._load(); }, RETRY_MS); }
      }
      self.options.redraw();
    });
  };

  sheet._know = function (pedido) {
    if (!this.known || pedido.version >= this.known.version) { this.known = pedido; }
    this.known.items = this.known.items || [];
  };

  // The book goes on with it where it is open; the page's own rules may have dropped it.
  sheet._takeOrder = function (pedido) {
    if (pages.states.OPEN[pedido.estado]) { this.options.book.put(pedido); }
    this._know(pedido);
  };

  sheet._take = function (evento) {
    var last = this.events[this.events.length - 1];
    if (this.id === null || evento.pedido_id !== this.id || (last && evento.id <= last.id)) { return; }
    this.events = this.events.concat([evento]);
    if (evento.pedido) { this._know(evento.pedido); }   // the page puts it into the book, and tells what is new of it
    // Of what is over a page's book may know nothing more, and the event need not have the order.
    if (evento.tipo === 'pedido_cancelado') { this._load(); }
    this.options.redraw();
  };

  sheet._pedido = function () {
    var held = this.options.book.orders[this.id];
    if (held && (!this.known || held.version >= this.known.version)) { this.known = held; }
    return this.known;
  };

  // ---- what may be done ----------------------------------------------------------

  function madeNothing(pedido) {
    return pedido.items.every(function (item) { return lines.madeOnce(item) === 0; });
  }

  function mayCancel(pedido, role) {
    var states = pages.states, estado = pedido.estado;
    if (role === 'manager') { return states.OPEN[estado] === true; }
    if (role === 'cajero') { return states.FIRST_STATES[estado] === true; }
    return states.EARLY[estado] === true && !pedido.pagado_at && madeNothing(pedido);
  }

  // Who cancels it where this role may not, in words; '' where it may, or nobody can any more.
  function askToCancel(pedido, role) {
    if (!pages.states.OPEN[pedido.estado] || mayCancel(pedido, role)) { return ''; }
    return mayCancel(pedido, 'cajero') ? WORDS.askTill : WORDS.askManager;
  }

  sheet._may = function (pedido, accion, now) {
    var estado = pedido.estado, role = this.options.role, open = pages.states.OPEN[estado] === true;
    var ready = pages.clock.parse(pedido.listo_at), toGo = pages.places.isToGo(pedido), mine = this.options.isMine(pedido);
    switch (accion) {
    case 'cobrar': return role !== 'mesero' && open && !pedido.pagado_at && !!this.options.onCharge;
    case 'servir': return estado === 'listo' && (role !== 'cajero' || toGo);
    case 'agregar_item': return pages.LineEdit.mayEdit(pedido) && !!this.options.onAdd && (role !== 'mesero' || mine);
    case 'tomar': return open && role !== 'cajero' && !mine;
    case 'cambiar_mesa': return open && !toGo;
    case 'recuperar':
      return role !== 'cajero' && pages.states.MADE[estado] === true &&
        (estado === 'servido' || ready === null || now - ready < this.options.limits.readyMs);
    case 'cerrar': return estado === 'servido' && !!pedido.pagado_at;
    default: return mayCancel(pedido, role);
    }
  };

  sheet._actions = function (pedido, now) {
    var self = this;
    return ['cobrar', 'servir', 'agregar_item', 'cambiar_mesa', 'tomar', 'recuperar', 'cerrar', 'cancelar'].filter(function (name) {
      return self._may(pedido, name, now);
    });
  };

  var ICONS = {
    cobrar: 'cash', servir: 'check', agregar_item: 'plus', tomar: 'person', cambiar_mesa: 'table', recuperar: 'undo', cerrar: 'check', cancelar: 'cross'
  };

  sheet._touch = function (pedido, name) {
    switch (name) {
    case 'agregar_item': this.options.onAdd(pedido); break;
    case 'cobrar': this.options.onCharge(pedido); break;
    case 'recuperar': this.asks.sendBack(pedido); break;
    case 'cambiar_mesa': this.asks.move(pedido); break;
    case 'cancelar': this.asks.cancel(pedido); break;
    default: this._act(pedido, name, {}, {});
    }
  };

  // ---- doing it, and taking it back --------------------------------------------------

  var KEPT = { recuperar: true, quitar_item: true };   // the service has no undo for these: they wait until it is over
  var UNDONE = { servir: true, cerrar: true, cancelar: true, cambiar_mesa: true };

  sheet._act = function (pedido, accion, fields, info) {
    var self = this, operations = this.options.operations, operation;
    if (KEPT[accion]) { info.keepMs = pages.Undo.MS; }
    this.edit.close();
    operation = operations.act(pedido, accion, fields, info);
    if (operation && KEPT[accion]) {
      this.undo.offerKept(operations, operation, pedido.id, WORDS.done[accion], info.said, function () {
        self.options.say(pages.fill(WORDS.tooLate, { whom: pages.wording.label(pedido) }));
      });
    }
    this._again();
  };

  // Of each action of the page that was accepted. Answers whether it is told here, with its undo.
  sheet.answered = function (info, pedido) {
    var self = this;
    if (info.pedido_id !== this.id) { return false; }
    this._takeOrder(pedido);
    if (!UNDONE[info.accion] || info.again || (info.accion === 'cambiar_mesa' && !info.before)) { return false; }
    this.undo.offer(pedido.id, WORDS.done[info.accion], info.said || '', function () {
      if (info.accion === 'cambiar_mesa') {
        self.options.operations.act(pedido, 'cambiar_mesa', info.before, { again: true });
      } else {
        self.options.operations.act(pedido, 'deshacer', { deshace: info.accion });
      }
    });
    return true;
  };

  // ---- drawing -----------------------------------------------------------------------

  sheet._again = function () { this.show(pages.clock.now()); };

  sheet.show = function (now) {
    var pedido = this.id === null ? null : this._pedido(), actions, waiting;
    this.node.className = this.veiled ? 'osheet is-unknown' : 'osheet';
    this.node.setAttribute('data-estado', pedido ? pedido.estado : this.state);
    this.node.setAttribute('data-pedido-id', this.id === null ? '' : this.id);
    if (!pedido) {
      this._showNothing();
      return;
    }
    actions = this._actions(pedido, now);
    waiting = this.options.operations.sending(pedido.id);
    if (waiting || !pages.LineEdit.mayEdit(pedido) || !lines.byId(pedido.items, this.edit.id)) { this.edit.close(); }
    if (this.drawer.key && this.drawer.key !== 'quitar_item' && actions.indexOf(this.drawer.key) < 0) { this.drawer.close(); }
    this._showHead(pedido, now);
    this._showDishes(pedido, waiting, now);
    this._showPast(pedido);
    this._showWho(askToCancel(pedido, this.options.role));
    this._showFoot(pedido, actions, waiting);
  };

  sheet._showNothing = function () {
    var words = this.id === null ? '' : { asking: WORDS.loading, failed: WORDS.unknown, missing: WORDS.missing }[this.state] || WORDS.loading;
    this.rows.head.show(words ? [{ key: 'none', content: words, draw: function () { return dom.create('p', 'osheet__none', words); } }] : []);
    this.rows.dishes.show([]);
    this.rows.past.show([]);
    this._showWho('');
    this.rows.foot.show([]);
  };

  sheet._showHead = function (pedido, now) {
    this.rows.head.show([{
      key: 'head',
      content: JSON.stringify([
        pages.wording.label(pedido), pedido.estado, pages.wording.attendant(pedido), pedido.items, pedido.pagado_at, pedido.razon, pedido.notas,
        pages.places.goesTo(pedido), pedido.numero
      ]),
      draw: function () { return drawing.head(pedido); }
    }]);
    drawing.tickHead(this.rows.head.node('head'), drawing.ageOf(pedido, now, this.options.limits));
  };

  sheet._marks = function (pedido, item, waiting) {
    var removing = this.options.operations.pending(pedido.id, 'quitar_item', item.id) !== null;
    return {
      gone: removing,
      out: pages.states.OPEN[pedido.estado] === true && !!this.options.isOut && this.options.isOut(item),
      editable: !waiting && !removing && pages.LineEdit.mayEdit(pedido) && item.estado_item !== 'cancelado',
      open: this.edit.id === item.id,
      readyAt: item.estado_item === 'listo' ? pages.timeline.readyAt(this.events, item.id) : ''
    };
  };

  sheet._lineRow = function (pedido, item, waiting) {
    var self = this, marks = this._marks(pedido, item, waiting);
    return {
      key: item.id,
      content: JSON.stringify([
        item, marks, pedido.estado, pedido.items.length > 1, drawing.sinceOf(pedido, item), marks.open ? this.edit.content() : null
      ]),
      draw: function () {
        var line = drawing.line(pedido, item, marks), node;
        if (marks.editable) { line.onclick = function () { self.edit.toggle(self.known, item); }; }
        node = dom.create('li', 'olines__item', [line, marks.open && marks.editable ? self.edit.draw(pedido, item) : null]);
        node.setAttribute('data-item-id', item.id);
        return node;
      }
    };
  };

  sheet._showDishes = function (pedido, waiting, now) {
    var self = this, rows = pedido.items.map(function (item) { return self._lineRow(pedido, item, waiting); }), total = pages.wording.money(pedido.total);
    if (!rows.length) {
      rows.push({ key: 'none', content: '', draw: function () { return dom.create('li', 'osheet__none', WORDS.noDetail); } });
    }
    rows.push({ key: 'total', content: total, draw: function () {
      return dom.create('li', 'osheet__total num', [dom.text(pages.words.total), dom.create('b', '', total)]);
    } });
    this.rows.dishes.show(rows);
    pedido.items.forEach(function (item) {
      var age = self.rows.dishes.node(item.id).querySelector('.oline__age'), since = drawing.sinceOf(pedido, item);
      if (age && since !== null) { dom.setText(age, pages.fill(WORDS.minutes, { n: Math.max(0, Math.floor((now - since) / 60000)) })); }
    });
  };

  sheet._showPast = function (pedido) {
    this.rows.past.show(pages.timeline.rows(pedido, this.events).map(function (row, index) {
      return { key: index, content: JSON.stringify(row), draw: function () { return drawing.happened(row); } };
    }));
  };

  sheet._showWho = function (text) {
    dom.setText(this.who, text);
    this.who.hidden = !text;
  };

  sheet._showFoot = function (pedido, actions, waiting) {
    var self = this, entry = this.undo.of(pedido.id), words = this.options.operations.words(waiting);
    this.rows.foot.show([{
      key: 'foot',
      content: JSON.stringify([entry ? [entry.text, entry.more, entry.until] : null, words, actions]),
      draw: function () {
        if (entry) { return self.undo.bar(entry); }
        if (waiting) { return dom.create('p', 'btn btn--block btn--touch is-waiting', words); }
        return self._buttons(actions);
      }
    }]);
    this.foot.hidden = !entry && !waiting && !actions.length;
  };

  sheet._buttons = function (actions) {
    var self = this, node = dom.create('div', 'acts');
    actions.forEach(function (name, index) {
      var go = index === 0 && (name === 'cobrar' || name === 'servir' || (name === 'agregar_item' && self.options.role === 'mesero'));
      var button = dom.button('act' + (go ? ' act--go' : name === 'cancelar' ? ' act--late' : ''), [
        dom.icon(ICONS[name]), dom.text(WORDS.actions[name])
      ], function () { self._touch(self._pedido(), name); });
      button.setAttribute('data-accion', name);
      node.appendChild(button);
    });
    return node;
  };

  // As the page says: from when on an order is late, and may no longer go back to the kitchen.
  Sheet.limits = function () {
    function minutes(name) { return Number(window.document.body.getAttribute('data-' + name + '-minutes')) * 60000; }
    return { warnMs: minutes('warn'), lateMs: minutes('late'), readyMs: minutes('ready') };
  };

  Sheet.mayCancel = mayCancel;
  pages.Sheet = Sheet;
}(window));
