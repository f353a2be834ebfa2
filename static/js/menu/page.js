/* This is the manager's page of the menu: the dishes, the form of one, and a
   file that changes many. Which of them is looked at stands in the address, so
   that Back leaves it. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var WORDS = pages.menuWords;
  var body = window.document.body;
  var PRODUCTS = '/api/productos';
  // Of prices, names and new dishes no event tells; of what orders take, none until it is low.
  var LEAST_MS = 3000;
  var MOST_MS = 30000;
  var place = { name: 'lista', id: null };    // 'lista', 'plato' (of a new one the id is null) or 'importar'

  var toast = new pages.Toast(dom.byId('toasts'));
  var screen = new pages.Screen(render);
  var client = screen.client;
  var menu = new pages.Menu(show, function (text) { toast.warn(text); }, true);
  var ask = new pages.Ask(PRODUCTS, { productos: 'list' }, LEAST_MS, MOST_MS, function (answer) {
    if (menu.stale) { ask.soon(); } else { menu.take(answer.productos); }   // it may be older than what was told meanwhile
  }, function () { menu.stale = false; });
  var list = new pages.MenuList({
    sum: dom.byId('list-sum'), tabs: dom.byId('tabs'), table: dom.byId('table'), rows: dom.byId('rows'), none: dom.byId('none')
  }, menu);
  var form = new pages.DishForm(menu, {
    saved: function (product) {
      menu.put(product);
      askNow();
      toast.say(pages.fill(WORDS.saved, { dish: product.nombre }));
    },
    closed: leave,
    ended: function () { screen.session.end(); },
    unsure: askNow
  });
  var importing = new pages.MenuImport({
    applied: function (count) {
      askNow();
      toast.say(pages.fill(WORDS.applied, { n: count }));
    },
    ended: function () { screen.session.end(); }
  });
  var connection = new pages.Connection(dom.byId('conexion'), dom.byId('banner'), client, showFrame, pages.Connection.OFFICE);

  // What is under way may not know of what was just done.
  function askNow() { ask.of(PRODUCTS); }

  function showFrame() {
    dom.byId('page').className = dom.byId('banner').hidden ? 'duo unveiled' : 'duo duo--pushed unveiled';
  }

  // ---- places --------------------------------------------------------------------------

  function readHash() {
    var parts = /^#(nuevo|importar|plato-(\d+))$/.exec(window.location.hash);
    if (!parts) { return { name: 'lista', id: null }; }
    return parts[1] === 'importar' ? { name: 'importar', id: null } : { name: 'plato', id: parts[2] ? Number(parts[2]) : null };
  }

  function hashOf(id) { return id === null ? '#nuevo' : '#plato-' + id; }

  // Without a step that Back would have to undo.
  function leave() {
    if (window.history.replaceState) {
      window.history.replaceState(null, '', window.location.pathname + window.location.search);
    } else {
      window.location.hash = '';
    }
    move();
  }

  // Of a dish that the menu does not have there is no form.
  function isThere(where) {
    return where.name !== 'plato' || where.id === null || !!menu.byId[where.id];
  }

  function move() {
    var next = readHash(), before = place;
    if (!menu.loaded && next.name === 'plato') { return; }   // it is read again once it is
    if (!isThere(next)) {
      leave();
      return;
    }
    if (next.name === 'plato' && form.changed().length && form.id !== next.id) {
      form.fail(WORDS.first);    // what is written is kept
      window.location.replace(hashOf(form.id));
      next = { name: 'plato', id: form.id };
    }
    place = next;
    if (next.name === 'plato' && !(form.isOpen && form.id === next.id)) { form.open(next.id === null ? null : menu.byId[next.id]); }
    showPlace();
    if (before.name !== next.name || before.id !== next.id) { focusPlace(before); }
  }

  function showPlace() {
    var isDish = place.name === 'plato';
    body.className = (place.name === 'lista' ? '' : 'is-beside ') + body.className.replace(/^is-beside /, '');
    dom.byId('dish').hidden = !isDish;
    dom.byId('import').hidden = isDish;
    dom.setText(dom.byId('place-title'), isDish ? dom.byId('dish-title').textContent : place.name === 'importar' ? dom.byId('import-title').textContent : WORDS.title);
    list.openId = isDish ? place.id : null;
    list.show();
  }

  // A new dish is written at once; of a known one it is not said what is to be changed. Who comes back is where he was.
  function focusPlace(before) {
    var from = before.name === 'plato' && before.id !== null ? list.rows.node(before.id) : null;
    if (place.name === 'plato') { dom.byId(place.id === null ? 'f-nombre' : 'dish-title').focus(); }
    if (place.name === 'importar') { dom.byId('import-title').focus(); }
    if (place.name === 'lista' && from) { from.querySelector('a').focus(); }
  }

  // ---- drawing -------------------------------------------------------------------------

  function show() {
    list.show();
    form.follow();
    if (place.name !== readHash().name) { move(); }
    screen.redraw();
  }

  function render() {
    connection.tick();
    if (menu.loaded || connection.offline) { screen.unveil(); }
    dom.setText(dom.byId('clock'), pages.clock.time());
  }

  // ---- the service -----------------------------------------------------------------------

  client.on('instantanea', askNow);
  client.on('conexion', function (state) {
    if (state.anterior === 'sin_conexion' && state.modo !== 'sin_conexion') { askNow(); }
  });
  client.on('evento_pedido', function () { ask.soon(); });
  client.on('evento_alerta', function (evento) {
    menu.onAlert(evento);
    ask.soon();
  });

  dom.byId('back').onclick = function () {
    if (place.name === 'lista') { return true; }
    leave();
    return false;
  };
  dom.byId('close').onclick = leave;
  window.document.addEventListener('keydown', function (event) {
    if (event.keyCode === 27 && place.name !== 'lista' && !form.changed().length) { leave(); }   // what is written is left by its button
  }, false);
  window.onhashchange = move;
  screen.tell(connection, function (restedMs) {
    return restedMs >= pages.Version.REST_MS && !form.changed().length && !importing.holds();
  });
  pages.leave.bind(dom.byId('leave'));
  move();
  screen.start();
}(window));
