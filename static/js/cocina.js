/* The kitchen page: events in, tickets out. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var body = document.body;

  var orders = new pages.Orders();
  var sound = new pages.Sound(dom.byId('sonido'), dom.byId('flash'));
  var strip = new pages.FootStrip(dom.byId('allday'), dom.byId('stock'));
  var limits = {
    warnMs: Number(body.getAttribute('data-warn-minutes')) * 60000,
    lateMs: Number(body.getAttribute('data-late-minutes')) * 60000
  };
  var recallMs = Number(body.getAttribute('data-ready-minutes')) * 60000;
  var board = new pages.Board(dom.byId('columns'), limits, orders.secondsToUndo);
  var cooking = new pages.Cooking({ orders: orders, now: clock.now, onChange: renderSoon, say: say });
  var menu = new pages.Menu(renderSoon, say);
  var side = new pages.Side(dom.byId('side'), {
    recall: {
      title: 'Recuperar', icon: 'recall', empty: 'Ningún pedido listo en los últimos ' + recallMs / 60000 + ' minutos.',
      button: dom.byId('recall'), rows: recallRows
    },
    allday: {
      title: 'Todo el día', icon: 'up', empty: 'Nada pendiente.', button: dom.byId('allday'), rows: dishRows,
      onOpen: function () { menu.load(); }
    }
  }, onSide);
  var client = new window.ClienteNotificaciones({
    rol: body.getAttribute('data-room-role'),
    usuario_id: Number(body.getAttribute('data-usuario-id')) || null,
    username: body.getAttribute('data-username'),
    debug: /[?&]debug=1/.test(window.location.search)
  });
  var understood = new pages.Understood(client, renderSoon);
  var receipts = new pages.Receipts(client);
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame);
  var missed = { nuevos: 0, cancelados: 0, cambios: 0 };
  var missedUntil = 0;           // events from before this time were missed
  var renderTimer = null;
  var shown = [];                // the records on the board, in order
  var selected = null;           // by the keyboard: {id, panel}
  var rungAt = 0;                // when the untouched tickets last rang
  var pressedAt = 0;             // a finger is down since; what it is on must not move
  var sayTimer = null;
  var RING_AGAIN_MS = 20000;
  var PRESS_MS = 1500;
  var SAY_MS = 6000;

  window.__notif = client;

  // ---- drawing -----------------------------------------------------------------

  function showCount(id, count, word) {
    var node = dom.byId(id);
    node.hidden = count === 0;
    dom.setText(node.querySelector('b'), String(count));
    dom.setText(node.querySelector('span'), word);
  }

  function showEmpty(count) {
    var title = 'Sin pedidos', text = 'Los nuevos aparecen aquí.';
    if (!orders.loaded) {
      title = connection.offline ? 'Sin conexión' : 'Cargando pedidos…';
      text = connection.offline ? 'No se sabe si hay pedidos.' : '';
    } else if (connection.offline) {
      title = 'Sin pedidos hasta el corte';
      text = 'No se sabe si hay pedidos nuevos.';
    }
    dom.byId('empty').hidden = count > 0;
    dom.setText(dom.byId('empty-title'), title);
    dom.setText(dom.byId('empty-text'), text);
  }

  function showFrame() {
    var pushed = !dom.byId('banner').hidden;
    dom.byId('board').className = pushed ? 'board board--pushed' : 'board';
    showEmpty(board.order.length);
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

  // The keys 1 to 9, in the order of the board; what is ready has only U.
  function numbered() {
    return shown.filter(function (record) { return record.pedido.estado !== 'listo'; }).slice(0, 9);
  }

  function isSelected(panel, id) {
    return selected !== null && selected.panel === panel && selected.id === id;
  }

  function recallRows(now) {
    return pages.sideLists.recallRows(
      orders.recallable(now, recallMs), now, cooking, selected && selected.panel === 'recall' ? selected.id : null
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
    renderTimer = null;
    if (new Date().getTime() - pressedAt < PRESS_MS && new Date().getTime() >= pressedAt) { return; }
    records = shown = orders.inSight(now, isHidden, isHeld);
    keyed = numbered();
    board.show(records, now, function (record) {
      var view = cooking.view(record), index = keyed.indexOf(record);
      view.key = index < 0 ? '' : String(index + 1);
      view.selected = isSelected('board', record.id);
      return view;
    });
    side.show(now);
    ringAgain(now);
    sound.tick();
    receipts.drawn(records);
    counts = board.tick(now);
    showCount('count-open', counts.open, counts.open === 1 ? 'abierto' : 'abiertos');
    showCount('count-late', counts.late, 'tarde');
    showEmpty(records.length);
    strip.showSums(pages.FootStrip.sum(records));
    strip.showStock(now);
    connection.tick();
    dom.setText(dom.byId('clock'), clock.time());
    document.title = (counts.open ? '(' + counts.open + ') ' : '') + 'Cocina';
  }

  // Many events at once, as after a pause, are drawn once.
  function renderSoon() {
    if (renderTimer === null) { renderTimer = window.setTimeout(render, 0); }
  }

  function onSide() {
    body.className = 'kitchen' + (side.name ? ' has-side' : '');
    selected = null;
    render();
    board.layout();
  }

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
    switch (pages.tickets.kindOf(record)) {
    case 'entendido': understood.add(record); break;
    case 'deshacer': cooking.undo(record); break;
    default: cooking.bump(record);
    }
  }

  dom.byId('columns').onclick = function (event) {
    var ticket = recordOf(event.target, 'data-pedido-id'), line = recordOf(event.target, 'data-item-id');
    var record = ticket && orders.records[Number(ticket.getAttribute('data-pedido-id'))], node = event.target;
    if (!record) { return; }
    while (node !== ticket && node.tagName !== 'BUTTON') { node = node.parentNode; }
    if (node !== ticket && !node.disabled) {
      if (line) { cooking.line(record, Number(line.getAttribute('data-item-id'))); } else { press(record); }
    }
    orders.touch(record.id);
    selected = null;
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

  function list() {
    return side.name === 'recall' ? orders.recallable(clock.now(), recallMs) : numbered();
  }

  // The same key twice is as good as Enter.
  function select(panel, record) {
    if (isSelected(panel, record.id)) {
      confirm();
      return;
    }
    selected = { panel: panel, id: record.id };
    render();
    if (panel === 'board') { scrollTo(document.querySelector('.ticket.is-selected')); }
  }

  function scrollTo(node) {
    var box = node && node.getBoundingClientRect();
    if (box && (box.top < 80 || box.bottom > window.innerHeight - 80)) {
      window.scrollTo(0, Math.max(0, window.pageYOffset + box.top - 160));
    }
  }

  function confirm() {
    var record = selected && orders.records[selected.id], button;
    if (!selected) { return false; }
    if (record && selected.panel === 'recall') {
      cooking.recall(record);
    } else if (record) {
      button = document.querySelector('[data-pedido-id="' + record.id + '"] .ticket__do');
      if (button && button.disabled) { return true; }
      orders.touch(record.id);
      press(record);
    }
    selected = null;
    render();
    return true;
  }

  pages.keys.listen(document, {
    digit: function (number) {
      var record = list()[number - 1];
      if (record) { select(side.name === 'recall' ? 'recall' : 'board', record); }
    },
    enter: confirm,
    escape: function () {
      selected = null;
      if (side.name) { side.close(); } else { render(); }
    },
    u: function () {
      var last = orders.recallable(clock.now(), recallMs)[0];
      if (last && shown.indexOf(last) >= 0) { cooking.undo(last); }
    },
    r: function () { side.toggle('recall'); },
    a: function () { side.toggle('allday'); },
    m: function () { sound.mute(); }
  });

  // ---- events --------------------------------------------------------------------

  function countMissed(meaning) {
    if (meaning === 'new') { missed.nuevos++; }
    if (meaning === 'cancelled') { missed.cancelados++; }
    if (meaning === 'changed' || meaning === 'recalled') { missed.cambios++; }
  }

  client.on('hora', function (time) { clock.set(time.hora_servidor, time.desfase_ms); });

  client.on('instantanea', function (snapshot) {
    var summary = orders.load(snapshot.pedidos, clock.parse(snapshot.hora_servidor));
    missed.nuevos += summary.nuevos;
    missed.cancelados += summary.cancelados;
    missed.cambios += summary.cambios;
    connection.showMissed(missed);
    if (summary.nuevos) { sound.newOrder(); }
    render();
  });

  client.on('evento_pedido', function (evento) {
    var meaning = orders.apply(evento);
    if (connection.offline || clock.parse(evento.timestamp) < missedUntil) {
      countMissed(meaning);
      connection.showMissed(missed);
    }
    if (meaning === 'new') { sound.newOrder(); }
    if (meaning === 'cancelled') { sound.cancelled(); }
    renderSoon();
  });

  client.on('evento_sistema', function (evento) {
    if (evento.tipo === 'acuse_recibo' && evento.entendido) {
      orders.understood(evento.pedido_id);
      renderSoon();
    }
  });

  client.on('evento_alerta', function (evento) {
    strip.onAlert(evento, clock.now());
    menu.onAlert(evento);
    renderSoon();
  });

  // Polling delivers before it says that it is back, a stream after.
  client.on('conexion', function (state) {
    cooking.setOffline(state.modo === 'sin_conexion');
    if (state.modo !== 'sin_conexion' && missedUntil === Infinity) {
      missedUntil = clock.now();
      connection.showMissed(missed);
    } else if (state.modo === 'sin_conexion' && missedUntil !== Infinity) {
      missedUntil = Infinity;
      missed = { nuevos: 0, cancelados: 0, cambios: 0 };
    }
    renderSoon();
  });

  client.on('sesion_terminada', function () {
    window.location.replace('/login?next=' + window.location.pathname);
  });

  window.onresize = function () { board.layout(); };
  window.setInterval(render, 1000);
  render();
  client.conectar({ instantanea: true });
}(window));
