/* This is the till's page: what is to be charged, with its total and age. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var wording = pages.wording;
  var WORDS = pages.tillWords;
  var fill = pages.fill;

  var book = new pages.Book();
  var chosen = null;             // the id of the order on the bill
  var notice = null;             // of the order that has just left the bill
  var changes = {};              // by order id: {from, text, added}: the total is not what it was
  var away = {};                 // by order id: as it was when it went back to the kitchen, of whose lines a till hears nothing
  var toast = new pages.Toast(dom.byId('toasts'));
  var screen = new pages.Screen(render);
  var client = screen.client;
  var operations = new pages.Operations(client, screen.userId, {
    changed: screen.redraw, answered: onAnswered, refused: onRefused
  });
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame, pages.Connection.OFFICE);
  var dues = new pages.Dues(dom.byId('unpaid'), dom.byId('old'), dom.byId('paid'), operations, choose);
  var bill = new pages.Bill(dom.byId('bill'), operations, onAct);
  var undo = new pages.Undo(screen.redraw);
  var undoRows = new pages.Rows(dom.byId('undo'));
  var panel = new pages.SheetPanel({
    client: client, operations: operations, book: book, role: screen.role, limits: pages.Sheet.limits(), redraw: screen.redraw,
    isMine: function () { return false; },
    onCharge: function (pedido) {
      panel.close();
      choose(pedido.id);
    },
    say: function (text) { toast.warn(text); }
  }, screen.redraw);

  // ---- drawing -----------------------------------------------------------------

  function showFrame() {
    dom.byId('till').className = dom.byId('banner').hidden ? 'till' : 'till till--pushed';
    screen.redraw();
  }

  function showHead(sums) {
    var text = fill(WORDS.orders, { n: sums.unpaid, sum: sums.sum });
    if (!book.loaded) { text = connection.offline ? WORDS.unknown : pages.words.loading; }
    if (book.loaded && !sums.unpaid) { text = WORDS.nothingDue; }
    dom.setText(dom.byId('sum'), text);
    dom.byId('old-head').hidden = !sums.old;
    dom.setText(dom.byId('old-title'), fill(pages.words.earlier, { n: sums.old }));
    dom.setText(dom.byId('old-sum'), sums.oldSum);
    dom.byId('paid-head').hidden = !sums.paid;
  }

  function metaOf(pedido, now) {
    var state = pages.words.states[pedido.estado];
    return wording.number(pedido) + (pedido.mesero ? ' · ' + pages.isolate(pedido.mesero) : '') + ' · ' + state + ' ' +
      clock.ago(now - pages.Dues.since(pedido));
  }

  function render() {
    var now = clock.now(), orders = book.list(pages.Dues.holds, pages.Dues.since), pedido, sums;
    pedido = chosen !== null && book.orders[chosen] && pages.Dues.holds(book.orders[chosen]) ? book.orders[chosen] : null;
    sums = dues.show(orders, pedido ? chosen : null, changes, now);
    showHead(sums);
    bill.show(pedido, pedido ? changes[pedido.id] || null : null, pedido ? metaOf(pedido, now) : '', notice);
    panel.show(now);
    showUndo();
    connection.tick();
    dom.setText(dom.byId('clock'), clock.time());
    window.document.title = (sums.unpaid ? '(' + sums.unpaid + ') ' : '') + WORDS.title;
  }

  // ---- touching ------------------------------------------------------------------

  function choose(id) {
    if (chosen !== id) { bill.begin(id); }
    chosen = id;
    notice = null;
    render();
    if (dom.byId('bill').getBoundingClientRect().top > window.innerHeight / 2) { dom.byId('bill').scrollIntoView(); }
  }

  // Without an order: a choice on the bill.
  function onAct(pedido, accion, fields) {
    var change;
    if (pedido) {
      change = accion === 'cobrar' ? bill.changeOf(pedido) : null;
      operations.act(pedido, accion, fields, { total: pedido.total, metodo: fields.metodo_pago, change: change });
    }
    render();
  }

  // ---- what leaves the bill ------------------------------------------------------

  var UNDOABLE = { cobrar: true, servir: true, cerrar: true, cancelar: true };

  // Under the list, for five seconds.
  function offerUndo(info, pedido) {
    var sums = info.accion !== 'cobrar' ? '' : info.change > 0 ?
      fill(WORDS.sumAndChange, { sum: wording.money(info.total), change: wording.money(info.change) }) : wording.money(info.total);
    if (!UNDOABLE[info.accion]) { return; }
    undo.offer(pedido.id, fill(WORDS.doneOf, { done: WORDS.done[info.accion], whom: info.label }), sums, function () {
      operations.act(pedido, 'deshacer', { deshace: info.accion });
    });
  }

  function showUndo() {
    var entry = undo.last();
    undoRows.show(entry ? [{ key: entry.key, content: String(entry.until), draw: function () { return undo.bar(entry); } }] : []);
  }

  // It is to be charged or handed over again, and stands on the bill as before.
  function onUndone(operation, pedido) {
    book.put(pedido);
    toast.say(fill(WORDS.undone, { whom: operation.info.label }));
    if (pages.Dues.holds(pedido)) { choose(pedido.id); }
  }

  function onAnswered(operation, answer) {
    var info = operation.info, was = chosen === info.pedido_id;
    delete changes[info.pedido_id];
    if (info.accion === 'deshacer') {
      onUndone(operation, answer.pedido);
      return;
    }
    if (answer.pedido) { book.put(answer.pedido); }
    if (panel.sheet.answered(info, answer.pedido)) { return; }
    if (info.again) { toast.say(fill(WORDS.undone, { whom: wording.label(answer.pedido) })); }
    if (!WORDS.done[info.accion]) { return; }
    if (was && answer.pedido && !pages.Dues.holds(answer.pedido)) {
      notice = {
        kind: 'hecho',
        title: fill(info.accion === 'cobrar' ? WORDS.charged : WORDS.doneWith, {
          done: WORDS.done[info.accion], sum: wording.money(info.total), whom: info.label
        }),
        change: typeof info.change === 'number' && info.change > 0 ? wording.money(info.change) : '',
        text: WORDS.chooseAnother
      };
    }
    offerUndo(info, answer.pedido);
  }

  // A till that did not know of the payment had an older version, or none to charge any more.
  function paidElsewhere(error) {
    if (error.pedido) { return !!error.pedido.pagado_at; }
    return error.codigo === 'transicion_invalida' && error.estado !== 'cancelado';
  }

  function onRefused(operation, error) {
    var info = operation.info, text = info.label + ': ' + wording.refusal(error, info.accion);
    if (error.pedido) { takeChange(book.orders[info.pedido_id], error.pedido, ''); }
    if (error.pedido && error.pedido.estado === 'cancelado') { text = fill(WORDS.isCancelled, { whom: info.label }); }
    if (info.accion === 'cobrar' && paidElsewhere(error)) {
      text = fill(WORDS.chargedElsewhereSaid, { whom: info.label });
      if (chosen === info.pedido_id) {
        notice = { kind: 'otra_caja', title: fill(WORDS.chargedElsewhere, { whom: info.label }), text: WORDS.notChargedTwice };
      }
    }
    toast.warn(text);
  }

  // ---- events --------------------------------------------------------------------

  function takeChange(before, after, text) {
    var known = changes[after.id];
    book.put(after);
    if (before && before.total !== after.total && !after.pagado_at && pages.Dues.holds(after)) {
      changes[after.id] = known || { from: before.total, text: '', added: {} };
      changes[after.id].text = text;
      if (chosen === after.id) { bill.given = null; }
      dom.setText(dom.byId('said'), fill(WORDS.totalChangedSaid, { whom: wording.label(after), total: wording.money(after.total) }));
    }
  }

  function changeText(evento) {
    var cambios = evento.cambios || {}, who = (evento.actor && evento.actor.username) || WORDS.somebody;
    var dish = cambios.producto_nombre || WORDS.aDish;
    if (cambios.tipo_cambio === 'item_agregado') { return fill(WORDS.added, { who: who, n: cambios.cantidad_nueva || 1, dish: dish }); }
    if (cambios.tipo_cambio === 'item_removido') { return fill(WORDS.tookOff, { who: who, dish: dish }); }
    if (cambios.tipo_cambio === 'cantidad_modificada') {
      return who + ': ' + cambios.cantidad_anterior + ' → ' + cambios.cantidad_nueva + ' ' + dish;
    }
    return '';
  }

  // Another till has charged, handed over or closed it, or it was cancelled.
  function onLeft(before, after, evento) {
    var label = wording.label(before), who = evento.actor && evento.actor.usuario_id !== screen.userId ? evento.actor.username : '';
    var text = '', paid = evento.metodo_pago && !operations.own[evento.operacion_id];
    if (after.estado === 'en_cocina') { away[before.id] = before; } else { delete changes[before.id]; }   // it comes back with another total
    if (operations.own[evento.operacion_id]) { return; }
    if (paid) {
      text = fill(who ? WORDS.chargedBy : WORDS.chargedElsewhere, { whom: label, who: who });
    } else if (after.estado === 'cancelado') {
      text = fill(evento.razon ? WORDS.cancelledFor : WORDS.isCancelled, { whom: label, reason: evento.razon });
    } else if (after.estado === 'en_cocina') {
      text = fill(WORDS.backInKitchen, { whom: label });
    } else if (chosen === before.id) {
      text = fill(after.estado === 'servido' ? WORDS.wasDelivered : WORDS.wasClosed, { whom: label });
    }
    if (chosen === before.id && text) {
      notice = {
        kind: paid ? 'otra_caja' : 'fuera', title: text,
        text: paid ? WORDS.doNotChargeTwice : WORDS.chooseAnother
      };
    }
    if (text && !operations.pending(before.id)) { toast.say(text); }   // else the refusal tells
  }

  // "Mesa 5 → 12"
  function sayMove(before, after) {
    var from = pages.places.table(before), to = pages.places.table(after);
    if (from && from !== to) { toast.say(pages.places.moveText(from, to)); }
  }

  // It was back in the kitchen: what is new of it since then.
  function onBack(after) {
    var before = away[after.id], text = [], added = {}, i, item;
    delete away[after.id];
    for (i = 0; before && i < after.items.length; i++) {
      item = after.items[i];
      if (!pages.lines.byId(before.items, item.id)) {
        added[item.id] = true;
        text.push(wording.line(item));
      }
    }
    takeChange(before || null, after, text.length ? fill(WORDS.wereAdded, { dishes: text.join(', ') }) : '');
    if (changes[after.id]) { changes[after.id].added = added; }
  }

  client.on('instantanea', function (snapshot) {
    var before = book.orders, id, gone;
    book.load(snapshot.pedidos);
    for (id in before) {
      if (!before.hasOwnProperty(id)) { continue; }
      if (book.orders[id]) {
        takeChange(before[id], book.orders[id], '');
      } else if (pages.Dues.holds(before[id]) && Number(id) === chosen) {
        gone = wording.label(before[id]);
        notice = { kind: 'fuera', title: fill(WORDS.noLongerDue, { whom: gone }), text: WORDS.chooseAnother };
      }
    }
    render();
  });

  client.on('evento_pedido', function (evento) {
    var change = book.apply(evento), before, after;
    if (!change) { return; }
    before = change.before;
    after = change.after;
    if (before && pages.Dues.holds(after) && evento.mesa_anterior !== undefined) { sayMove(before, after); }
    if (before && pages.Dues.holds(before)) {
      if (!pages.Dues.holds(after)) { onLeft(before, after, evento); }
      if (evento.tipo === 'item_modificado') {
        takeChange(before, after, changeText(evento));
        if (changes[after.id] && evento.cambios.tipo_cambio === 'item_agregado') {
          changes[after.id].added[evento.item_id] = true;
        }
      }
      if (!before.pagado_at && after.pagado_at && pages.Dues.holds(after) && !operations.own[evento.operacion_id]) {
        toast.say(fill(WORDS.chargedElsewhere, { whom: wording.label(after) }));
      }
    }
    if (pages.Dues.holds(after) && !(before && pages.Dues.holds(before))) { onBack(after); }
    if (!pages.Dues.holds(after) && pages.states.OVER[after.estado]) {
      delete away[after.id];
      book.forget(after.id);
    }
    screen.redraw();
  });

  function isUnsent() { return operations.list.length > 0; }

  screen.tell(connection, function (restedMs) { return restedMs >= pages.Version.REST_MS && !isUnsent(); });
  pages.leave.bind(dom.byId('leave'), isUnsent);
  operations.resume();
  panel.start();
  screen.start();
}(window));
