/* This is the log's page: what passes the filters, newest first, and how many
   that is. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var wording = pages.wording;
  var WORDS = pages.logWords;
  var document = window.document;
  var TABLE = '/api/notificaciones/eventos';
  var WANTED = { eventos: 'list', descripciones: 'array', numeros: 'array', total: 'number', cabeza_hash: 'string' };
  var DAY_MS = 24 * 3600000;
  var SEARCH_MS = 120000;        // a word in a log of years takes its time
  var CHIPS = {
    pedido_listo: 'chip--ok', item_modificado: 'chip--accent', cambio_mesa: 'chip--accent', pedido_cancelado: 'chip--late-soft',
    alerta_stock: 'chip--warn', sin_acuse: 'chip--late-soft', sin_pantalla: 'chip--late-soft'
  };

  var form = dom.byId('filters');
  var list = dom.byId('events');
  var more = dom.byId('more');
  var problem = dom.byId('problem');
  var request = null;
  var cursor = null;
  var download = new pages.Download({ box: dom.byId('progress'), gauge: dom.byId('gauge'), text: dom.byId('progress-text') });

  function fields() {
    return Array.prototype.filter.call(form.elements, function (input) { return input.name; });
  }

  function query() {
    return fields().filter(function (input) { return input.value; }).map(function (input) {
      return input.name + '=' + encodeURIComponent(input.value);
    }).join('&');
  }

  function set(values) {
    fields().forEach(function (input) {
      if (values.hasOwnProperty(input.name)) { input.value = values[input.name]; }
    });
  }

  // ---- presets -------------------------------------------------------------------

  function dayBefore(day, count) {
    return new Date(Date.parse(day + 'T00:00:00Z') - count * DAY_MS).toISOString().slice(0, 10);
  }

  function period(name) {
    var today = clock.businessDay(), values = { dia: '', desde: '', hasta: '' };
    if (name === 'hoy') { values.dia = today; }
    if (name === 'ayer') { values.dia = dayBefore(today, 1); }
    if (name === 'semana') { values.desde = dayBefore(today, 6); }
    if (name === 'mes') { values.desde = today.slice(0, 8) + '01'; }
    return values;
  }

  function showPreset() {
    Array.prototype.forEach.call(document.querySelectorAll('[data-preset]'), function (button) {
      var values = period(button.getAttribute('data-preset')), is = form.elements.dia.value === values.dia &&
        form.elements.desde.value === values.desde && form.elements.hasta.value === values.hasta;
      button.className = 'btn btn--secondary btn--touch' + (is ? ' is-on' : '');
      button.setAttribute('aria-pressed', is ? 'true' : 'false');
    });
  }

  // ---- the table -----------------------------------------------------------------

  function who(actor) {
    return [actor.username, actor.rol === 'manager' ? WORDS.manager : actor.rol].filter(Boolean).join(' · ');
  }

  // Of a damaged row the service knows little.
  function typeWord(tipo) {
    var option = form.elements.tipo.querySelector('option[value="' + tipo + '"]');
    return option ? option.textContent : tipo || '?';
  }

  // People know an order by its number; the filter, by its id.
  function orderLink(evento, number) {
    var node = dom.button('events__link num', '#' + number);
    node.title = WORDS.onlyThis;
    node.setAttribute('data-pedido', evento.pedido_id);
    return node;
  }

  function row(evento, said, number) {
    var at = String(evento.timestamp || '');
    return dom.create('tr', '', [
      dom.create('td', 'num', at.slice(0, 10) + ' ' + at.slice(11, 23)),
      dom.create('td', '', [dom.create('span', 'chip chip--sq ' + (CHIPS[evento.tipo] || ''), typeWord(evento.tipo))]),
      dom.create('td', '', evento.pedido_id ? [orderLink(evento, number)] : ''),
      dom.create('td', '', said),
      dom.create('td', 'muted', who(evento.actor || {}))
    ]);
  }

  function show(answer, isFirst) {
    var i;
    if (isFirst) { dom.empty(list); }
    for (i = 0; i < answer.eventos.length; i++) {
      list.appendChild(row(answer.eventos[i], answer.descripciones[i], answer.numeros[i]));
    }
    cursor = answer.cursor;
    more.hidden = !answer.hay_mas;
    dom.byId('none').hidden = answer.total > 0;
    dom.setText(dom.byId('count'), pages.fill(WORDS.events, { n: answer.total, events: wording.thousands(answer.total) }));
    dom.setText(dom.byId('head-id'), String(answer.cabeza_id));
    dom.setText(dom.byId('head-hash'), answer.cabeza_hash);
  }

  function label(name) {
    var node = form.querySelector('label[for="f-' + name + '"]');
    return node ? node.textContent : name;
  }

  function fail(answer, isFirst) {
    var error = answer.body.error || {}, text;
    if (answer.status === 401) {
      window.location.assign('/login?next=' + encodeURIComponent(window.location.pathname + window.location.search));
      return;
    }
    text = Object.keys(error.campos || {}).map(function (name) {
      if (form.elements[name]) { form.elements[name].className = 'input is-wrong'; }
      return label(name) + ': ' + error.campos[name];
    }).join('. ');
    problem.textContent = text || error.mensaje || WORDS.failed;
    if (isFirst) {               // what is there is the answer to other filters
      dom.empty(list);
      dom.byId('none').hidden = true;
    }
    // In the place of the count: nothing moves from under a finger.
    problem.hidden = false;
    dom.byId('count').hidden = true;
  }

  function load(isFirst) {
    var sent = query();
    if (request) { request.drop(); }
    problem.hidden = true;
    dom.byId('count').hidden = false;
    if (isFirst) {
      more.hidden = true;        // of the rows before
      download.forget();
      fields().forEach(function (input) { input.className = input.className.replace(' is-wrong', ''); });
      dom.setText(dom.byId('count'), WORDS.searching);
      showPreset();
      dom.byId('proof').hidden = !sent;
      window.history.replaceState(null, '', window.location.pathname + '?' + sent);
    }
    request = pages.http.get(TABLE + '?' + sent + (isFirst ? '' : '&cursor=' + cursor), WANTED, function (answer) {
      request = null;
      if (answer.status === 200) { show(answer.body, isFirst); } else { fail(answer, isFirst); }
    }, SEARCH_MS);
  }

  // ---- the start -----------------------------------------------------------------

  function fromAddress() {
    var values = {}, sent = window.location.search.slice(1);
    if (!sent) { return period('hoy'); }
    sent.split('&').forEach(function (pair) {
      var parts = pair.split('=');
      try { values[parts[0]] = decodeURIComponent((parts[1] || '').replace(/\+/g, ' ')); } catch (ignore) { /* not ours */ }
    });
    return values;
  }

  function follow(id, path) {
    dom.byId(id).addEventListener('click', function () {
      var sent = query(), separator = dom.byId('separador').value;
      this.href = download.address(path, id === 'csv' ? (sent ? sent + '&' : '') + 'separador=' + separator : sent);
    });
  }

  form.addEventListener('submit', function (event) {
    event.preventDefault();
    load(true);
  });
  form.addEventListener('change', function () { load(true); });
  form.addEventListener('click', function (event) {
    var preset = event.target.getAttribute('data-preset');
    if (preset) { set(period(preset)); load(true); }
  });
  // A day of business and a period do not go together.
  form.elements.dia.addEventListener('change', function () { if (this.value) { set({ desde: '', hasta: '' }); } });
  ['desde', 'hasta'].forEach(function (name) {
    form.elements[name].addEventListener('change', function () { if (this.value) { set({ dia: '' }); } });
  });
  list.addEventListener('click', function (event) {
    var order = event.target.getAttribute('data-pedido');
    if (order) { set({ pedido_id: order }); load(true); }
  });
  more.addEventListener('click', function () { load(false); });
  follow('csv', TABLE + '.csv');
  follow('ndjson', TABLE + '.ndjson');

  clock.setFromPage();
  set(fromAddress());
  load(true);
}(window));
