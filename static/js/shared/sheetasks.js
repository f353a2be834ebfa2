/* What the order sheet asks before it does something: which dishes go back to
   the kitchen and why, why an order is cancelled or a dish taken off, and to
   which table the guests move. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var lines = pages.lines;
  var MOST_KEPT = 40;            // tables that this browser remembers
  var FIRST_TABLES = 12;
  var TABLES_KEY = 'notif:mesas';
  var WORDS = pages.sheetWords;

  // act(pedido, accion, fields, info) does it. book: whose orders say which tables are busy.
  function Asks(drawer, book, act) {
    this.drawer = drawer;
    this.book = book;
    this.act = act;
  }

  var asks = Asks.prototype;

  function problem() {
    var node = dom.create('p', 'field__error drawer__error', '');
    node.setAttribute('role', 'alert');
    return node;
  }

  function sum(items) {
    return items.reduce(function (total, item) { return total + item.cantidad; }, 0);
  }

  function heading(text) {
    return dom.create('p', 'drawer__why', text);
  }

  // ---- back to the kitchen -------------------------------------------------------

  // Nothing is ticked at first: what is sent back is made anew.
  asks.sendBack = function (pedido) {
    var self = this, made = pedido.items.filter(lines.isReady), ticked = {}, error = problem(), list = dom.create('div', 'opts');
    var go = pages.Drawer.footButton('btn--primary', WORDS.sendBackNone, function () { send(); });
    var why = pages.Drawer.reasons(WORDS.reasons.recuperar, function () { dom.setText(error, ''); });
    function chosen() { return made.filter(function (item) { return ticked[item.id]; }); }
    function changed() {
      dom.setText(go, chosen().length ? pages.fill(WORDS.sendBackSome, { n: sum(chosen()) }) : WORDS.sendBackNone);
      dom.setText(error, '');
    }
    function send() {
      var back = chosen(), reason = why.value();
      if (made.length && !back.length) { dom.setText(error, WORDS.tickSome); return; }
      if (!reason) { dom.setText(error, WORDS.giveReason); return; }
      self.drawer.close();
      self.act(pedido, 'recuperar', {
        razon: reason, item_ids: made.length ? back.map(function (item) { return item.id; }) : undefined
      }, { said: back.map(function (item) { return item.cantidad + ' ' + pages.isolate(item.producto_nombre || WORDS.aDish); }).concat([pages.isolate(reason)]).join(', ') });
    }
    made.forEach(function (item) {
      var row = pages.Drawer.option('checkbox', false, [
        dom.create('b', 'num', item.cantidad + '×'), dom.text(pages.isolate(item.producto_nombre || pages.words.dish)),
        item.notas ? dom.create('small', '', item.notas) : null
      ], function () {
        ticked[item.id] = !ticked[item.id];
        pages.Drawer.setOn(row, ticked[item.id]);
        changed();
      });
      row.setAttribute('data-item-id', item.id);
      list.appendChild(row);
    });
    this.drawer.open('recuperar', {
      title: WORDS.sendBack, text: made.length ? WORDS.tickOnly : '',
      parts: [made.length ? list : null, heading(WORDS.why), why.node], foot: [error, go]
    });
  };

  // ---- cancelling ----------------------------------------------------------------

  asks.cancel = function (pedido) {
    var self = this, error = problem(), made = pedido.items.filter(function (item) { return lines.madeOnce(item) > 0; });
    var list = pedido.estado === 'servido' ? WORDS.reasons.served : WORDS.reasons.cancelar;
    var why = pages.Drawer.reasons(list, function () { dom.setText(error, ''); });
    var count = made.reduce(function (total, item) { return total + lines.madeOnce(item); }, 0);
    this.drawer.open('cancelar', {
      title: pages.fill(WORDS.cancelTitle, { whom: wording.label(pedido) }),
      text: pedido.estado === 'servido' ? WORDS.cancelServed : count ? pages.fill(WORDS.cancelMade, { n: count }) : WORDS.seenAtOnce,
      parts: [heading(WORDS.why), why.node],
      foot: [error, pages.Drawer.footButton('btn--late', WORDS.cancelDo, function () {
        if (!why.value()) { dom.setText(error, WORDS.giveReason); return; }
        self.drawer.close();
        self.act(pedido, 'cancelar', { razon: why.value() }, { said: pages.isolate(why.value()) });
      }), pages.Drawer.footButton('btn--secondary', WORDS.cancelNot, function () { self.drawer.close(); })]
    });
  };

  // ---- taking a dish off -----------------------------------------------------------

  // version, seen: of the line as it was when it was opened.
  asks.remove = function (pedido, item, version, seen) {
    var self = this, error = problem(), made = lines.madeOnce(item) > 0;
    var why = made ? pages.Drawer.reasons(WORDS.reasons.quitar_item, function () { dom.setText(error, ''); }) : null;
    this.drawer.open('quitar_item', {
      title: pages.fill(WORDS.takeOff, { dish: wording.line(item) }), text: made ? WORDS.takeOffMade : WORDS.seenAtOnce, parts: why ? [why.node] : [],
      foot: [error, pages.Drawer.footButton('btn--late num', item.subtotal ?
        pages.fill(WORDS.takeOffDo, { sum: wording.money(item.subtotal) }) : WORDS.takeOffPlain, function () {
        var fields = { item_id: item.id, version: version };
        if (why && !why.value()) { dom.setText(error, WORDS.giveReason); return; }
        if (why) { fields.razon = why.value(); }
        self.drawer.close();
        self.act(pedido, 'quitar_item', fields, { seen: seen, said: item.cantidad + ' ' + pages.isolate(item.producto_nombre || WORDS.aDish) });
      }), pages.Drawer.footButton('btn--secondary', WORDS.takeOffNot, function () { self.drawer.close(); })]
    });
  };

  // ---- another table -------------------------------------------------------------

  // As it travels; text, to be compared.
  function keyOf(table) {
    return table.mesa ? 'n' + table.mesa : 'm' + table.mesa_numero;
  }

  function tableOf(pedido) {
    if (pages.places.isToGo(pedido) || !pages.places.table(pedido)) { return null; }
    return pedido.mesa ? { mesa: pedido.mesa } : { mesa_numero: pedido.mesa_numero };
  }

  // [{table, orders}]: the first numbers, what this browser has seen, and what is busy now.
  function tables(book) {
    var found = {}, list = [], kept = pages.storage.browser.get(TABLES_KEY), i;
    function add(table) {
      var key = keyOf(table);
      if (!found[key]) {
        found[key] = { table: table, orders: [] };
        list.push(found[key]);
      }
      return found[key];
    }
    for (i = 1; i <= FIRST_TABLES; i++) { add({ mesa_numero: i }); }
    (kept instanceof Array ? kept : []).forEach(add);
    book.list(function (pedido) { return pages.states.OPEN[pedido.estado] === true && tableOf(pedido) !== null; }, function (pedido) {
      return pedido.id;
    }).forEach(function (pedido) { add(tableOf(pedido)).orders.push(pedido); });
    pages.storage.browser.set(TABLES_KEY, list.slice(FIRST_TABLES, FIRST_TABLES + MOST_KEPT).map(function (entry) { return entry.table; }));
    return list.sort(function (a, b) {
      if (!a.table.mesa !== !b.table.mesa) { return a.table.mesa ? 1 : -1; }
      return a.table.mesa ? (a.table.mesa < b.table.mesa ? -1 : 1) : a.table.mesa_numero - b.table.mesa_numero;
    });
  }

  function busyText(orders) {
    if (!orders.length) { return WORDS.free; }
    return orders.length > 1 ? pages.fill(WORDS.ordersThere, { n: orders.length }) : wording.money(orders[0].total);
  }

  function tile(entry, onTap) {
    var node = dom.button('tile' + (entry.orders.length ? ' tile--busy' : ''), [
      dom.create('b', 'num', entry.table.mesa || String(entry.table.mesa_numero)), dom.create('small', 'num', busyText(entry.orders))
    ], onTap);
    node.setAttribute('aria-pressed', 'false');
    node.setAttribute('data-mesa', entry.table.mesa || entry.table.mesa_numero);
    return node;
  }

  // {node, tiles}: what is there to choose; choose(entry or null) is told.
  function tilesOf(entries, choose) {
    var node = dom.create('div', 'tiles'), list = entries.map(function (entry) {
      return tile(entry, function () { choose(entry); });
    });
    list.forEach(function (one) { node.appendChild(one); });
    return { node: node, mark: function (chosen) {
      entries.forEach(function (entry, index) {
        list[index].className = 'tile' + (entry.orders.length ? ' tile--busy' : '') + (entry === chosen ? ' is-on' : '');
        list[index].setAttribute('aria-pressed', entry === chosen ? 'true' : 'false');
      });
    } };
  }

  asks.move = function (pedido) {
    var self = this, own = tableOf(pedido), chosen = null, error = problem(), input = dom.create('input', 'input');
    var keys = dom.button('btn btn--secondary btn--touch whom__keys', ''), busy = dom.create('p', 'drawer__busy', '');
    var go = pages.Drawer.footButton('btn--primary', WORDS.chooseTable, function () { move(); });
    var entries = tables(this.book).filter(function (entry) { return !own || keyOf(entry.table) !== keyOf(own); });
    var tiles = tilesOf(entries, function (entry) {
      input.value = '';
      choose(entry);
    });
    function choose(entry) {
      chosen = entry;
      tiles.mark(entry);
      dom.setText(error, '');
      dom.setText(go, entry ? pages.fill(WORDS.moveTo, { table: pages.places.table(entry.table) }) : WORDS.chooseTable);
      dom.setText(busy, entry && entry.orders.length ?
        pages.fill(WORDS.busy, { table: pages.places.table(entry.table), n: entry.orders.length }) : '');
    }
    function move() {
      if (!chosen) { dom.setText(error, WORDS.chooseTable + '.'); return; }
      self.drawer.close();
      self.act(pedido, 'cambiar_mesa', chosen.table, {
        before: own, said: pages.places.moveText(pages.places.table(pedido), pages.places.table(chosen.table))
      });
    }
    input.type = 'text';
    input.setAttribute('aria-label', WORDS.otherTable);
    input.setAttribute('placeholder', WORDS.otherTable);
    input.oninput = function () {
      var table = pages.tableField.read(input.value), known = table && entries.filter(function (entry) {
        return keyOf(entry.table) === keyOf(table);
      })[0];
      choose(table ? known || { table: table, orders: [] } : null);
    };
    pages.tableField.bind(input, keys);
    busy.setAttribute('role', 'status');
    this.drawer.open('cambiar_mesa', {
      title: pages.fill(WORDS.moveTitle, { whom: wording.label(pedido) }), text: WORDS.moveHint,
      parts: [tiles.node, dom.create('div', 'whom__row', [input, keys]), busy], foot: [error, go]
    });
  };

  Asks.keyOf = keyOf;
  Asks.tableOf = tableOf;
  pages.SheetAsks = Asks;
}(window));
