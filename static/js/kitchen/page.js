/* This is the kitchen's page: events become tickets, and taps become actions. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var WORDS = pages.kitchenWords;
  var body = document.body;

  var screen = new pages.Screen(render);
  var client = screen.client;
  var orders = new pages.Orders();
  var sound = new pages.Sound(dom.byId('sonido'), dom.byId('flash'));
  var strip = new pages.FootStrip(dom.byId('allday'), dom.byId('stock'), dom.byId('undo'));
  var limits = {
    warnMs: Number(body.getAttribute('data-warn-minutes')) * 60000,
    lateMs: Number(body.getAttribute('data-late-minutes')) * 60000
  };
  var recallMs = Number(body.getAttribute('data-ready-minutes')) * 60000;
  var board = new pages.Board(dom.byId('columns'), limits, orders.secondsToUndo);
  var cooking = new pages.Cooking({
    orders: orders, client: client, userId: screen.userId, onChange: screen.redraw, say: say
  });
  var menu = new pages.Menu(screen.redraw, say);
  var side = new pages.Side(dom.byId('side'), {
    recall: {
      title: WORDS.recall, icon: 'recall', empty: pages.fill(WORDS.noneReady, { n: recallMs / 60000 }),
      button: dom.byId('recall'), rows: recallRows
    },
    allday: {
      title: WORDS.toMake, icon: 'up', empty: WORDS.nothingToMakeSaid, button: dom.byId('allday'), rows: dishRows,
      onOpen: function () { menu.load(); }
    }
  }, onSide);
  var understood = new pages.Understood(client, screen.redraw);
  var receipts = new pages.Receipts(client);
  var keeping = new pages.Keeping(client, screen.userId, function () { return screen.session.ended; });
  var history = new pages.History(orders, screen.redraw);
  var density = new pages.Density({ smaller: dom.byId('smaller'), larger: dom.byId('larger') }, resize);
  var sight = new pages.Sight({ box: visibleBox, begun: isUncovered, onSeen: onSeen });
  var fold = new pages.Fold({ board: board, sight: sight, box: visibleBox, below: dom.byId('below'), head: dom.byId('unseen') });
  var shift = new pages.Shift(dom.byId('shift'), sound, screen.userId, render, say);
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame);
  var missed = new pages.Missed(function (counts) { connection.showMissed(counts); }, sound);
  var selection = new pages.Selection(choices, pressKey, render, function (id) { fold.reveal(id); });
  var shown = [];                // the records on the board, in order
  var rungAt = 0;                // when the untouched tickets last rang
  var wasOffline = false;
  var pressedAt = 0;             // a finger is down since; what it is on must not move
  var sayTimer = null;
  var pressed = { id: null, at: 0 };   // whose big button was tapped last
  var LOOK_MS = 250;             // how often it is looked what is in sight
  var BESIDE_MS = 300;           // a line takes no tap so soon after LISTO beside it
  var RING_AGAIN_MS = 20000;
  var PRESS_MS = 1500;
  var HOLD_MS = 10000;           // a finger that lies there longer is none
  var SAY_MS = 6000;

  // ---- drawing -----------------------------------------------------------------

  function showCount(id, count, word) {
    var node = dom.byId(id);
    node.hidden = count === 0;
    dom.setText(node.querySelector('b'), String(count));
    dom.setText(node.querySelector('span'), word);
  }

  function showEmpty(count) {
    var title = WORDS.none, text = WORDS.newComeHere;
    if (!orders.loaded) {
      title = connection.offline ? pages.words.offline : WORDS.loading;
      text = connection.offline ? WORDS.unknown : '';
    } else if (connection.offline) {
      title = WORDS.noneBefore;
      text = WORDS.unknownNew;
    }
    dom.byId('empty').hidden = count > 0;
    dom.setText(dom.byId('empty-title'), title);
    dom.setText(dom.byId('empty-text'), text);
  }

  function showFrame() {
    var pushed = !dom.byId('banner').hidden;
    dom.byId('board').className = pushed ? 'board board--pushed' : 'board';
    showEmpty(board.order.length);
    if (connection.offline && !wasOffline) { sound.alarm(); }
    wasOffline = connection.offline;
  }

  // Nobody reads the board beneath what lies over it: INICIAR TURNO, the dialog that asks for the PIN, the cover of a
  // page that comes back (shared/cover.js).
  function isUncovered() {
    return !shift.open && !screen.session.ended && !screen.session.isAsking() && document.documentElement.className !== 'is-covered';
  }

  // What of the window shows tickets: between the bar or the banner and the foot strip, beside an open list.
  function visibleBox() {
    var banner = dom.byId('banner'), list = dom.byId('side');
    return {
      top: (banner.hidden ? document.querySelector('.kbar') : banner).getBoundingClientRect().bottom,
      right: list.hidden ? document.documentElement.clientWidth : list.getBoundingClientRect().left,
      bottom: document.querySelector('.kfoot').getBoundingClientRect().top,
      left: 0
    };
  }

  function isHidden(record) {
    return understood.has(record);
  }

  function isHeld(record) {
    return cooking.holds(record);
  }

  // For what has no ticket to say it on.
  function say(text) {
    var node = dom.byId('say');
    dom.setText(node, text);
    node.hidden = false;
    window.clearTimeout(sayTimer);
    sayTimer = window.setTimeout(function () { node.hidden = true; }, SAY_MS);
  }

  // The keys 1 to 9, in the order of the board; what is ready has only U, unless it changed since.
  function numbered() {
    return shown.filter(function (record) { return pages.tickets.kindOf(record) !== 'deshacer'; }).slice(0, 9);
  }

  function recallRows(now) {
    return pages.sideLists.recallRows(
      orders.recallable(now, recallMs), now, cooking, selection.on('recall')
    );
  }

  function dishRows() {
    return pages.sideLists.dishRows(pages.FootStrip.sum(shown), menu);
  }

  function ringAgain(now) {
    if (!orders.anyFresh()) {
      rungAt = 0;
    } else if (!rungAt || rungAt > now) {
      rungAt = now;              // it rang when it came
    } else if (now - rungAt >= RING_AGAIN_MS) {
      rungAt = now;
      sound.newOrder();
    }
  }

  function render() {
    var now = clock.now(), records, counts, keyed;
    if (new Date().getTime() - pressedAt < PRESS_MS && new Date().getTime() >= pressedAt) { return; }
    pages.expire(orders.records, now, recallMs, isHeld);
    records = shown = orders.inSight(now, isHidden, isHeld);
    keyed = numbered();
    board.show(records, now, function (record) {
      var view = cooking.view(record), index = keyed.indexOf(record);
      view.key = index < 0 ? '' : String(index + 1);
      view.selected = selection.on('board') === record.id;
      view.compact = density.compact;
      view.out = menu.missing(record.pedido.items);
      return view;
    });
    side.show(now);
    ringAgain(now);
    sight.show(board.tickets());
    history.look();
    counts = board.tick(now);
    shift.show(orders.loaded, connection.offline, counts.open);
    showCount('count-open', counts.open, pages.fill(WORDS.open, { n: counts.open }));
    showCount('count-late', counts.late, 'tarde');
    showEmpty(records.length);
    strip.showSums(pages.FootStrip.sum(records));
    strip.showStock(now, menu);
    strip.showUndo(cooking.undoable(now), function (record) { cooking.undo(record); });
    connection.tick();
    fold.show();
    if (orders.loaded) { keeping.look(records); }
    dom.setText(dom.byId('clock'), clock.time24());
    document.title = (counts.open ? '(' + counts.open + ') ' : '') + WORDS.title;
  }

  function resize() {
    body.className = 'kitchen' + (side.name ? ' has-side' : '') + (density.compact ? ' is-compact' : '');
    fold.keep(function () {
      board.resize(density.compact);
      render();
    });
  }

  function onSide() {
    selection.clear();
    resize();
  }

  // ---- seeing ----------------------------------------------------------------------

  function onSeen(record, ids) {
    receipts.add(orders.unseen.see(record, ids));
    screen.redraw();
  }

  // Whoever touches a ticket has seen it.
  function touch(record) {
    receipts.add(orders.unseen.see(record));
    orders.touch(record.id);
  }

  function look() {
    var held = new Date().getTime() - pressedAt;
    if (held >= 0 && held < HOLD_MS) { fold.touched(); }
    sight.look();
    fold.look();
    fold.show();
  }

  ['mousedown', 'touchstart', 'touchmove', 'wheel', 'keydown'].forEach(function (name) {
    document.addEventListener(name, function () { fold.touched(); }, true);
  });

  // ---- touching ------------------------------------------------------------------

  function recordOf(node, attribute) {
    while (node && node !== document) {
      if (node.getAttribute && node.getAttribute(attribute)) { return node; }
      node = node.parentNode;
    }
    return null;
  }

  // The big button.
  function press(record) {
    var kind = pages.tickets.kindOf(record);
    if (kind === 'listo') { pressed = { id: record.id, at: new Date().getTime() }; }
    switch (kind) {
    case 'entendido':
      if (record.pedido.estado === 'cancelado') { understood.add(record); }   // else the touch is all
      break;
    case 'deshacer': cooking.undo(record); break;
    default: cooking.bump(record);
    }
  }

  function isBeside(record) {
    var ago = new Date().getTime() - pressed.at;
    return pressed.id === record.id && ago >= 0 && ago < BESIDE_MS;
  }

  dom.byId('columns').onclick = function (event) {
    var ticket = recordOf(event.target, 'data-pedido-id') || recordOf(event.target, 'data-parte-de');
    var line = recordOf(event.target, 'data-item-id'), node = event.target, record, head;
    record = ticket && orders.records[Number(ticket.getAttribute('data-pedido-id') || ticket.getAttribute('data-parte-de'))];
    if (!record || !fold.isSettled() || (line && isBeside(record))) { return; }
    while (node !== ticket && node.tagName !== 'BUTTON') { node = node.parentNode; }
    if (node !== ticket && !node.disabled) {
      if (line) { cooking.line(record, Number(line.getAttribute('data-item-id'))); } else { press(record); }
    }
    head = ticket.querySelector('.ticket__head');     // what goes on in the next column has none
    if (head && head.contains(event.target)) { orders.unfold(record.id); }
    touch(record);
    selection.clear();
    render();
  };

  function pressStarts() { pressedAt = new Date().getTime(); }

  // After the click that follows.
  function pressEnds() {
    window.setTimeout(function () {
      pressedAt = 0;
      render();
    }, 0);
  }

  ['mousedown', 'touchstart'].forEach(function (name) { document.addEventListener(name, pressStarts, true); });
  ['mouseup', 'touchcancel', 'click', 'dragend'].forEach(function (name) { document.addEventListener(name, pressEnds, false); });

  // ---- keyboard ------------------------------------------------------------------

  function choices() {
    return side.name === 'recall' ?
      { panel: 'recall', records: orders.recallable(clock.now(), recallMs) } : { panel: 'board', records: numbered() };
  }

  // False while the ticket's button takes no tap.
  function pressKey(id, panel) {
    var record = orders.records[id], button = board.buttonOf(id);
    if (record && panel === 'recall') {
      cooking.recall(record);
    } else if (record) {
      if (button && button.disabled) { return false; }
      press(record);
      touch(record);
    }
    return true;
  }

  // The last of what became ready and is still in sight, and what was begun here.
  function undoLast() {
    var last = orders.recallable(clock.now(), recallMs)[0], begun = cooking.undoable(clock.now());
    if (last && shown.indexOf(last) < 0) { last = null; }
    if (begun && (!last || cooking.started.at > last.doneAt)) { last = begun.record; }
    if (last) { cooking.undo(last); }
  }

  pages.keys.listen(document, {
    digit: function (number) { selection.digit(number); },
    enter: function () { return selection.confirm(); },
    escape: function () {
      selection.clear();
      if (side.name) { side.close(); } else { render(); }
    },
    u: undoLast,
    r: function () { side.toggle('recall'); },
    a: function () { side.toggle('allday'); },
    m: function () { sound.mute(); }
  }, function () { return !shift.open; });

  // ---- events --------------------------------------------------------------------

  client.on('instantanea', function (snapshot) {
    missed.addAll(orders.load(snapshot.pedidos, clock.parseTold(snapshot.hora_servidor)));
    menu.load();
    render();
  });

  client.on('evento_pedido', function (evento) {
    var meaning = orders.apply(evento), own = cooking.operations.own[evento.operacion_id];
    if (connection.offline || missed.covers(clock.parse(evento.timestamp))) {
      missed.add(meaning);
    } else if (meaning === 'new') {
      sound.newOrder();
    } else if (meaning === 'cancelled') {
      sound.cancelled();
    } else if (meaning && !own) {
      sound.changed();
    }
    if (own && orders.records[evento.pedido_id]) { receipts.add(orders.unseen.see(orders.records[evento.pedido_id], [evento.id])); }
    screen.redraw();
  });

  client.on('evento_sistema', function (evento) {
    if (evento.tipo === 'acuse_recibo' && evento.entendido) {
      orders.understood(evento.pedido_id);
      screen.redraw();
    }
  });

  client.on('evento_alerta', function (evento) {
    menu.onAlert(evento);
    strip.onAlert(evento, clock.now(), menu);
    screen.redraw();
  });

  client.on('conexion', function (state) {
    missed.onMode(state.modo === 'sin_conexion');
    screen.redraw();
  });

  client.on('sesion_terminada', function () {
    shift.end();
    sound.alarm();
  });

  window.onresize = function () {
    density.look();
    resize();
  };
  window.onscroll = function () { fold.show(); };
  window.setInterval(look, LOOK_MS);
  if (window.history.scrollRestoration) { window.history.scrollRestoration = 'manual'; }   // it begins with the oldest
  resize();
  screen.tell(new pages.FootNotice(dom.byId('notice')), function () { return shift.open; }, function () { shift.goOn(); });
  pages.leave.bind(dom.byId('leave'), null, function () { shift.end(); });
  cooking.operations.resume();
  screen.start();
}(window));
