/* This is the log's page: what passes the filters, newest first, and how many
   that is. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var wording = pages.wording;
  var TABLE = '/api/notificaciones/eventos';
  var WANTED = { eventos: 'list', descripciones: 'array', numeros: 'array', total: 'number', cabeza_hash: 'string' };
  var SEARCH_MS = 120000;        // a word in a log of years takes its time
  var LOOK_MS = 15000;           // how often this page asks whether the service can keep what is sent
  var WORDS = pages.logWords;

  clock.setFromPage();

  var form = dom.byId('filters');
  var more = dom.byId('more');
  var problem = dom.byId('problem');
  var body = document.body;
  var session = new pages.Session({
    usuario_id: Number(body.getAttribute('data-usuario-id')), username: body.getAttribute('data-username'),
    rol: body.getAttribute('data-rol')
  }, body.getAttribute('data-expira'), null);
  var request = null;
  var again = null;              // what was asked for when the session had ended: from the first, or more
  var cursor = null;
  var download = new pages.Download({ box: dom.byId('progress'), gauge: dom.byId('gauge'), text: dom.byId('progress-text') });
  var filters = new pages.LogFilters(form, function () { load(true); });
  var table = new pages.LogTable(dom.byId('events'), dom.byId('f-tipo'));
  var banner = new pages.LogBanner(dom.byId('banner'));
  var version = new pages.Version(null, banner, function (restedMs) {
    return restedMs >= pages.Version.REST_MS && request === null && !download.running;
  });

  // This page has no stream that would tell.
  function look() {
    if (document.hidden) { return; }
    pages.http.get('/healthz', { estado: 'string', version: 'string' }, function (answer) {
      if (answer.status !== 200) { return; }
      banner.central(answer.body.sin_central_desde || null);
      version.take(answer.body.version);
    });
  }

  // ---- the table -----------------------------------------------------------------

  function show(answer, isFirst) {
    var i;
    if (isFirst) {
      table.clear();
      filters.show(answer.numeros);
    }
    for (i = 0; i < answer.eventos.length; i++) { table.add(answer.eventos[i], answer.descripciones[i], answer.numeros[i]); }
    cursor = answer.cursor;
    dom.byId('foot').hidden = false;   // where it stays
    more.hidden = !answer.hay_mas;
    dom.byId('none').hidden = answer.total > 0;
    dom.setText(dom.byId('count'), pages.fill(WORDS.events, { n: answer.total, events: wording.thousands(answer.total) }));
    dom.setText(dom.byId('head-id'), String(answer.cabeza_id));
    dom.setText(dom.byId('head-hash'), answer.cabeza_hash);
  }

  function fail(answer, isFirst) {
    var error = answer.body.error || {}, text;
    if (answer.status === 401) {
      again = isFirst;
      session.end();
      return;
    }
    text = filters.markWrong(error.campos);
    filters.show(null);
    problem.textContent = text || error.mensaje || WORDS.failed;
    if (isFirst) {               // what is there is the answer to other filters
      table.clear();
      dom.byId('none').hidden = true;
    }
    // In the place of the count: nothing moves from under a finger.
    problem.hidden = false;
    dom.byId('count').hidden = true;
  }

  function load(isFirst) {
    var sent = filters.query();
    if (request) { request.drop(); }
    problem.hidden = true;
    dom.byId('count').hidden = false;
    if (isFirst) {
      more.hidden = true;        // of the rows before
      download.forget();
      filters.markRight();
      filters.show(null);
      dom.setText(dom.byId('count'), WORDS.searching);
      dom.byId('proof').hidden = !sent;
      window.history.replaceState(null, '', window.location.pathname + '?' + sent);
    }
    request = pages.http.get(TABLE + '?' + sent + (isFirst ? '' : '&cursor=' + cursor), WANTED, function (answer) {
      request = null;
      if (answer.status === 200) { show(answer.body, isFirst); } else { fail(answer, isFirst); }
    }, SEARCH_MS);
  }

  // ---- downloads -----------------------------------------------------------------

  function follow(id, path) {
    dom.byId(id).addEventListener('click', function () {
      var sent = filters.query(), separator = dom.byId('separador').value;
      this.href = download.address(path, id === 'csv' ? (sent ? sent + '&' : '') + 'separador=' + separator : sent);
    });
  }

  dom.byId('download-button').onclick = function () {
    var box = dom.byId('downloads'), opens = box.hidden;
    box.hidden = !opens;
    this.setAttribute('aria-expanded', opens ? 'true' : 'false');
    dom.setText(dom.byId('download-text'), opens ? WORDS.closeDownload : WORDS.download);
  };

  // ---- the start -----------------------------------------------------------------

  session.notices = banner;
  session.onBack = function (early) {
    version.isBack = !early;
    look();
    if (again !== null) { load(again); }
    again = null;
  };

  form.addEventListener('submit', function (event) {
    event.preventDefault();
    load(true);
  });
  dom.byId('events').addEventListener('click', function (event) {
    var order = event.target.getAttribute('data-pedido');
    if (order) {
      filters.set({ pedido_id: order });
      load(true);
    }
  });
  more.addEventListener('click', function () { load(false); });
  follow('csv', TABLE + '.csv');
  follow('ndjson', TABLE + '.ndjson');

  pages.leave.bind(dom.byId('leave'));
  filters.fromAddress();
  load(true);
  look();
  window.setInterval(look, LOOK_MS);
}(window));
