/* At the counter the cashier takes an order: for a takeaway, a delivery or a
   table. It is written by the keyboard: some letters of a dish and Enter add
   it, "3 queso" adds three. What is written survives a reload of the page. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var fill = pages.fill;
  var wording = pages.wording;
  var WORDS = pages.tillWords;
  var FIELDS = ['cliente', 'telefono', 'direccion', 'repartidor', 'mesa', 'notas'];
  var KINDS = ['llevar', 'domicilio', 'mesa'];

  function newDraft() {
    return {
      tipo: 'llevar', cliente: '', telefono: '', direccion: '', repartidor: '', mesa: '', notas: '',
      pago: { llevar: 'anticipado', domicilio: 'al_final' }, lines: []
    };
  }

  // onSend(body, info); onClose(): the form is left.
  function Counter(menu, userId, onSend, onClose) {
    var self = this, form = dom.byId('counter');
    this.key = 'notif:mostrador:' + userId;
    this.menu = menu;
    this.onSend = onSend;
    this.onClose = onClose;
    this.isOpen = false;
    this.draft = pages.storage.tab.get(this.key) || newDraft();
    this.dishes = new pages.CounterDishes(menu, this);
    FIELDS.forEach(function (name) {
      dom.byId('counter-' + name).oninput = function () {
        self.draft[name] = this.value;
        self.fail('');
        self.keep();
      };
    });
    KINDS.forEach(function (kind) { dom.byId('counter-' + kind + '-kind').onclick = function () { self._choose(kind); }; });
    ['anticipado', 'al_final'].forEach(function (pago) {
      dom.byId('counter-' + pago).onclick = function () {
        self.draft.pago[self.draft.tipo] = pago;
        self.show();
      };
    });
    form.onsubmit = function () {
      self.send();
      return false;
    };
    form.onkeydown = function (event) {
      if (event.keyCode === 27) { self.close(); }
    };
    dom.byId('counter-close').onclick = function () { self.close(); };
  }

  var counter = Counter.prototype;

  counter.keep = function () { pages.storage.tab.set(this.key, this.draft); };

  counter.open = function (draft) {
    this.draft = draft || this.draft;
    this.isOpen = true;
    this.menu.load();            // a new dish or price is no event
    this.show();
    this._focus();
  };

  counter.close = function () {
    this.isOpen = false;
    this.show();
    this.onClose();
  };

  counter._choose = function (kind) {
    this.draft.tipo = kind;
    this.fail('');
    this.show();
    this._focus();
  };

  counter._focus = function () {
    dom.byId(this.draft.tipo === 'mesa' ? 'counter-mesa' : 'counter-cliente').focus();
  };

  // ---- lines ---------------------------------------------------------------------

  counter._lineOf = function (id) {
    return this.draft.lines.filter(function (line) { return line.id === id; })[0] || null;
  };

  counter.quantity = function (id) {
    var line = this._lineOf(id);
    return line ? line.cantidad : 0;
  };

  counter.add = function (product, count) {
    var line = this._lineOf(product.id);
    if (!line) {
      line = { id: product.id, cantidad: 0, notas: '' };
      this.draft.lines.push(line);
    }
    line.cantidad += count;
    if (line.cantidad <= 0) { this.draft.lines.splice(this.draft.lines.indexOf(line), 1); }
    this.fail('');
    this.show();
  };

  counter.note = function (id, text) {
    this._lineOf(id).notas = text;
    this.keep();
  };

  // ---- sending -------------------------------------------------------------------

  counter.fail = function (text, focusId) {
    var node = dom.byId('counter-error');
    dom.setText(node, text);
    node.hidden = !text;
    if (text && focusId) { dom.byId(focusId).focus(); }
  };

  counter._problem = function () {
    var draft = this.draft, menu = this.menu, out;
    if (draft.tipo === 'mesa' && !pages.tableField.read(draft.mesa)) { return [WORDS.noTable, 'counter-mesa']; }
    if (draft.tipo !== 'mesa' && !draft.cliente.trim()) { return [WORDS.noCustomer, 'counter-cliente']; }
    if (draft.tipo === 'domicilio' && !draft.direccion.trim()) { return [WORDS.noAddress, 'counter-direccion']; }
    if (!this.lines().length) { return [WORDS.noDishes, 'counter-find']; }
    out = this.lines().filter(function (line) { return menu.isOut(line.product); });
    return out.length ? [fill(WORDS.ranOut, { dishes: out.map(function (line) { return line.product.nombre; }).join(', ') })] : null;
  };

  // What is on the menu still: {id, cantidad, notas, product}
  counter.lines = function () {
    var menu = this.menu;
    return this.draft.lines.filter(function (line) { return menu.byId[line.id]; }).map(function (line) {
      return { id: line.id, cantidad: line.cantidad, notas: line.notas, product: menu.byId[line.id] };
    });
  };

  counter.total = function () {
    return this.lines().reduce(function (sum, line) { return sum + line.cantidad * (line.product.precio || 0); }, 0);
  };

  function bodyOf(draft, lines) {
    var table = draft.tipo === 'mesa' ? pages.tableField.read(draft.mesa) : {}, body = { tipo: draft.tipo }, sent;
    body.tipo_pago = draft.tipo === 'mesa' ? 'al_final' : draft.pago[draft.tipo];
    sent = {
      mesa: table.mesa, mesa_numero: table.mesa_numero, notas: draft.notas.trim(),
      cliente_nombre: draft.tipo === 'mesa' ? '' : draft.cliente.trim()
    };
    if (draft.tipo === 'domicilio') {
      sent.direccion = draft.direccion.trim();
      sent.telefono = draft.telefono.trim();
      sent.repartidor = draft.repartidor.trim();
    }
    Object.keys(sent).forEach(function (name) {
      if (sent[name]) { body[name] = sent[name]; }
    });
    body.items = lines.map(function (line) {
      var item = { producto_id: line.id, cantidad: line.cantidad };
      if (line.notas.trim()) { item.notas = line.notas.trim(); }
      return item;
    });
    return body;
  }

  counter.send = function () {
    var draft = this.draft, problem = this._problem(), lines = this.lines(), summary, body;
    if (problem) {
      this.fail(problem[0], problem[1]);
      return;
    }
    body = bodyOf(draft, lines);
    summary = fill(WORDS.summary, {
      n: lines.reduce(function (count, line) { return count + line.cantidad; }, 0), sum: wording.money(this.total())
    });
    this.draft = newDraft();     // a second tap finds nothing to send
    this.close();
    this.onSend(body, { label: wording.label(body), summary: summary, draft: draft });
  };

  // ---- drawing -------------------------------------------------------------------

  function choose(id, on) {
    var node = dom.byId(id);
    node.className = 'seg__item' + (on ? ' is-on' : '');
    node.setAttribute('aria-pressed', on ? 'true' : 'false');
  }

  counter.show = function () {
    var draft = this.draft, paidFirst = draft.pago[draft.tipo] === 'anticipado';
    this.keep();
    dom.byId('counter').hidden = !this.isOpen;
    if (!this.isOpen) { return; }
    KINDS.forEach(function (kind) { choose('counter-' + kind + '-kind', draft.tipo === kind); });
    dom.byId('counter-whom').hidden = draft.tipo === 'mesa';
    dom.byId('counter-table').hidden = draft.tipo !== 'mesa';
    dom.byId('counter-goes').hidden = draft.tipo !== 'domicilio';
    dom.byId('counter-pay').hidden = draft.tipo === 'mesa';
    choose('counter-anticipado', paidFirst);
    choose('counter-al_final', !paidFirst);
    dom.setText(dom.byId('counter-al_final'), draft.tipo === 'domicilio' ? WORDS.paysAtDoor : WORDS.paysLater);
    FIELDS.forEach(function (name) {
      var input = dom.byId('counter-' + name);
      if (input.value !== draft[name]) { input.value = draft[name]; }
    });
    this.dishes.show();
    dom.setText(dom.byId('counter-total'), wording.money(this.total()));
    dom.setText(dom.byId('counter-send'), draft.tipo !== 'mesa' && paidFirst ? WORDS.sendAndCharge : WORDS.sendToKitchen);
  };

  pages.Counter = Counter;
}(window));
