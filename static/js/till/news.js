/* This tells the cashier what others have done: a total that is not what it
   was, another till that was faster, an order that was cancelled or is back in
   the kitchen. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var rows = pages.tillRows;
  var fill = pages.fill;
  var WORDS = pages.tillWords;

  // page: {book, toast, own(evento), onBill(id), waits(id), onNotice(notice)}
  function News(page) {
    this.page = page;
    this.changes = {};           // by order id: {from, text, added: {item id: true}}
    this.away = {};              // by order id: as it was when it went back to the kitchen
  }

  var news = News.prototype;

  news.forget = function (id) {
    delete this.changes[id];
    delete this.away[id];
  };

  // ---- a total that is not what it was ---------------------------------------------

  function addedTo(before, after) {
    return after.items.filter(function (item) { return !pages.lines.byId(before.items, item.id); });
  }

  function names(items) { return items.map(wording.line).join(', '); }

  function difference(before, after) {
    var more = addedTo(before, after), less = addedTo(after, before);
    return [
      more.length ? fill(WORDS.wereAdded, { dishes: names(more) }) : '', less.length ? fill(WORDS.wereTakenOff, { dishes: names(less) }) : ''
    ].filter(Boolean).join(', ');
  }

  function textOf(evento) {
    var cambios = evento.cambios || {}, who = (evento.actor && evento.actor.username) || WORDS.somebody;
    var dish = cambios.producto_nombre || WORDS.aDish;
    if (cambios.tipo_cambio === 'item_agregado') { return fill(WORDS.added, { who: who, n: cambios.cantidad_nueva || 1, dish: dish }); }
    if (cambios.tipo_cambio === 'item_removido') { return fill(WORDS.tookOff, { who: who, dish: dish }); }
    if (cambios.tipo_cambio === 'cantidad_modificada') {
      return pages.isolate(who) + ': ' + cambios.cantidad_anterior + ' → ' + cambios.cantidad_nueva + ' ' + pages.isolate(dish);
    }
    return '';
  }

  // The cashier may have told the guest the sum before: as long as it is not charged, it is said.
  news.compare = function (before, after, evento) {
    var id = after.id, base = this.away[id] || before, known = this.changes[id];
    this.page.book.put(after);
    if (before && rows.isDue(before) && rows.inKitchen(after)) { this.away[id] = before; }
    if (rows.isDue(after)) { delete this.away[id]; }
    if (!base || base.total === after.total || !rows.isUnpaid(after)) { return; }
    if (!rows.isDue(after) && !this.page.onBill(id)) { return; }
    if (known && before && before.total === after.total) { return; }   // that is said already
    this.changes[id] = known || { from: base.total, text: '', added: {} };
    this.changes[id].text = (evento && textOf(evento)) || difference(base, after);
    addedTo(base, after).forEach(function (item) { this.changes[id].added[item.id] = true; }, this);
    dom.setText(dom.byId('said'), fill(WORDS.totalChangedSaid, { whom: wording.label(after), total: wording.money(after.total) }));
  };

  // ---- what others did ---------------------------------------------------------------

  news._paidElsewhere = function (label, evento) {
    return fill(evento.actor && evento.actor.username ? WORDS.chargedBy : WORDS.chargedElsewhere, {
      whom: label, who: evento.actor && evento.actor.username
    });
  };

  function textOfLeaving(after, label, evento) {
    if (after.estado === 'cancelado') { return fill(evento.razon ? WORDS.cancelledFor : WORDS.isCancelled, { whom: label, reason: evento.razon }); }
    if (rows.inKitchen(after)) { return fill(WORDS.backInKitchen, { whom: label }); }
    return '';
  }

  // before was to be charged or handed over, and is not any more.
  news._tellLeft = function (before, after, evento) {
    var label = wording.label(before), paid = !before.pagado_at && !!after.pagado_at, text;
    text = paid ? this._paidElsewhere(label, evento) : textOfLeaving(after, label, evento);
    if (!text && this.page.onBill(before.id)) { text = fill(WORDS.wasClosed, { whom: label }); }
    if (!text) { return; }
    if (this.page.onBill(before.id)) {
      this.page.onNotice({ kind: paid ? 'otra_caja' : 'fuera', title: text, text: paid ? WORDS.doNotChargeTwice : WORDS.chooseAnother });
    }
    if (!this.page.waits(before.id)) { this.page.toast.say(text); }   // else the refusal tells
  };

  // "Mesa 5 → 12"
  function moveOf(before, after) {
    var from = pages.places.table(before), to = pages.places.table(after);
    return from && from !== to ? pages.places.moveText(from, to) : '';
  }

  news._isShown = function (pedido) { return rows.isDue(pedido) || !!pedido.pagado_at || this.page.onBill(pedido.id); };

  // An event that the book has taken.
  news.take = function (change, evento) {
    var before = change.before, after = change.after, left;
    this.compare(before, after, evento);
    if (after.pagado_at || pages.states.OVER[after.estado]) { this.forget(after.id); }
    if (!before || !this._isShown(before)) { return; }
    if (evento.mesa_anterior !== undefined && moveOf(before, after)) { this.page.toast.say(moveOf(before, after)); }
    left = pages.states.OVER[after.estado] || !!before.pagado_at !== !!after.pagado_at || (rows.isDue(before) && rows.inKitchen(after));
    if (left && !evento.deshecho && !this.page.own(evento)) { this._tellLeft(before, after, evento); }
  };

  pages.TillNews = News;
}(window));
