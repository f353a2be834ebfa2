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

  var book = new pages.Book();
  var sound = new pages.Sound(dom.byId('sonido'), dom.byId('flash'));
  var alarms = new pages.Alarms(dom.byId('unseen'), sound, unseenWords);
  var resizeTimer = null;
  var screen = new pages.Screen(render);
  var client = screen.client;
  var lanes = new pages.Lanes(dom.byId('board'), {
    warnMs: Number(body.getAttribute('data-warn-minutes')) * 60000,
    lateMs: Number(body.getAttribute('data-late-minutes')) * 60000
  });
  var owed = new pages.Owed(dom.byId('owed'), dom.byId('owed-title'), dom.byId('owed-rows'));
  var devices = new pages.Devices(dom.byId('devices'), dom.byId('devices-sum'));
  var stock = new pages.Stock(dom.byId('stock'), dom.byId('stock-sum'));
  // Orders take from the stock without a word until it is low.
  var figures = new pages.Figures(function () { stock.load(); });
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame, pages.Connection.OFFICE);

  function showFrame() {
    dom.byId('page').className = dom.byId('banner').hidden ? 'mgr' : 'mgr mgr--pushed';
  }

  function unseenWords(kind, orders) {
    return pages.fill(kind === 'cancel_unseen' ? WORDS.cancelUnseen : WORDS.unseen, { n: orders.length, orders: pages.Alarms.numbers(orders) });
  }

  function all() { return true; }
  function id(pedido) { return pedido.id; }

  function render() {
    alarms.show(book, book.list(all, id), clock.now());
    lanes.show(book, clock.now());
    owed.show(book);
    devices.tick();
    connection.tick();
    dom.setText(dom.byId('day'), clock.day() + ' · ');
    dom.setText(dom.byId('clock'), clock.time());
  }

  client.on('instantanea', function (snapshot) {
    book.load(snapshot.pedidos);
    alarms.load(snapshot.alarmas);
    figures.soon();
    devices.soon();
    stock.load();
    screen.redraw();
  });

  client.on('evento_pedido', function (evento) {
    var change = book.apply(evento), state = change && change.after.estado;
    alarms.take(evento);
    // The kitchen may still be cooking a cancelled one that it has not seen.
    if (state === 'cerrado' || (state === 'cancelado' && !change.after.por_acusar.length)) { book.forget(evento.pedido_id); }
    figures.soon();
    screen.redraw();
  });

  client.on('evento_sistema', function (evento) {
    if (evento.tipo === 'acuse_recibo') { book.acknowledge(evento); }
    alarms.take(evento);
    screen.redraw();
  });

  client.on('evento_alerta', function (evento) { stock.onAlert(evento); });

  window.document.addEventListener('click', function () { sound.unlock(true); }, false);

  window.addEventListener('resize', function () {
    window.clearTimeout(resizeTimer);
    resizeTimer = window.setTimeout(function () { figures.redraw(); }, REDRAW_MS);
  });

  screen.tell(connection, function (restedMs) { return restedMs >= pages.Version.REST_MS; });
  pages.leave.bind(dom.byId('leave'));
  screen.start();
}(window));
