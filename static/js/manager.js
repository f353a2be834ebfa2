/* The manager's page: what is open, how the day goes, who is connected, what runs out. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var body = window.document.body;
  var REDRAW_MS = 150;

  var book = new pages.Book();
  var renderTimer = null;
  var resizeTimer = null;
  var client = new window.ClienteNotificaciones({
    rol: body.getAttribute('data-room-role'),
    usuario_id: Number(body.getAttribute('data-usuario-id')) || null,
    username: body.getAttribute('data-username'),
    debug: /[?&]debug=1/.test(window.location.search)
  });

  clock.setFromPage();

  var lanes = new pages.Lanes(dom.byId('board'), {
    warnMs: Number(body.getAttribute('data-warn-minutes')) * 60000,
    lateMs: Number(body.getAttribute('data-late-minutes')) * 60000
  });
  var devices = new pages.Devices(dom.byId('devices'), dom.byId('devices-sum'));
  var stock = new pages.Stock(dom.byId('stock'), dom.byId('stock-sum'));
  // Orders take from the stock without a word until it is low.
  var figures = new pages.Figures(function () { stock.load(); });
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame, pages.Connection.OFFICE);

  window.__notif = client;

  function showFrame() {
    dom.byId('page').className = dom.byId('banner').hidden ? 'mgr' : 'mgr mgr--pushed';
  }

  function render() {
    renderTimer = null;
    lanes.show(book, clock.now());
    devices.tick();
    connection.tick();
    dom.setText(dom.byId('day'), clock.day() + ' · ');
    dom.setText(dom.byId('clock'), clock.time());
  }

  // Many events at once, as after a pause, are drawn once.
  function renderSoon() {
    if (renderTimer === null) { renderTimer = window.setTimeout(render, 0); }
  }

  client.on('hora', function (time) { clock.set(time.hora_servidor, time.desfase_ms); });

  client.on('instantanea', function (snapshot) {
    book.load(snapshot.pedidos);
    figures.soon();
    devices.soon();
    stock.load();
    renderSoon();
  });

  client.on('evento_pedido', function (evento) {
    var change = book.apply(evento), state = change && change.after.estado;
    if (state === 'cerrado' || state === 'cancelado') { book.forget(evento.pedido_id); }
    figures.soon();
    renderSoon();
  });

  client.on('evento_alerta', function (evento) { stock.onAlert(evento); });

  client.on('sesion_terminada', function () {
    window.location.replace('/login?next=' + window.location.pathname);
  });

  window.addEventListener('resize', function () {
    window.clearTimeout(resizeTimer);
    resizeTimer = window.setTimeout(function () { figures.redraw(); }, REDRAW_MS);
  });

  window.setInterval(render, 1000);
  render();
  client.conectar({ instantanea: true });
}(window));
