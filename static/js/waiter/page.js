/* This is the waiter's page: what is ready, what the kitchen has seen, and new
   orders. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var wording = pages.wording;
  // What the kitchen is to see of an action.
  var NOTED = {
    agregar_item: 'item_modificado', quitar_item: 'item_modificado', cambiar_cantidad: 'item_modificado',
    cambiar_notas: 'item_modificado', cancelar: 'pedido_cancelado', cambiar_mesa: 'cambio_mesa'
  };

  var WORDS = pages.waiterWords;

  var book = new pages.Book();
  var mine = {};                 // ids of orders that this waiter has sent
  var place = { name: 'inicio', id: null };   // which of the panes is shown, and of which order
  var toast = new pages.Toast(dom.byId('toasts'));
  var sound = new pages.Sound(dom.byId('sonido'), dom.byId('flash'));
  var alerts = new pages.Alerts(sound, dom.byId('allow'), dom.byId('allow-note'));
  var push = new pages.Push(sound, showPush);
  var pushPanel = new pages.PushPanel(push);
  var told = [];                 // alarms of the service that have come since the last drawing
  var alarms = new pages.Alarms(null, sound, null);
  var strip = new pages.AlarmStrip(dom.byId('unseen'), alarms, function (pedido) { return '#pedido-' + pedido.id; });
  var screen = new pages.Screen(render);
  var client = screen.client;
  var userId = screen.userId;
  var username = screen.username;
  var operations = new pages.Operations(client, userId, {
    changed: screen.redraw, answered: onAnswered, refused: onRefused,
    latest: function (id) { return book.orders[id] || null; }, still: pages.LineEdit.still
  });
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, screen.redraw, pages.Connection.OFFICE);
  var menu = new pages.Menu(screen.redraw);
  var ready = new pages.Ready(dom.byId('ready'), operations, userId, username, screen.redraw);
  var readyTold = new pages.Told(ready);
  var tables = new pages.Tables(dom.byId('tables'), book, operations, { patience: alarms.patience, onHeld: onHeld, isMine: isMine });
  var drawer = new pages.Drawer(document.body);
  var entry = new pages.Entry(menu, userId, onSend, onNote);
  var whose = new pages.Whose(dom.byId('mine'), dom.byId('all'), book, screen.redraw);
  var handover = new pages.Handover(dom.byId('handover'), drawer, operations, userId, ownOrders, screen.redraw);
  var busyTable = new pages.BusyTable(drawer, book, { add: addTo, apart: send, other: function () { entry.askTable(); } });
  var soldOut = new pages.SoldOut(dom.byId('out'), menu, operations, {
    onChange: onReplace, onRemove: function (pedido, item) { return onTakeOff(pedido, item, { keepMs: pages.Undo.MS }); },
    onLate: function (pedido) { toast.warn(pages.fill(pages.sheetWords.tooLate, { whom: wording.label(pedido) })); },
    onOpen: function (pedido) { go('#pedido-' + pedido.id); }, redraw: screen.redraw
  });
  var sheet = new pages.Sheet(dom.byId('detail-body'), {
    client: client, operations: operations, book: book, role: screen.role, limits: pages.Sheet.limits(), isMine: isMine,
    isOut: function (item) { return menu.isMissing(item); }, onAdd: onAdd, onNote: onNote, redraw: screen.redraw,
    say: function (text) { toast.warn(text); }
  });
  var note = new pages.NoteEdit();
  var given = [];                // whose tables have just become this waiter's
  var givenTimer = null;
  var GIVEN_MS = 300;
  var noteOf = null;             // {name, id, y, left}: where a note is being written, how far down, and whether that is over

  // ---- drawing -----------------------------------------------------------------

  function created(pedido) { return clock.parse(pedido.timestamp) || 0; }
  function isCancelled(pedido) { return pedido.estado === 'cancelado' && mine[pedido.id]; }
  // Who attends it stands in an order that came from a screen, or that was taken; the POS may know no more than the
  // waiter's name.
  function isMine(pedido) {
    var who = pedido.atiende || pedido.creado_por, own = who ? who.usuario_id === userId : pedido.mesero === username;
    return pages.states.OPEN[pedido.estado] === true && (own || (!pedido.atiende && mine[pedido.id] === true));
  }

  function ownOrders() { return book.list(isMine, created); }

  // What may not be missed while another screen than the first is open.
  function showStrip(cards, warning) {
    var first = cards[0], text = warning;
    if (!warning && first) {
      text = pages.fill(WORDS.readyStrip, { n: cards.length, whom: wording.label(first) });
    }
    dom.setText(dom.byId('strip-text'), text);
    dom.byId('strip').hidden = place.name === 'inicio' || !text;
    dom.byId('strip').className = warning ? 'strip strip--unseen' : 'strip';
    dom.byId('pos').className = place.name === 'inicio' || !text ? 'pos unveiled' : 'pos pos--strip unveiled';
  }

  function render() {
    var now = clock.now(), cards = ready.list(book), own = ownOrders(), everybodys = whose.everybodys(), rows, waiting, warning;
    ready.show(cards, now);
    waiting = cards.filter(function (pedido) { return ready.holds(pedido); });
    dom.byId('ready-section').hidden = !cards.length;
    dom.setText(dom.byId('ready-count'), String(waiting.length));
    rows = tables.show(whose.all ? everybodys : own, now, whose.all);
    whose.tick(own.length, everybodys.length);
    handover.show(!whose.all);
    soldOut.show(own);
    // Of those on their way to being cancelled the kitchen need not be told, the cancelled ones it may still be cooking.
    warning = strip.show(book, own.concat(book.list(isCancelled, created)).filter(function (pedido) {
      return !operations.pending(pedido.id, 'cancelar');
    }), now);
    showStrip(waiting, warning);
    if (warning && told.length) { push.saw(told); }
    told = [];
    dom.byId('tables').hidden = rows === 0;
    dom.byId('tables-empty').hidden = rows > 0;
    dom.setText(dom.byId('tables-empty'), book.loaded ? WORDS.noOrders :
      connection.offline ? WORDS.unknown : pages.words.loading);
    entry.show(busyTable.hint(entry.draft));
    showOrder(now);
    connection.tick();
    if ((book.loaded && menu.loaded) || connection.offline) { screen.unveil(); }
    dom.setText(dom.byId('clock'), clock.time());
    document.title = (waiting.length ? '(' + waiting.length + ') ' : '') + WORDS.title;
  }

  // Also the one of whose line a note is being written; that may be gone meanwhile.
  function showOrder(now) {
    var of = place.name === 'nota' ? noteOf : place;
    sheet.open(of.name === 'pedido' ? of.id : null);
    sheet.show(now);
    if (of === noteOf && !of.left && of.name === 'pedido' && sheet.edit.id === null) {
      if (!sheet.known || sheet.known.estado !== 'cancelado') { toast.warn(WORDS.dishFixed); }   // that is told already
      leaveNote();
    }
  }

  function showPush() {
    alerts.cover(push.has('webpush'));
    pushPanel.show();
  }

  // ---- screens -------------------------------------------------------------------

  function readHash() {
    var parts = /^#(nuevo|pedido|nota|agregar)(?:-(\d+))?$/.exec(window.location.hash), before = place, y = 0;
    var name = parts ? parts[1] : 'inicio', id = parts && parts[2] ? Number(parts[2]) : null;
    if (name === 'nota' && !note.target) { name = 'inicio'; }   // after a reload it is not known whose
    if (name === 'agregar') {
      addFromElsewhere(id);
      name = 'inicio';
      id = null;
    }
    if (name === place.name && id === place.id) { return; }
    place = { name: name, id: id };
    dom.byId('pos').setAttribute('data-screen', name);
    if (before.name === 'nota') {
      note.close();
      if (noteOf.name === place.name && noteOf.id === place.id) { y = noteOf.y; }
    } else if (name === 'nota') {
      noteOf = { name: before.name, id: before.id, y: window.pageYOffset, left: false };
    }
    drawer.close();
    render();
    window.scrollTo(0, y);
  }

  function leaveNote() {
    if (noteOf.left) { return; }
    noteOf.left = true;
    window.history.back();
  }

  function go(hash) {
    window.location.hash = hash;
    readHash();
  }

  function onNote(target) {
    target.done = leaveNote;
    note.open(target);
    go('#nota');
  }

  dom.byId('note-back').onclick = leaveNote;

  // ---- asking --------------------------------------------------------------------

  // A draft that is complete: at a table that has an order it may be for that one.
  function onSend(draft) {
    if (!busyTable.ask(draft)) { send(draft); }
  }

  function send(draft) {
    var fields = entry.body(draft), summary = entry.summary(draft);
    entry.begin(null);           // a second tap finds nothing to send
    if (draft.target) {
      operations.act(draft.target, 'agregar_item', fields, { draft: draft, replaces: draft.replaces });
    } else {
      operations.ask('/api/pedidos', fields, { label: wording.label(fields), summary: summary, draft: draft });
    }
    go('#inicio');
  }

  function addTo(draft, pedido) {
    send(entry.aimed(draft, pedido));
  }

  // The manager's page leads here.
  function addFromElsewhere(id) {
    pages.http.get('/api/pedidos/' + id, { pedido: 'object', eventos: 'list' }, function (answer) {
      if (answer.status === 200) { entry.beginFor(answer.body.pedido); }
      window.location.replace(answer.status === 200 ? '#nuevo' : '#inicio');
    });
  }

  // A dish that has run out: another one first, so that the order never is without any, and then without it.
  function onReplace(pedido, item) {
    entry.beginFor(pedido, item);
    go('#nuevo');
  }

  function onTakeOff(pedido, item, info) {
    var made = pages.lines.made(item), fields = made ? { item_id: item.id, cantidad: made } : { item_id: item.id };
    return operations.act(pedido, made ? 'cambiar_cantidad' : 'quitar_item', fields, info);
  }

  function onAdd(pedido) {
    entry.beginFor(pedido);
    go('#nuevo');
  }

  // Of an order found unsent after a reload, or refused: wanted, or not.
  function onHeld(operation, wanted) {
    var refused = tables.refused.filter(function (other) { return other.operation === operation; })[0];
    if (refused) {
      tables.refused.splice(tables.refused.indexOf(refused), 1);
      if (wanted) {
        entry.begin(operation.info.draft);
        go('#nuevo');
      }
    } else if (wanted) {
      operations.sendHeld(operation);
    } else {
      operations.discard(operation);
    }
    screen.redraw();
  }

  function onAnswered(operation, answer) {
    var ids = answer.evento_ids || [answer.evento_id], i, pedido = answer.pedido;
    if (!pedido) { return; }
    if (!operation.info.pedido_id) {
      mine[pedido.id] = true;
      book.note(answer.evento_id, 'nuevo_pedido', created(pedido));
    } else {
      for (i = 0; i < ids.length; i++) { book.note(ids[i], NOTED[operation.info.accion] || '', clock.now()); }
    }
    book.put(pedido);
    ready.watch(pedido, clock.now());
    if (operation.info.replaces && pages.lines.byId(pedido.items, operation.info.replaces.id)) { onTakeOff(pedido, operation.info.replaces, {}); }
    if (operation.info.accion) { tellDone(operation.info, pedido); }
  }

  // What can be taken back says so where it was touched.
  function tellDone(info, pedido) {
    var here = sheet.answered(info, pedido), inCard = ready.answered(info, pedido);
    if (handover.answered(info, pedido)) { return; }
    if (!here && !inCard && WORDS.done[info.accion]) {
      toast.offer(pages.fill(WORDS.done[info.accion], { whom: info.label }), pages.words.undo, function () {
        operations.act(pedido, 'deshacer', { deshace: info.accion });
      });
    }
    if (info.accion === 'deshacer' || info.again) { toast.say(pages.fill(WORDS.undone, { whom: wording.label(pedido) })); }
    if (info.accion === 'tomar') {
      mine[pedido.id] = true;
      toast.say(pages.fill(WORDS.taken, { whom: info.label }));
    }
  }

  function onRefused(operation, error) {
    var info = operation.info;
    if (!info.pedido_id) {
      tables.refused.push({ operation: operation, error: error });
      toast.warn(pages.fill(WORDS.notSentWhy, { whom: info.label, why: wording.refusal(error) }));
      menu.load();
      return;
    }
    handover.answered(info, null);
    if (error.pedido) { book.put(error.pedido); }
    if (info.draft) { entry.begin(info.draft); }   // what was written is not lost
    toast.warn(info.label + ': ' + wording.refusal(error, info.accion));
  }

  // ---- events --------------------------------------------------------------------

  // Rings for what was not there to carry before; quietly: it was told before, or by whoever had this phone. eventId: of
  // the event that phones are told of, where it is that one.
  function announce(pedido, isChanged, quietly, eventId) {
    var names, title = pedido.estado === 'listo' ? WORDS.readyTitle : WORDS.partReadyTitle;
    if (!readyTold.take(pedido, isChanged, quietly)) { return; }
    names = ready.lines(pedido).map(pages.Ready.toCarry).map(wording.line).join(', ');
    dom.setText(dom.byId('said'), pages.fill(WORDS.readySaid, { whom: wording.label(pedido), dishes: names }));
    alerts.ready(pages.fill(title, { whom: wording.label(pedido) }), names, pedido.id, eventId || null);
  }

  // What was delivered after all has been told before.
  function tellReady(pedido, evento, isChanged) {
    var isReady = evento.tipo === 'pedido_listo';
    announce(pedido, isReady || isChanged, evento.deshecho === true, isReady ? evento.id : null);
    if (isReady && ready.holds(pedido)) { push.saw([evento.id]); }
  }

  // Whose the order is now: it comes to one phone, and leaves another.
  function onTaken(before, pedido, evento) {
    var was = before && isMine(before), by = evento.actor || {};
    mine[pedido.id] = evento.atiende.usuario_id === userId;
    if (operations.own[evento.operacion_id]) { return; }
    if (was && !isMine(pedido)) { toast.warn(pages.fill(WORDS.takenBy, { whom: wording.label(pedido), who: wording.attendant(pedido) })); }
    if (!was && isMine(pedido) && by.usuario_id !== userId) { tellGiven(by.username, pedido); }
  }

  // Several that come at once are one sentence.
  function tellGiven(who, pedido) {
    given.push(wording.label(pedido));
    window.clearTimeout(givenTimer);
    givenTimer = window.setTimeout(function () {
      toast.warn(pages.fill(WORDS.givenToYou, { n: given.length, who: who || '', tables: given.join(', ') }));
      given = [];
    }, GIVEN_MS);
  }

  // Somebody else has moved the guests: "Mesa 5 → 12".
  function sayMove(change) {
    var from = change.before ? pages.places.table(change.before) : '', to = pages.places.table(change.after);
    if (from && from !== to) { toast.say(pages.places.moveText(from, to)); }
  }

  client.on('instantanea', function (snapshot) {
    var before = book.orders, first = !book.loaded, i, pedido, known;
    book.load(snapshot.pedidos);
    alarms.load(snapshot.alarmas);
    for (i = 0; i < snapshot.pedidos.length; i++) {
      pedido = snapshot.pedidos[i];
      if (pedido.estado !== 'listo') { mine[pedido.id] = true; }
      ready.watch(pedido, clock.parseTold(snapshot.hora_servidor));
      known = before[pedido.id];
      announce(pedido, !known || !ready.holds(known) || known.estado !== pedido.estado, first);
    }
    menu.load();
    whose.load();
    render();
  });

  client.on('evento_pedido', function (evento) {
    var change = book.apply(evento), pedido = change && change.after, known = book.orders[evento.pedido_id];
    alarms.take(evento);
    if (!pedido && known) { tellReady(known, evento, evento.estado === 'listo'); }   // an answer was faster, and told nothing
    if (!pedido) { return; }
    if (evento.tipo === 'nuevo_pedido' && evento.actor && evento.actor.usuario_id === userId && !evento.liberado) {
      mine[pedido.id] = true;
    }
    if (evento.atiende) { onTaken(change.before, pedido, evento); }
    ready.watch(pedido, clock.parse(evento.timestamp));
    if (pedido.estado === 'cerrado') {
      delete mine[pedido.id];
      book.forget(pedido.id);
    }
    tellReady(pedido, evento, !change.before || change.before.estado !== pedido.estado);
    if (evento.mesa_anterior !== undefined && isMine(pedido) && !operations.own[evento.operacion_id]) { sayMove(change); }
    if (evento.tipo === 'pedido_cancelado' && isMine(change.before || pedido) && !operations.own[evento.operacion_id]) {
      toast.warn(pages.fill(evento.razon ? WORDS.cancelledFor : WORDS.isCancelled, { whom: wording.label(pedido), reason: evento.razon }));
    }
    if (evento.deshecho && evento.deshace === 'cancelar' && isMine(pedido) && !operations.own[evento.operacion_id]) {
      toast.warn(pages.fill(WORDS.notCancelled, { whom: wording.label(pedido) }));
    }
    screen.redraw();
  });

  client.on('evento_sistema', function (evento) {
    if (evento.tipo === 'acuse_recibo') { book.acknowledge(evento); }
    if (evento.tipo === 'sin_acuse') { told.push(evento.id); }
    alarms.take(evento);
    screen.redraw();
  });

  client.on('evento_alerta', function (evento) {
    menu.onAlert(evento);
    if (evento.nivel === 'agotado' && ownOrders().some(function (pedido) {
      return pedido.items.some(function (item) { return item.producto_id === evento.producto_id && menu.isMissing(item); });
    })) { sound.alarm(); }
  });

  dom.byId('new').onclick = function () {
    menu.load();                 // a new dish or price is no event
    whose.load();                // nor is, to the waiters, an order that the till has placed: its table asks
    entry.begin(entry.draft.target ? null : entry.draft);
  };
  window.onhashchange = readHash;
  readHash();
  alarms.count(Number(document.body.getAttribute('data-ack-seconds')));
  client.on('sesion_terminada', function () { sound.alarm(); });
  screen.tell(connection, function () { return false; });   // a page that nobody has touched rings for no dish
  pages.leave.bind(dom.byId('leave'), function () { return operations.list.length > 0; });
  operations.resume();
  pages.installing(dom.byId('install'));
  push.load();
  screen.start();
}(window));
