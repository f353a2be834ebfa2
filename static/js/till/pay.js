/* Here the cashier takes the money: how, how much of it was handed over, and
   what goes back. Its nodes stay, so that what is being written stays too. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var fill = pages.fill;
  var WORDS = pages.tillWords;
  var METHODS = ['efectivo', 'tarjeta', 'otro'];
  var NOTES = [5, 10, 20, 50, 100];
  var LONG = 7;                  // characters of "$999.99"

  // onChange(): something was touched. onAct(): the button.
  function Pay(operations, onChange, onAct) {
    var self = this, input = dom.byId('given');
    this.operations = operations;
    this.onChange = onChange;
    this.input = input;
    this.amounts = new pages.Rows(dom.byId('amounts'));
    METHODS.forEach(function (name) {
      dom.byId('pay-' + name).onclick = function () { self.choose(name); };
    });
    input.oninput = function () { onChange(); };
    dom.byId('act').onclick = onAct;
    this.begin();
  }

  var pay = Pay.prototype;

  pay.begin = function () {
    this.method = 'efectivo';
    this.input.value = '';
  };

  pay.choose = function (method) {
    this.method = method;
    if (method !== 'efectivo') { this.input.value = ''; }
    this.onChange();
  };

  // The first digit takes the place of what was there, as on a calculator.
  pay.digit = function (character) {
    this.method = 'efectivo';
    this.input.value = character;
    this.input.focus();
    this.onChange();
  };

  // False where there was nothing to clear.
  pay.exact = function () {
    var had = this.input.value !== '';
    this.input.value = '';
    this.onChange();
    return had;
  };

  // What was handed over; null: exact; NaN: no amount.
  pay.given = function () {
    var text = this.input.value.trim().replace(',', '.').replace(/^\$/, '');
    if (this.method !== 'efectivo' || !text) { return null; }
    return /^\d{1,7}(\.\d{0,2})?$|^\.\d{1,2}$/.test(text) ? Number(text) : NaN;
  };

  // What the guest gets back: whole cents. null: nothing, it was exact.
  pay.changeOf = function (total) {
    var given = this.given();
    return given === null || typeof total !== 'number' ? null : Math.round((given - total) * 100) / 100;
  };

  // The two amounts that a guest is likely to hand over: the next multiple of 5, then notes.
  function likely(total) {
    var list = [], next = Math.ceil(total / 5) * 5, i;
    if (next > total) { list.push(next); }
    for (i = 0; i < NOTES.length && list.length < 2; i++) {
      if (NOTES[i] > total && list.indexOf(NOTES[i]) < 0) { list.push(NOTES[i]); }
    }
    return list;
  }

  pay._amount = function (text, amount, waiting) {
    var self = this, given = this.given(), on = given === amount;
    return {
      key: text,
      content: JSON.stringify([on, waiting]),
      draw: function () {
        var button = dom.button('btn btn--secondary' + (on ? ' is-on' : ''), text, function () {
          self.input.value = amount === null ? '' : amount.toFixed(2);
          self.onChange();
        });
        button.disabled = waiting;
        button.setAttribute('aria-pressed', on ? 'true' : 'false');
        return button;
      }
    };
  };

  function press(button, on, disabled) {
    button.className = 'btn btn--secondary' + (on ? ' is-on' : '');
    button.setAttribute('aria-pressed', on ? 'true' : 'false');
    button.disabled = disabled;
  }

  pay._showMethods = function (total, waiting) {
    var self = this;
    METHODS.forEach(function (name) { press(dom.byId('pay-' + name), self.method === name, waiting); });
    dom.byId('pay-cash').hidden = this.method !== 'efectivo';
    this.input.disabled = waiting;
    this.amounts.show([this._amount(WORDS.exact, null, waiting)].concat(likely(total || 0).map(function (amount) {
      return self._amount('$' + amount, amount, waiting);
    })));
  };

  pay._showChange = function (total) {
    var change = this.changeOf(total), given = this.given(), short = change < 0, text = WORDS.noChange;
    if (change !== null) { text = isNaN(change) ? WORDS.noAmount : wording.money(Math.abs(change)); }
    dom.byId('back').className = 'back' + (short || isNaN(change) ? ' back--short' : '');
    dom.setText(dom.byId('back-title'), short ? WORDS.short : WORDS.change);
    dom.setText(dom.byId('back-of'), given === null || isNaN(given) ? '' : fill(WORDS.changeOf, { sum: wording.money(given) }));
    dom.byId('back-sum').className = 'back__sum num' + (text.length > LONG ? ' back__sum--long' : '');
    dom.setText(dom.byId('back-sum'), text);
  };

  // What the button does with a row: charges it, hands a paid takeaway over, or closes a paid table; '' while there is
  // nothing to do.
  function asked(row) {
    var pedido = row.orders[0];
    if (row.kind !== 'paid') { return 'cobrar'; }
    if (pedido.estado === 'listo' && pages.places.isToGo(pedido)) { return 'servir'; }
    return pedido.estado === 'servido' ? 'cerrar' : '';
  }

  // orders: those that are ticked.
  pay.show = function (row, orders) {
    var waiting = null, what, total;
    dom.byId('pay').hidden = !row;
    if (!row) { return; }
    waiting = orders.map(function (pedido) { return this.operations.pending(pedido.id); }, this).filter(Boolean)[0] || null;
    what = asked(row);
    total = pages.tillRows.sum(orders, 'total');
    dom.byId('pay-charge').hidden = what !== 'cobrar';
    dom.byId('pay-paid').hidden = what === 'cobrar';
    if (what === 'cobrar') {
      this._showMethods(total, !!waiting);   // what they would come to is not known before the answer
      this._showChange(total);
    } else {
      dom.setText(dom.byId('pay-paid-text'), fill(WORDS.paidAt, { time: pages.clock.timeOf(row.orders[0].pagado_at) }));
    }
    this._showButton(what, orders, total, waiting);
  };

  pay._showButton = function (what, orders, total, waiting) {
    var button = dom.byId('act'), texts = { servir: WORDS.deliver, cerrar: WORDS.closeBill }, change = this.changeOf(total);
    var kept = !!waiting && waiting.kept;
    button.hidden = !what;
    button.className = 'btn btn--block btn--go ' + (waiting && !kept ? 'is-waiting' : 'btn--primary');
    button.disabled = !kept && (!!waiting || !orders.length || (what === 'cobrar' && change !== null && !(change >= 0)));
    dom.setText(button, kept ? WORDS.takeOffNow : waiting ? this.operations.words(waiting, waiting.info.accion === 'cobrar' ? WORDS.charging : '') :
      texts[what] || WORDS.charge + wording.money(total));
  };

  Pay.asked = asked;
  pages.Pay = Pay;
}(window));
