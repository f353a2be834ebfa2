/* These draw the parts of the order sheet: its head, a line, and what has
   happened. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var lines = pages.lines;
  var states = pages.states;
  var wording = pages.wording;
  var clock = pages.clock;
  var UNCOLLECTED_MS = 120000;   // as on the waiter's page
  var WORDS = pages.sheetWords;

  // A dish's note, what it is made of and what is changed on it, on the kitchen's plates.
  function addDetails(parent, item) {
    var parts = pages.plates.parts(item, 'parts'), plates;
    if (item.notas) {
      plates = dom.create('span', 'oline__plates');
      pages.plates.add(plates, item.notas);
      parent.appendChild(plates);
    }
    if (parts) { parent.appendChild(parts); }
  }

  // ---- head ------------------------------------------------------------------------

  // {edad, ms, word} of what somebody waits for; null of what is over.
  function ageOf(pedido, now, limits) {
    var at = clock.parse(states.TO_COOK[pedido.estado] ? pages.timeline.sentAt(pedido) : pedido.estado === 'listo' ?
      pedido.listo_at : pedido.servido_at) || clock.parse(pedido.timestamp), ms = now - at;
    if (!states.OPEN[pedido.estado] || at === null) { return null; }
    if (states.TO_COOK[pedido.estado]) {
      return ms >= limits.lateMs ? { edad: 'tarde', ms: ms, word: WORDS.late } : { edad: ms >= limits.warnMs ? 'aviso' : 'normal', ms: ms, word: '' };
    }
    return pedido.estado === 'listo' && ms >= UNCOLLECTED_MS ? { edad: 'tarde', ms: ms, word: WORDS.uncollected } : { edad: 'normal', ms: ms, word: '' };
  }

  // "2 de 4 platos listos"
  function madeOf(pedido) {
    var all = 0, made = 0;
    pedido.items.forEach(function (item) {
      if (item.estado_item === 'cancelado') { return; }
      all += item.cantidad;
      made += lines.made(item);
    });
    return states.TO_COOK[pedido.estado] && made ? pages.fill(WORDS.made, { made: made, n: all }) : '';
  }

  function meta(pedido) {
    var rest = [pages.isolate(wording.attendant(pedido)), madeOf(pedido), pedido.pagado_at && pedido.estado !== 'pagado' ? WORDS.paid : ''].filter(Boolean).join(' · ');
    return dom.create('p', 'osheet__meta', [
      dom.text(pages.fill(WORDS.order, { number: wording.number(pedido) }) + ' · '), dom.create('b', '', WORDS.states[pedido.estado]), dom.text(rest ? ' · ' + rest : '')
    ]);
  }

  function head(pedido) {
    var goes = pages.places.goesTo(pedido), notes = pedido.notas ? dom.create('div', 'osheet__notes') : null, node;
    if (notes) { pages.plates.add(notes, pedido.notas); }
    node = dom.create('div', 'osheet__top', [
      dom.create('span', 'osheet__age', [dom.create('span', 'age num', [dom.create('span', 'age__icon'), dom.create('span', 'age__text')])]),
      dom.create('h2', 'osheet__label', wording.label(pedido)),
      meta(pedido),
      pedido.razon && pedido.estado === 'cancelado' ? dom.create('p', 'osheet__reason', pedido.razon) : null,
      goes.length ? dom.create('p', 'osheet__goes', goes.join(' · ')) : null,
      notes
    ]);
    node.setAttribute('data-edad', 'normal');
    return node;
  }

  // The age moves each second, in its place.
  function tickHead(node, age) {
    var icon = node.querySelector('.age__icon'), text = node.querySelector('.age__text'), edad = age ? age.edad : 'normal';
    dom.setText(text, age ? clock.minutes(age.ms) + (age.word ? ' ' + age.word : '') : '');
    if (node.getAttribute('data-edad') === edad && (edad === 'normal' || icon.firstChild)) { return; }
    node.setAttribute('data-edad', edad);
    dom.empty(icon);
    if (edad !== 'normal') { icon.appendChild(dom.icon(edad === 'tarde' ? 'warning' : 'clock')); }
  }

  // ---- lines -----------------------------------------------------------------------

  // {look, icon, words, since}: where a line is; `since` in ms, of what the age follows, else null.
  function stateOf(pedido, item, readyAt) {
    var made = lines.made(item), again = item.recuperado_razon, words;
    function said(look, icon, text, since) { return { look: look, icon: icon, words: text, since: since || null }; }
    if (pedido.estado === 'cancelado' || item.estado_item === 'cancelado') { return said('', 'cross', WORDS.lineCancelled); }
    if (item.estado_item === 'servido') { return said('ok', 'check', WORDS.lineServed); }
    if (item.estado_item === 'listo') {
      return said('ok', 'check', readyAt ? pages.fill(WORDS.lineReadyAt, { time: clock.timeOf(readyAt) }) : WORDS.lineReady);
    }
    if (pedido.estado === 'en_cocina' && !made) {
      words = again ? pages.fill(WORDS.cookingAgain, { reason: again }) : WORDS.lineCooking;
      return said('cook', 'clock', words, clock.parse(lines.backAt(pedido) || pedido.cocina_at) || clock.parse(pedido.timestamp));
    }
    words = made ? pages.fill(WORDS.lineMade, { n: made, left: lines.toMake(item) }) :
      pedido.estado === 'pendiente_pago' ? WORDS.lineUnpaid : WORDS.lineWaits;
    return said(made ? 'cook' : '', 'clock', again ? pages.fill(WORDS.sentBack, { state: words, reason: again }) : words);
  }

  // marks: {gone: it is on its way out, out: the dish has run out, editable, open, readyAt}
  function line(pedido, item, marks) {
    var state = stateOf(pedido, item, marks.readyAt), what = dom.create('span', 'oline__what'), node, age = null;
    what.appendChild(dom.create('span', 'oline__name', item.producto_nombre || pages.words.dish));
    addDetails(what, item);
    if (state.since !== null) { age = dom.create('span', 'oline__age'); }
    what.appendChild(dom.create('span', 'oline__state' + (state.look ? ' oline__state--' + state.look : ''), [
      dom.icon(state.icon), dom.text(state.words), age
    ]));
    if (marks.out) { what.appendChild(dom.create('span', 'chip chip--sq chip--late', WORDS.isOut)); }
    if (marks.editable) { what.appendChild(dom.create('span', 'oline__hint', marks.open ? WORDS.close : WORDS.change)); }
    node = dom.create(marks.editable ? 'button' : 'div', 'oline' +
      (marks.gone || item.estado_item === 'cancelado' ? ' is-gone' : ''), [
      dom.create('span', 'oline__qty num', item.cantidad + '×'), what,
      dom.create('span', 'oline__price num', wording.money(item.subtotal))
    ]);
    if (marks.editable) {
      node.type = 'button';
      node.setAttribute('aria-expanded', marks.open ? 'true' : 'false');
    }
    return node;
  }

  function sinceOf(pedido, item) {
    return stateOf(pedido, item, '').since;
  }

  // ---- what has happened -----------------------------------------------------------

  function happened(row) {
    return dom.create('li', row.next ? 'is-next' : '', [
      dom.create('i', 'tl__dot' + (row.next ? ' tl__dot--next' : row.ok ? ' tl__dot--ok' : '')),
      dom.create('span', 'tl__what', [
        dom.create(row.next ? 'span' : 'b', '', row.strong), dom.text(row.rest + (row.who ? ' · ' + pages.isolate(row.who) : ''))
      ]),
      dom.create('span', 'tl__time num', row.at ? clock.secondOf(row.at) : '')
    ]);
  }

  pages.sheetDrawing = {
    ageOf: ageOf, head: head, tickHead: tickHead, line: line, sinceOf: sinceOf, happened: happened, addDetails: addDetails
  };
}(window));
