/* This is the waiter's page: what is ready, what the kitchen has seen, and new
   orders. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var wording = pages.wording;
  var SETTLE_MS = 500;           // the second half of a double tap is not for what has come
  var SETTLE_PX = 40;            // into the place of what was tapped
  // What the kitchen is to see of an action.
  var NOTED = {
    agregar_item: 'item_modificado', quitar_item: 'item_modificado', cambiar_cantidad: 'item_modificado',
    cambiar_notas: 'item_modificado', cancelar: 'pedido_cancelado', cambiar_mesa: 'cambio_mesa'
  };

  var WORDS = pages.waiterWords;

  var book = new pages.Book();
  var mine = {};                 // ids of orders that this waiter has sent
  var announced = {};            // by order id: the version whose dishes were announced as ready
  var place = { name: 'inicio', id: null };   // which of the panes is shown, and of which order
  var tapped = { at: 0, x: 0, y: 0, place: 'inicio' };
  var toast = new pages.Toast(dom.byId('toasts'));
  var sound = new pages.Sound(dom.byId('sonido'), dom.byId('flash'));
  var alerts = new pages.Alerts(sound, dom.byId('allow'), dom.byId('allow-note'));
  var alarms = new pages.Alarms(dom.byId('unseen'), sound, unseenWords);
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
  var tables = new pages.Tables(dom.byId('tables'), book, operations, alarms.patience, onHeld);
  var entry = new pages.Entry(menu, userId, onSend, onNote);
  var detail = new pages.Detail(dom.byId('detail-body'), operations, screen.role, onAdd, onNote, isMine);
  var note = new pages.NoteEdit();
  var noteOf = null;             // {name, id, y, left}: where a note is being written, how far down, and whether that is over
  var others = new pages.Others(dom.byId('others-button'), dom.byId('others'), book, isMine, screen.redraw);

  // ---- drawing -----------------------------------------------------------------

  function created(pedido) { return clock.parse(pedido.timestamp) || 0; }
  function isCancelled(pedido) { return pedido.estado === 'cancelado' && mine[pedido.id]; }
  // Who attends it stands in an order that came from a screen, or that was taken; the POS may know no more than the
  // waiter's name.
  function isMine(pedido) {
    var who = pedido.atiende || pedido.creado_por, own = who ? who.usuario_id === userId : pedido.mesero === username;
    return pages.states.OPEN[pedido.estado] === true && (own || (!pedido.atiende && mine[pedido.id] === true));
  }

  function unseenWords(kind, orders) {
    return pages.fill(WORDS.unseen[kind], { n: orders.length, orders: pages.Alarms.numbers(orders) }) + pages.words.inPerson;
  }

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
    var now = clock.now(), cards = book.list(function (pedido) { return ready.holds(pedido); }, function (pedido) {
      return ready.since(pedido);
    });
    var own = book.list(isMine, created), rows;
    ready.show(cards, now);
    dom.byId('ready-section').hidden = !cards.length;
    dom.setText(dom.byId('ready-count'), String(cards.length));
    rows = tables.show(own, now);
    // Of those on their way to being cancelled the kitchen need not be told, the cancelled ones it may still be cooking.
    showStrip(cards, alarms.show(book, own.concat(book.list(isCancelled, created)).filter(function (pedido) {
      return !operations.pending(pedido.id, 'cancelar');
    }), now));
    dom.byId('tables').hidden = rows === 0;
    dom.byId('tables-empty').hidden = rows > 0;
    dom.setText(dom.byId('tables-empty'), book.loaded ? WORDS.noOrders :
      connection.offline ? WORDS.unknown : pages.words.loading);
    others.show();
    entry.show();
    showOrder(now);
    connection.tick();
    if ((book.loaded && menu.loaded) || connection.offline) { screen.unveil(); }
    dom.setText(dom.byId('clock'), clock.time());
    document.title = (cards.length ? '(' + cards.length + ') ' : '') + WORDS.title;
  }

  // Also the one of whose line a note is being written; that may be gone meanwhile.
  function showOrder(now) {
    var of = place.name === 'nota' ? noteOf : place, pedido = of.name === 'pedido' ? book.orders[of.id] || null : null;
    detail.show(pedido, now);
    if (of === noteOf && !of.left && of.name === 'pedido' && detail.edit.id === null) {
      if (!pedido || pedido.estado !== 'cancelado') { toast.warn(WORDS.dishFixed); }   // that is told already
      leaveNote();
    }
  }

  // ---- screens -------------------------------------------------------------------

  function readHash() {
    var parts = /^#(nuevo|pedido|nota)(?:-(\d+))?$/.exec(window.location.hash), before = place, y = 0;
    var name = parts ? parts[1] : 'inicio', id = parts && parts[2] ? Number(parts[2]) : null;
    if (name === 'nota' && !note.target) { name = 'inicio'; }   // after a reload it is not known whose
    if (name === place.name && id === place.id) { return; }
    place = { name: name, id: id };
    dom.byId('pos').setAttribute('data-screen', name);
    if (before.name === 'nota') {
      note.close();
      if (noteOf.name === place.name && noteOf.id === place.id) { y = noteOf.y; } else { detail.open(); }
    } else if (name === 'nota') {
      noteOf = { name: before.name, id: before.id, y: window.pageYOffset, left: false };
    } else {
      detail.open();
    }
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

  document.addEventListener('click', function (event) {
    var now = new Date().getTime(), before = tapped;
    if (!event.detail) { return; }   // by keyboard
    tapped = { at: now, x: event.clientX, y: event.clientY, place: place.name };
    if (before.place !== place.name && Math.abs(now - before.at) < SETTLE_MS &&
        Math.abs(event.clientX - before.x) < SETTLE_PX && Math.abs(event.clientY - before.y) < SETTLE_PX) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, true);

  function onNote(target) {
    target.done = leaveNote;
    note.open(target);
    go('#nota');
  }

  dom.byId('note-back').onclick = leaveNote;

  // ---- asking --------------------------------------------------------------------

  function onSend(draft, fields, summary) {
    if (draft.target) {
      operations.act({
        id: draft.target.id, tipo: draft.target.tipo, mesa_numero: draft.target.mesa_numero, mesa: draft.target.mesa,
        cliente_nombre: draft.target.cliente_nombre, numero: draft.target.numero
      }, 'agregar_item', fields, { draft: draft });
    } else {
      operations.ask('/api/pedidos', fields, { label: wording.label(fields), summary: summary, draft: draft });
    }
    go('#inicio');
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
    tellDone(operation.info, pedido);
  }

  function tellDone(info, pedido) {
    if (WORDS.done[info.accion]) {
      toast.offer(pages.fill(WORDS.done[info.accion], { whom: info.label }), pages.words.undo, function () {
        operations.act(pedido, 'deshacer', { deshace: info.accion });
      });
    }
    if (info.accion === 'deshacer') { toast.say(pages.fill(WORDS.undone, { whom: info.label })); }
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
    if (error.pedido) { book.put(error.pedido); }
    if (info.draft) { entry.begin(info.draft); }   // what was written is not lost
    toast.warn(info.label + ': ' + wording.refusal(error, info.accion));
  }

  // ---- events --------------------------------------------------------------------

  // Rings for what was not there to carry before.
  function announce(pedido, changed) {
    var lines = ready.lines(pedido), names = lines.map(pages.Ready.toCarry).map(wording.line).join(', '), key = lines.map(function (item) {
      return item.id;
    }).join() + pedido.estado;
    if (!ready.holds(pedido)) {
      delete announced[pedido.id];
      return;
    }
    if (announced[pedido.id] === key || !changed) { return; }
    announced[pedido.id] = key;
    dom.setText(dom.byId('said'), pages.fill(WORDS.readySaid, { whom: wording.label(pedido), dishes: names }));
    alerts.ready(pages.fill(WORDS.readyTitle, { whom: wording.label(pedido) }), names, 'pedido-' + pedido.id);
  }

  // Whose the order is now: it comes to one phone, and leaves another.
  function onTaken(before, pedido, evento) {
    var was = before && isMine(before);
    mine[pedido.id] = evento.atiende.usuario_id === userId;
    if (was && !isMine(pedido)) { toast.warn(pages.fill(WORDS.takenBy, { whom: wording.label(pedido), who: wording.attendant(pedido) })); }
  }

  // A dish has run out that his guests wait for.
  function tellSoldOut(evento) {
    var waiting = (evento.pedidos_afectados || []).filter(function (id) { return book.orders[id] && isMine(book.orders[id]); });
    if (evento.nivel !== 'agotado' || !waiting.length) { return; }
    toast.warn(pages.fill(WORDS.soldOut, { dish: evento.nombre, orders: waiting.map(function (id) {
      return wording.named(book.orders[id]);
    }).join(', ') }));
  }

  // Somebody else has moved the guests: "Mesa 5 → 12".
  function sayMove(change) {
    var from = change.before ? pages.places.table(change.before) : '', to = pages.places.table(change.after);
    if (from && from !== to) { toast.say(pages.places.moveText(from, to)); }
  }

  client.on('instantanea', function (snapshot) {
    var before = book.orders, first = !book.loaded, i, pedido;
    book.load(snapshot.pedidos);
    alarms.load(snapshot.alarmas);
    for (i = 0; i < snapshot.pedidos.length; i++) {
      pedido = snapshot.pedidos[i];
      if (pedido.estado !== 'listo') { mine[pedido.id] = true; }
      ready.watch(pedido, clock.parse(snapshot.hora_servidor));
      announce(pedido, !first && !(before[pedido.id] && ready.holds(before[pedido.id])));
    }
    menu.load();
    others.load();
    render();
  });

  client.on('evento_pedido', function (evento) {
    var change = book.apply(evento), pedido = change && change.after;
    alarms.take(evento);
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
    // What was delivered after all has been announced before.
    announce(pedido, !evento.deshecho && (evento.tipo === 'pedido_listo' || !change.before || change.before.estado !== pedido.estado));
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
    alarms.take(evento);
    screen.redraw();
  });

  client.on('evento_alerta', function (evento) {
    menu.onAlert(evento);
    tellSoldOut(evento);
  });

  dom.byId('new').onclick = function () {
    menu.load();                 // a new dish or price is no event
    entry.begin(entry.draft.target ? null : entry.draft);
  };
  window.onhashchange = readHash;
  readHash();
  alarms.count(Number(document.body.getAttribute('data-ack-seconds')));
  client.on('sesion_terminada', function () { sound.alarm(); });
  screen.tell(connection, function () { return false; });   // a page that nobody has touched rings for no dish
  pages.leave.bind(dom.byId('leave'), function () { return operations.list.length > 0; });
  operations.resume();
  screen.start();
}(window));
