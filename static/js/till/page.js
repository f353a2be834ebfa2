/* This is the till's page: what is to be charged, by table, with its total and
   age. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var wording = pages.wording;
  var fill = pages.fill;
  var WORDS = pages.tillWords;
  var KINDS = ['table', 'togo', 'old', 'paid'];
  var UNDOABLE = { servir: true, cerrar: true, cancelar: true };

  var book = new pages.Book();
  var chosen = null;             // the key of the row on the bill
  var onBill = [];               // ids of its orders
  var all = false;               // also tables of whom nobody has been served
  var notice = null;             // of what has just left the bill
  var groups = null;             // the rows, by kind
  var toast = new pages.Toast(dom.byId('toasts'));
  var screen = new pages.Screen(render);
  var client = screen.client;
  var operations = new pages.Operations(client, screen.userId, {
    changed: screen.redraw, answered: onAnswered, refused: onRefused,
    latest: function (id) { return book.orders[id] || null; }, still: pages.LineEdit.still
  });
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame, pages.Connection.OFFICE);
  var dues = new pages.Dues(containers(), operations, choose);
  var bill = new pages.Bill(dom.byId('bill'), operations, screen.role, onAct, onSheet);
  var pay = new pages.Pay(operations, screen.redraw, act);
  var charges = new pages.Charges(operations, onCharged);
  var undo = new pages.Undo(screen.redraw);
  var undoRows = new pages.Rows(dom.byId('undo'));
  var menu = new pages.Menu(screen.redraw);
  var counter = new pages.Counter(menu, screen.userId, onSend, screen.redraw);
  var sending = new pages.Sending(dom.byId('sending'), operations, openCounter, screen.redraw);
  var news = new pages.TillNews({
    book: book, toast: toast,
    own: function (evento) { return !!operations.own[evento.operacion_id]; },
    onBill: function (id) { return onBill.indexOf(id) >= 0; },
    waits: function (id) { return !!operations.pending(id); },
    onNotice: function (said) { notice = said; }
  });
  var everyone = new pages.Everyone(book, client, function (before, now) { news.compare(before, now, null); }, screen.redraw);

  var panel = new pages.SheetPanel({
    client: client, operations: operations, book: book, role: screen.role, limits: pages.Sheet.limits(), redraw: screen.redraw,
    isMine: function () { return false; },
    isOut: function (item) { return menu.isMissing(item); },
    onCharge: function (pedido) {
      panel.close();
      chooseOrder(pedido.id);
    },
    say: function (text) { toast.warn(text); }
  }, function () { everyone.followed = {}; });   // the sheet follows its own order, and lets go of it

  function containers() {
    var found = {};
    KINDS.forEach(function (kind) {
      found[kind] = { rows: dom.byId(kind), head: dom.byId(kind + '-head'), sum: dom.byId(kind + '-sum') };
    });
    return found;
  }

  // ---- drawing -----------------------------------------------------------------

  function showFrame() {
    dom.byId('till').className = dom.byId('banner').hidden ? 'till unveiled' : 'till till--pushed unveiled';
    screen.redraw();
  }

  // Guests who move take their bill along; what was charged leaves it.
  function findRow() {
    var rows = groups.table.concat(groups.togo, groups.old, groups.paid), found;
    found = rows.filter(function (row) { return row.key === chosen; })[0];
    if (!found && chosen !== null) {
      found = rows.filter(function (row) {
        return row.kind === chosen.slice(0, chosen.indexOf(':')) && row.orders.some(function (pedido) { return onBill.indexOf(pedido.id) >= 0; });
      })[0];
    }
    return found || null;
  }

  function press(id, on) {
    dom.byId(id).className = 'seg__item' + (on ? ' is-on' : '');
    dom.byId(id).setAttribute('aria-pressed', on ? 'true' : 'false');
  }

  // How many are to be charged, whatever is in sight; those of earlier days stand apart.
  function showHead() {
    var count = groups.table.concat(groups.togo).filter(function (row) { return row.due; }).length, text = '';
    press('tab-due', !all);
    press('tab-all', all);
    dom.setText(dom.byId('tab-due'), book.loaded && count ? fill(WORDS.dueCount, { n: count }) : WORDS.due);
    if (!book.loaded) { text = connection.offline ? WORDS.unknown : pages.words.loading; }
    if (book.loaded && !(all ? groups.table.length + groups.togo.length : count)) { text = WORDS.nothingDue; }
    dom.setText(dom.byId('sum'), text);
    dom.byId('sum').hidden = !text;
    window.document.title = (count ? '(' + count + ') ' : '') + WORDS.title;
  }

  function showUndo() {
    var entry = undo.last();
    undoRows.show(entry ? [{ key: entry.key, content: entry.key, draw: function () { return undo.bar(entry); } }] : []);
  }

  function render() {
    var now = clock.now(), row;
    groups = pages.tillRows.group(book.list(function () { return true; }, pages.tillRows.since));
    row = findRow();
    chosen = row && row.key;
    onBill = row ? row.orders.map(function (pedido) { return pedido.id; }) : [];
    dues.show(groups, chosen, news.changes, all, now);
    showHead();
    sending.show();
    bill.show(row, news.changes, now, notice);
    pay.show(row, row ? bill.ticked(row) : []);
    everyone.follow(row ? row.orders : []);
    counter.show();
    panel.show(now);
    dom.byId('bill-side').hidden = counter.isOpen;
    showUndo();
    connection.tick();
    if ((book.loaded && menu.loaded) || connection.offline) { screen.unveil(); }
    dom.setText(dom.byId('clock'), clock.time());
  }

  // ---- choosing ------------------------------------------------------------------

  function choose(key) {
    if (chosen !== key) {
      bill.begin();
      pay.begin();
    }
    chosen = key;
    onBill = [];
    notice = null;
    if (counter.isOpen) { counter.close(); }
    panel.close();
    render();
    if (key && dom.byId('bill').getBoundingClientRect().top > window.innerHeight / 2) { dom.byId('bill').scrollIntoView(); }
  }

  // The row that the order stands in.
  function chooseOrder(id) {
    render();
    groups.table.concat(groups.togo, groups.old, groups.paid).forEach(function (row) {
      if (row.orders.some(function (pedido) { return pedido.id === id; })) { choose(row.key); }
    });
  }

  function showAll(on) {
    all = on;
    if (on) { everyone.soon(); }
    render();
  }

  dom.byId('tab-due').onclick = function () { showAll(false); };
  dom.byId('tab-all').onclick = function () { showAll(true); };

  // ---- touching ------------------------------------------------------------------

  // Dishes that leave the bill; without an order: a choice on it. The service has no undo for them: they wait.
  function onAct(pedido, accion, fields, info) {
    var operation;
    if (pedido) {
      info.keepMs = pages.Undo.MS;
      operation = operations.act(pedido, accion, fields, info);
    }
    if (operation) {
      undo.offerKept(operations, operation, operation.id, fill(WORDS.doneOf, { done: WORDS.done[accion], whom: info.label }), info.said, function () {
        toast.warn(fill(pages.sheetWords.tooLate, { whom: info.label }));
      });
    }
    render();
    if (operation) { dom.byId('act').focus(); }   // what was touched is gone: Enter goes on
  }

  // What waits for its undo to be over goes now: then it is known what is to be charged. Answers whether there was any.
  function letGo(orders) {
    var kept = operations.list.filter(function (operation) {
      return operation.kept && orders.some(function (pedido) { return pedido.id === operation.info.pedido_id; });
    });
    kept.forEach(function (operation) { operations.letGo(operation.info.pedido_id); });
    return kept.length > 0;
  }

  // What the button says.
  function act() {
    var row = chosen !== null && findRow(), what = row && pages.Pay.asked(row), orders = row ? bill.ticked(row) : [];
    if (!row || !what || dom.byId('act').disabled) { return; }
    if (letGo(orders)) {
      render();
    } else if (what === 'cobrar') {
      charges.begin(wording.label(row.orders[0]), chosen, orders, pay.method, pay.given());
    } else {
      operations.act(row.orders[0], what, {});
    }
    render();
  }

  function onSheet(pedido, cancels) {
    panel.open(pedido.id);
    if (cancels) { panel.sheet.asks.cancel(pedido); }
  }

  function openCounter(draft) {
    counter.open(draft);
    render();
  }

  function onSend(body, info) {
    operations.ask('/api/pedidos', body, info);
  }

  dom.byId('new').onclick = function () { openCounter(null); };

  // ---- what was done here --------------------------------------------------------

  function offerUndo(key, label, more, orders, accion) {
    undo.offer(key, fill(WORDS.doneOf, { done: WORDS.done[accion], whom: label }), more, function () {
      orders.forEach(function (pedido) { operations.act(pedido, 'deshacer', { deshace: accion }); });
    });
  }

  function onCharged(charge) {
    var change = pages.Charges.changeOf(charge), sum = wording.money(charge.total), text = sum;
    if (!charge.done.length) { return; }   // why is said already
    if (change !== null) { text = fill(WORDS.chargedWithChange, { sum: sum, change: wording.money(change) }); }
    notice = {
      kind: 'hecho', title: fill(WORDS.charged, { sum: sum, whom: charge.label }), text: WORDS.chooseAnother,
      change: change === null ? '' : wording.money(change), given: change === null ? '' : fill(WORDS.changeOf, { sum: wording.money(charge.given) })
    };
    if (charge.refused.length) { toast.warn(fill(WORDS.partly, { whom: charge.label, sum: sum })); }
    if (chosen === null || chosen === charge.row) { pay.begin(); }   // the next guest's payment may have been begun by now
    offerUndo('cobrar-' + charge.done[0].id, charge.label, text, charge.done, 'cobrar');
  }

  // It is to be charged or handed over again, and stands on the bill as before.
  function onUndone(operation, pedido) {
    toast.say(fill(WORDS.undone, { whom: operation.info.label }));
    if (chosen === null && !counter.isOpen) { chooseOrder(pedido.id); }
  }

  function onSaved(operation, pedido) {
    toast.say(fill(WORDS.saved, { whom: operation.info.label }));
    if (chosen === null && !counter.isOpen && pages.tillRows.isDue(pedido)) { chooseOrder(pedido.id); }
  }

  function onAnswered(operation, answer) {
    var info = operation.info, pedido = answer.pedido;
    book.put(pedido);
    if (!info.pedido_id) { return onSaved(operation, pedido); }
    if (info.accion === 'deshacer') { return onUndone(operation, pedido); }
    if (pedido.pagado_at || info.accion !== 'cobrar') { news.forget(pedido.id); }
    if (info.accion === 'cobrar') { return charges.answered(operation, pedido); }
    if (panel.sheet.answered(info, pedido)) { return null; }
    if (info.again) { return toast.say(fill(WORDS.undone, { whom: wording.label(pedido) })); }
    if (UNDOABLE[info.accion]) {
      if (onBill.indexOf(pedido.id) >= 0 && pages.states.OVER[pedido.estado]) {
        notice = { kind: 'hecho', title: fill(WORDS.doneWith, { done: WORDS.done[info.accion], whom: info.label }), text: WORDS.chooseAnother };
      }
      return offerUndo(info.accion + '-' + pedido.id, info.label, '', [pedido], info.accion);
    }
    return null;
  }

  // A till that did not know of the payment had an older version, or none to charge any more.
  function paidElsewhere(error) {
    if (error.pedido) { return !!error.pedido.pagado_at; }
    return error.codigo === 'transicion_invalida' && error.estado !== 'cancelado';
  }

  function onRefused(operation, error) {
    var info = operation.info, text;
    if (!info.pedido_id) {
      sending.refuse(operation, error);
      menu.load();
      return;
    }
    text = fill(WORDS.refused, { whom: info.label, why: wording.refusal(error, info.accion) });
    if (error.pedido) { news.compare(book.orders[info.pedido_id] || null, error.pedido, null); }
    if (error.pedido && error.pedido.estado === 'cancelado') { text = fill(WORDS.isCancelled, { whom: info.label }); }
    if (info.accion === 'cobrar' && paidElsewhere(error)) {
      text = fill(WORDS.chargedElsewhereSaid, { whom: info.label });
      notice = { kind: 'otra_caja', title: fill(WORDS.chargedElsewhere, { whom: info.label }), text: WORDS.notChargedTwice };
    }
    toast.warn(text);
    if (info.accion === 'cobrar') { charges.refused(operation); }
  }

  // ---- events --------------------------------------------------------------------

  client.on('instantanea', function (snapshot) {
    var before = book.orders;
    book.load(snapshot.pedidos);
    everyone.keep(before);
    snapshot.pedidos.forEach(function (pedido) {
      if (before[pedido.id]) { news.compare(before[pedido.id], pedido, null); }
    });
    onBill.forEach(function (id) {
      if (before[id] && !book.orders[id]) {
        notice = { kind: 'fuera', title: fill(WORDS.noLongerDue, { whom: wording.label(before[id]) }), text: WORDS.chooseAnother };
      }
    });
    everyone.load();
    menu.load();
    render();
  });

  client.on('evento_pedido', function (evento) {
    var change = book.apply(evento);
    if (!change) { return; }
    news.take(change, evento);
    if (pages.states.OVER[change.after.estado]) { book.forget(change.after.id); }
    everyone.soon();
    screen.redraw();
  });

  client.on('evento_alerta', function (evento) { menu.onAlert(evento); });

  // ---- the keyboard ----------------------------------------------------------------

  function move(step) {
    var key = dues.beside(chosen, step);
    if (key === null) { return; }
    choose(key);
    dues.node(key).focus();
  }

  function isCharging() { return chosen !== null && !dom.byId('pay-charge').hidden && !dom.byId('pay').hidden; }

  function method(name) {
    return function () {
      if (!isCharging()) { return false; }
      pay.choose(name);
      return true;
    };
  }

  pages.tillKeys.listen(window.document, dom.byId('given'), {
    digit: function (character) {
      if (!isCharging()) { return false; }
      pay.digit(character);
      return true;
    },
    up: function () { move(-1); },
    down: function () { move(1); },
    // A button that has the focus is the key's own; but on the chosen row it goes on.
    enter: function (target) {
      if (chosen === null || (/^(a|button)$/i.test(target.tagName) && target !== dues.node(chosen))) { return false; }
      act();
      return true;
    },
    escape: function () {
      if (!pay.exact()) { choose(null); }
    },
    e: function () { pay.exact(); },
    f: method('efectivo'),
    t: method('tarjeta'),
    o: method('otro'),
    u: function () { if (undo.last()) { undo.take(undo.last()); } },
    n: function () { openCounter(null); }
  }, function () {
    var door = screen.session.door;   // who is asked for the PIN types it there
    return !counter.isOpen && panel.sheet.id === null && !(door && !door.hidden);
  });

  function isUnsent() { return operations.list.length > 0; }

  screen.tell(connection, function (restedMs) {
    return restedMs >= pages.Version.REST_MS && !isUnsent() && !counter.isOpen && chosen === null;
  });
  pages.leave.bind(dom.byId('leave'), isUnsent);
  operations.resume();
  panel.start();
  screen.start();
}(window));
