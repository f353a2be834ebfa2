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
  var board = new pages.Board(dom.byId('columns'), limits, onUnderstood);
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

  function render() {
    var now = clock.now(), records = orders.inSight(now, isHidden), counts;
    renderTimer = null;
    board.show(records, now);
    receipts.drawn(records);
    counts = board.tick(now);
    showCount('count-open', counts.open, counts.open === 1 ? 'abierto' : 'abiertos');
    showCount('count-late', counts.late, 'tarde');
    showEmpty(records.length);
    strip.showSums(records);
    strip.showStock(now);
    connection.tick();
    dom.setText(dom.byId('clock'), clock.time());
    document.title = (counts.open ? '(' + counts.open + ') ' : '') + 'Cocina';
  }

  // Many events at once, as after a pause, are drawn once.
  function renderSoon() {
    if (renderTimer === null) { renderTimer = window.setTimeout(render, 0); }
  }

  // ---- touching ------------------------------------------------------------------

  function onUnderstood(id) {
    understood.add(orders.records[id]);
    render();
  }

  function ticketOf(node) {
    while (node && node !== document) {
      if (node.getAttribute && node.getAttribute('data-pedido-id')) { return node; }
      node = node.parentNode;
    }
    return null;
  }

  dom.byId('columns').onclick = function (event) {
    var ticket = ticketOf(event.target);
    if (ticket && orders.touch(Number(ticket.getAttribute('data-pedido-id')))) { render(); }
  };

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

  client.on('evento_alerta', function (evento) { strip.onAlert(evento, clock.now()); });

  // Polling delivers before it says that it is back, a stream after.
  client.on('conexion', function (state) {
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
