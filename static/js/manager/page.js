/* This is the manager's page: what is open, how the day goes, who is
   connected, and what runs out. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var WORDS = pages.managerWords;
  var body = window.document.body;
  var REDRAW_MS = 150;
  // What a closed page would be rung for.
  var PUSHED = { sin_acuse: true, sin_pantalla: true, pantalla_recuperada: true };

  var book = new pages.Book();
  var sound = new pages.Sound(dom.byId('sonido'), dom.byId('flash'));
  var push = new pages.Push(sound, showPush);
  var pushPanel = new pages.PushPanel(push);
  var phones = new pages.Phones(dom.byId('phones'), dom.byId('phones-rows'));
  var alarms = new pages.Alarms(dom.byId('unseen'), sound, unseenWords);
  var resizeTimer = null;
  var screen = new pages.Screen(render);
  var client = screen.client;
  var lanes = new pages.Lanes(dom.byId('board'), {
    warnMs: Number(body.getAttribute('data-warn-minutes')) * 60000,
    lateMs: Number(body.getAttribute('data-late-minutes')) * 60000
  });
  var owed = new pages.Owed(dom.byId('owed'), dom.byId('owed-title'), dom.byId('owed-rows'));
  var devices = new pages.Devices(dom.byId('devices'), dom.byId('devices-sum'), screen, function (room) {
    return alarms.lost[room] !== undefined;
  });
  var present = new pages.Now({ line: dom.byId('now-line'), sub: dom.byId('now-sub') });
  var strip = new pages.Strip(dom.byId('strip'), dom.byId('unseen'));
  var latest = new pages.Latest(dom.byId('latest'), dom.byId('latest-rows'));
  var stock = new pages.Stock(dom.byId('stock'), dom.byId('stock-sum'));
  // Orders take from the stock without a word until it is low.
  var figures = new pages.Figures(function () { stock.load(); });
  var order = new pages.ManagersOrder(screen, book, stock.menu);
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame, pages.Connection.OFFICE);

  function showPush() {
    pushPanel.show();
    phones.show(push.isActive());
    phones.soon();
  }

  function showFrame() {
    dom.byId('page').className = dom.byId('banner').hidden ? 'mgr unveiled' : 'mgr mgr--pushed unveiled';
  }

  function unseenWords(kind, orders) {
    return pages.fill(kind === 'cancel_unseen' ? WORDS.cancelUnseen : WORDS.unseen, { n: orders.length, orders: pages.Alarms.numbers(orders) });
  }

  function all() { return true; }
  function id(pedido) { return pedido.id; }

  function render() {
    strip.show(alarms.show(book, book.list(all, id), clock.now()));
    lanes.show(book, clock.now());
    present.show(book.loaded, lanes.counts(), figures.today());
    owed.show(book);
    order.show(clock.now());
    devices.tick();
    connection.tick();
    if (connection.offline || (book.loaded && figures.answer && devices.loaded && stock.menu.loaded)) { screen.unveil(); }
    dom.setText(dom.byId('day'), clock.day() + ' · ');
    dom.setText(dom.byId('clock'), clock.time());
  }

  client.on('instantanea', function (snapshot) {
    book.load(snapshot.pedidos);
    alarms.load(snapshot.alarmas);
    figures.soon();
    devices.soon();
    latest.soon();
    stock.load();
    screen.redraw();
  });

  client.on('evento_pedido', function (evento) {
    var change = book.apply(evento), state = change && change.after.estado;
    alarms.take(evento);
    // The kitchen may still be cooking a cancelled one that it has not seen.
    if (state === 'cerrado' || (state === 'cancelado' && !change.after.por_acusar.length)) { book.forget(evento.pedido_id); }
    figures.soon();
    latest.soon();
    screen.redraw();
  });

  client.on('evento_sistema', function (evento) {
    if (evento.tipo === 'acuse_recibo') { book.acknowledge(evento); }
    alarms.take(evento);
    screen.redraw();
    if (PUSHED[evento.tipo]) { push.saw([evento.id]); }
  });

  client.on('evento_alerta', function (evento) { stock.onAlert(evento); });

  window.document.addEventListener('click', function () { sound.unlock(true); }, false);

  window.addEventListener('resize', function () {
    window.clearTimeout(resizeTimer);
    resizeTimer = window.setTimeout(function () { figures.redraw(); }, REDRAW_MS);
  });

  function isUnsent() { return order.operations.list.length > 0; }

  screen.tell(connection, function (restedMs) { return restedMs >= pages.Version.REST_MS && !isUnsent(); });
  pages.leave.bind(dom.byId('leave'), isUnsent);
  order.start();
  push.load();
  screen.start();
}(window));
