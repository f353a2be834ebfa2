/* This draws one ticket of the kitchen board from a record of orders.js. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var create = dom.create;
  var states = pages.states;
  var plates = pages.plates;
  var STARTS = window.document.body.getAttribute('data-kitchen-start') !== 'false';
  var SHORT = 9;                 // so many letters of a sign stand in one line
  var WORDS = pages.kitchenWords;
  var BUTTONS = { entendido: WORDS.understood, listo: WORDS.ready, iniciar: WORDS.start };

  // ---- lines ------------------------------------------------------------------

  function times(number) {
    return create('span', 'line__qty num', [dom.text(String(number)), create('small', '', '×')]);
  }

  function fromTo(from, to) {
    return create('span', 'line__qty num', [
      create('span', 'line__old', String(from)),
      create('span', 'line__arrow', '→'),
      create('span', 'line__new', String(to))
    ]);
  }

  // "(6 hechas)" of what is pending, and why it was sent back where the ticket does not say so.
  function what(item, waiting, gone, said, out) {
    var made = gone || pages.lines.isReady(item) ? 0 : pages.lines.made(item);
    var again = !gone && item.estado_item === 'pendiente' && item.recuperado_razon !== said ? item.recuperado_razon : '', parts;
    var node = create('span', 'line__what', [
      create('span', 'line__name', item.producto_nombre || pages.words.dish),
      made ? create('b', 'line__made num', pages.fill(WORDS.made, { n: made })) : null,
      again ? create('span', 'line__again', [dom.icon('recall'), dom.text(again)]) : null,
      out ? create('b', 'line__out', WORDS.isOut) : null
    ]);
    if (item.notas) { plates.add(node, item.notas); }
    parts = plates.parts(item, 'line__parts');
    if (parts) { node.appendChild(parts); }
    if (waiting) { node.appendChild(create('span', 'line__wait', waiting)); }
    return node;
  }

  function sign(name) {
    return create('span', 'line__sign', [dom.icon(name)]);
  }

  // waiting: the name of the line's action that waits for the service, if one does. out: its dish has run out.
  // locked: it takes no tap, as what waits for the whole order decides on it.
  function lineNode(item, record, waiting, slow, out, locked) {
    var mark = record.marks[item.id], estado = record.pedido.estado;
    var done = waiting ? waiting === 'item_listo' : item.estado_item === 'listo' || item.estado_item === 'servido';
    var gone = estado === 'cancelado' || item.estado_item === 'cancelado';
    var kind = gone ? '' : (mark && mark.kind) || '';
    var tappable = (states.TO_COOK[estado] || record.changedReady) && !gone && item.estado_item !== 'servido';
    var node = create(tappable ? 'button' : 'div', 'line', [
      kind === 'added' ? sign('plus') : null,
      kind === 'notes' ? sign('swap') : null,
      kind === 'quantity' ? fromTo(mark.from, item.cantidad) : times(item.cantidad),
      what(item, slow ? pages.words.willBeSent : '', gone, record.recalled ? record.reason : '', out && !done && !gone),
      (done || tappable) && !gone ? create('span', 'line__tick', [slow || done ? dom.icon(slow ? 'clock' : 'check') : null]) : null
    ]);
    if (tappable) {
      node.type = 'button';
      node.setAttribute('aria-pressed', done ? 'true' : 'false');
    }
    if (slow) {
      node.className += ' is-waiting';
    }
    node.disabled = slow || locked;
    if (item.notas) { node.className += ' has-notes'; }
    if (gone) { node.className += ' line--gone'; }
    if (done && !gone) { node.className += ' is-done'; }
    if (kind === 'added') { node.className += ' line--added'; }
    if (kind === 'notes') { node.className += ' line--noted'; }
    if (kind === 'quantity') { node.className += ' line--changed'; }
    node.setAttribute('data-item-id', item.id);
    return node;
  }

  // With its note: of three burgers, it says which.
  function removedNode(item) {
    var node = create('div', 'line line--removed', [sign('minus'), times(item.cantidad), what(item, '')]);
    node.setAttribute('data-quitado-id', item.id);
    return node;
  }

  // ---- ticket -----------------------------------------------------------------

  // "Mesa 5 → 12", and that its lines have changed too.
  function moved(record) {
    var words = pages.places.move(record.movedFrom, pages.places.table(record.pedido));
    var lines = record.removed.length > 0 || Object.keys(record.marks).length > 0;
    return create('div', 'ticket__band ticket__band--move', [
      create('small', 'ticket__since num'), dom.icon('swap'),
      dom.text(words.word), create('s', '', pages.isolate(words.from)), dom.text(' → ' + pages.isolate(words.to) + (lines ? WORDS.alsoChanged : ''))
    ]);
  }

  function band(record) {
    var estado = record.pedido.estado;
    if (estado === 'cancelado') { return create('div', 'ticket__band', [dom.icon('cross'), dom.text(WORDS.cancelled)]); }
    if (record.changedReady) { return create('div', 'ticket__band', [dom.icon('check'), dom.text(WORDS.readyChanged)]); }
    if (estado === 'listo') { return create('div', 'ticket__band', [dom.icon('check'), dom.text(WORDS.ready)]); }
    if (record.changedAt !== null) {
      return record.movedFrom ? moved(record) : create('div', 'ticket__band', [
        dom.icon('swap'), dom.text(WORDS.changed), create('small', 'ticket__since num')
      ]);
    }
    if (record.recalled) { return create('div', 'ticket__band', [dom.icon('recall'), dom.text(WORDS.recalled)]); }
    if (inLaterRound(record)) {
      return create('div', 'ticket__band', [
        dom.icon('plus'), dom.text(pages.fill(WORDS.moreRound, { n: pages.lines.round(record.pedido) }))
      ]);
    }
    return null;
  }

  function inLaterRound(record) {
    return states.TO_COOK[record.pedido.estado] === true && pages.lines.round(record.pedido) > 1;
  }

  function title(pedido) {
    return pedido.tipo === 'domicilio' ? WORDS.delivery : pages.places.title(pedido) || pages.words.order;
  }

  function label(pedido) {
    var text = title(pedido), look = text.length > SHORT ? ' ticket__label--long' : '';
    if (pedido.tipo === 'domicilio') { look = ' ticket__label--caps'; }
    return create('h2', 'ticket__label' + look, [pedido.tipo === 'llevar' ? dom.icon('bag') : null, dom.text(pages.isolate(text))]);
  }

  function meta(pedido) {
    var number = '#' + (pedido.numero || pedido.id);
    var parts = pedido.tipo === 'domicilio' ? [dom.icon('bag')] : [];
    if (pedido.cliente_nombre) {
      parts.push(create('b', '', pages.isolate(pedido.cliente_nombre)), dom.text(' · '));
    }
    parts.push(dom.text(number));
    if (!pages.places.isToGo(pedido) && pedido.mesero) { parts.push(dom.text(' · ' + pages.isolate(pedido.mesero))); }
    return create('p', 'ticket__meta', parts);
  }

  function head(record) {
    return create('div', 'ticket__head', [
      create('div', 'ticket__age', [
        create('div', 'ticket__time num'),
        create('div', 'ticket__word')
      ]),
      create('div', 'ticket__who', [label(record.pedido), meta(record.pedido)])
    ]);
  }

  // What the guests have of an order that came back is one short line, unless it has changed or somebody unfolds it.
  function isAside(record, item) {
    return item.estado_item === 'servido' && states.TO_COOK[record.pedido.estado] === true && !record.unfolded &&
      !record.marks[item.id] && record.pedido.items.some(function (other) { return other.estado_item !== 'servido'; });
  }

  function aside(count) {
    return create('p', 'ticket__aside num', [
      dom.icon('check'), dom.text(pages.fill(WORDS.served, { n: count }))
    ]);
  }

  // button: beside the first line, or null.
  function lines(record, view, button) {
    var node = create('div', 'ticket__lines', [button]), items = record.pedido.items, served = 0, i, waiting;
    for (i = 0; i < items.length; i++) {
      if (isAside(record, items[i])) {
        served += items[i].cantidad;
        continue;
      }
      waiting = view.lines[items[i].id] || '';
      if (view.whole === 'listo' && items[i].estado_item !== 'cancelado') { waiting = waiting || 'item_listo'; }
      node.appendChild(lineNode(items[i], record, waiting, Boolean(view.slow && view.lines[items[i].id]), view.out.indexOf(items[i].id) >= 0, view.locked));
    }
    for (i = 0; i < record.removed.length; i++) { node.appendChild(removedNode(record.removed[i])); }
    if (served) { node.appendChild(aside(Math.round(served * 1000) / 1000)); }
    return node;
  }

  // The one big button: which it is, and how it looks.
  function kindOf(record) {
    var estado = record.pedido.estado;
    if (estado === 'cancelado') { return 'entendido'; }
    if (record.changedReady) { return 'entendido'; }
    if (estado === 'listo') { return 'deshacer'; }
    return estado === 'en_cocina' || !STARTS ? 'listo' : 'iniciar';
  }

  function button(record, view) {
    var kind = kindOf(record), looks = { entendido: 'inverse', deshacer: 'inverse', listo: 'primary', iniciar: 'start' };
    var node = dom.button('btn btn--kitchen btn--block ticket__do btn--' + looks[kind]);
    if (view.whole && view.slow) {
      node.className = 'btn btn--kitchen btn--block ticket__do is-waiting';
      node.appendChild(dom.icon('clock', 'icon--l'));
      node.appendChild(dom.text(' ' + pages.words.willBeSent));
    } else if (kind === 'deshacer') {
      node.appendChild(dom.icon('undo', 'icon--l'));
      node.appendChild(dom.text(' ' + pages.words.undo + ' '));
      node.appendChild(create('span', 'ticket__left num'));
    } else {
      node.appendChild(dom.text(BUTTONS[kind]));
    }
    if (view.key && !(view.whole && view.slow)) {
      node.appendChild(create('span', 'ticket__key num', view.key));
      node.lastChild.setAttribute('aria-hidden', 'true');
    }
    node.disabled = Boolean(view.whole);
    return create('div', 'ticket__foot', [node]);
  }

  function className(record) {
    var estado = record.pedido.estado, name = 'ticket';
    if (estado === 'cancelado') { return name + ' ticket--cancelled'; }
    if (record.changedReady) { return name + ' ticket--changed ticket--ready'; }
    if (estado === 'listo') { return name + ' ticket--done'; }
    if (record.changedAt !== null) { return name + ' ticket--changed'; }
    if (record.recalled) { return name + ' ticket--recalled'; }
    return name + (record.fresh ? ' ticket--new' : '') + (inLaterRound(record) ? ' ticket--more' : '');
  }

  // view: what waits ({whole, lines, slow, locked}), `out` (ids of lines whose dish has run out), `said` (words on the ticket), `key`
  // (its number on the keyboard, or ''), `selected`, `compact` (A-: the button stands beside the first line).
  function draw(record, view) {
    var pedido = record.pedido, node = create('article', className(record) + (view.selected ? ' is-selected' : ''));
    var showReason = record.reason && (pedido.estado === 'cancelado' || record.recalled);
    var children = [
      band(record),
      head(record),
      showReason ? create('p', 'ticket__reason', record.reason) : null,
      !pedido.items.length && pedido.estado !== 'cancelado' ?
        create('p', 'ticket__reason', pages.words.noDetail) : null
    ], i, notes;
    for (i = 0; i < children.length; i++) {
      if (children[i]) { node.appendChild(children[i]); }
    }
    if (pedido.notas) {
      notes = create('div', 'ticket__notes');
      plates.add(notes, pedido.notas);
      node.appendChild(notes);
    }
    node.appendChild(lines(record, view, view.compact ? button(record, view) : null));
    if (view.said) {
      node.appendChild(create('p', 'ticket__said', [dom.icon('warning'), dom.text(view.said)]));
      node.lastChild.setAttribute('role', 'status');
    }
    if (!view.compact) { node.appendChild(button(record, view)); }
    node.setAttribute('data-pedido-id', record.id);
    node.setAttribute('data-estado', pedido.estado);
    return node;
  }

  // ---- what changes with every second --------------------------------------------

  // A cancelled or finished ticket's clock stands still.
  function ageOf(record, now) {
    if (record.pedido.estado === 'cancelado') { return (record.cancelledAt || now) - record.start; }
    if (record.changedReady) { return now - (record.doneAt || record.start); }
    if (record.pedido.estado === 'listo') { return (record.doneAt || now) - record.start; }
    return now - record.start;
  }

  function edadOf(record, ageMs, limits) {
    if (!states.TO_COOK[record.pedido.estado]) { return 'normal'; }
    if (ageMs >= limits.lateMs) { return 'tarde'; }
    return ageMs >= limits.warnMs ? 'aviso' : 'normal';
  }

  function setWord(node, edad, fresh) {
    var name = edad === 'tarde' ? 'warning' : edad === 'aviso' ? 'clock' : 'bell';
    var word = edad === 'tarde' ? WORDS.late : edad === 'aviso' ? WORDS.warn : fresh ? WORDS.isNew : '';
    if (node.textContent === word) { return; }
    dom.empty(node);
    if (word) {
      node.appendChild(dom.icon(name));
      node.appendChild(dom.text(word));
    }
  }

  // parts: the nodes of the ticket, of which the last has its button. left: seconds to undo.
  function tick(parts, record, now, limits, left) {
    var node = parts[0], undo = parts[parts.length - 1].querySelector('.ticket__left'), i;
    var ageMs = ageOf(record, now), edad = edadOf(record, ageMs, limits);
    var since = node.querySelector('.ticket__since');
    var time = node.querySelector('.ticket__time');
    dom.setText(time, pages.clock.age(ageMs));
    setWord(node.querySelector('.ticket__word'), edad, record.fresh);
    for (i = 0; i < parts.length; i++) {
      if (parts[i].getAttribute('data-edad') !== edad) { parts[i].setAttribute('data-edad', edad); }
    }
    if (since && record.changedAt !== null) { dom.setText(since, pages.clock.ago(now - record.changedAt)); }
    if (undo) { dom.setText(undo, pages.fill(WORDS.secondsLeft, { n: left })); }
    return edad;
  }

  pages.tickets = { draw: draw, tick: tick, title: title, kindOf: kindOf };
}(window));
