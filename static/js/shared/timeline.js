/* From an order's events this tells what has happened to it: what, who and
   when; and what has not happened yet. It touches no DOM. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var lines = pages.lines;
  var WORDS = pages.sheetWords;
  var METHODS = { efectivo: true, tarjeta: true };

  // strong: what happened; rest: the words after it.
  function told(strong, rest, ok) {
    return { strong: strong, rest: rest || '', ok: ok === true };
  }

  function reasonOf(evento) {
    return evento.razon ? ', ' + pages.isolate(evento.razon) : '';
  }

  // "2 Horchata"
  function dish(cambios, quantity) {
    return (quantity ? quantity + ' ' : '') + pages.isolate(cambios.producto_nombre || WORDS.aDish);
  }

  function backToKitchen(evento) {
    var ids = evento.items_pendientes_ids, all = (evento.pedido && evento.pedido.items) || [];
    var names = !ids ? [] : all.filter(function (item) { return ids.indexOf(item.id) >= 0; }).map(function (item) {
      return item.cantidad + ' ' + pages.isolate(item.producto_nombre || WORDS.aDish);
    });
    return told(WORDS.wentBack, (names.length ? ': ' + names.join(', ') : '') + reasonOf(evento));
  }

  function ofState(evento) {
    var anew = evento.estado !== evento.estado_anterior;
    if (evento.deshecho) { return told(WORDS.undone, evento.deshace ? ': ' + (WORDS.takenBack[evento.deshace] || evento.deshace) : ''); }
    if (evento.atiende) { return told(pages.fill(WORDS.attended, { who: evento.atiende.username })); }
    if (evento.recuperado) { return backToKitchen(evento); }
    if (evento.ronda) { return told(pages.fill(WORDS.round, { n: evento.ronda })); }
    if (evento.metodo_pago || (anew && evento.estado === 'pagado')) {
      return told(WORDS.charged, METHODS[evento.metodo_pago] ? ', ' + evento.metodo_pago : '', true);
    }
    if (!anew || !WORDS.told[evento.estado]) { return null; }
    return told(WORDS.told[evento.estado], evento.estado === 'cancelado' ? reasonOf(evento) : '', evento.estado === 'listo');
  }

  function ofLine(evento) {
    var cambios = evento.cambios || {};
    switch (cambios.tipo_cambio) {
    case 'item_agregado': return told(WORDS.added, ': ' + dish(cambios, cambios.cantidad_nueva));
    case 'item_removido': return told(WORDS.removed, ': ' + dish(cambios, cambios.cantidad_anterior) + reasonOf(evento));
    case 'cantidad_modificada':
      return told(WORDS.changed, ': ' + cambios.cantidad_anterior + ' → ' + cambios.cantidad_nueva + ' ' + dish(cambios) + reasonOf(evento));
    case 'notas_modificadas': return told(WORDS.note, ': ' + dish(cambios) + ', ' + pages.isolate(cambios.notas_nueva || WORDS.noNote));
    case 'item_listo': return told(WORDS.told.listo, ', ' + dish(cambios), true);
    case 'item_pendiente': return told(WORDS.notReady, ': ' + dish(cambios));
    default: return null;
    }
  }

  // What the event says, or null. before: the event before it.
  function tell(evento, before) {
    switch (evento.tipo) {
    case 'nuevo_pedido':
      return told(evento.liberado ? WORDS.released : evento.pedido && evento.pedido.estado === 'pendiente_pago' ? WORDS.noted : WORDS.sent);
    case 'acuse_recibo': return told(evento.entendido ? WORDS.understood : WORDS.seen);
    case 'pedido_cancelado': return told(WORDS.told.cancelado, reasonOf(evento));
    case 'cambio_estado': return ofState(evento);
    case 'item_modificado': return ofLine(evento);
    case 'pedido_listo':
      // The second half of what a screen said; a POS may say this alone.
      if (before && (before.estado === 'listo' || (before.cambios && before.cambios.tipo_cambio === 'item_listo'))) { return null; }
      return told(WORDS.told.listo, evento.parcial ? ', ' + (evento.items_listos || []).map(pages.isolate).join(', ') : '', true);
    default: return null;
    }
  }

  // "Mesa 5 → 7", whichever event says it.
  function moved(evento) {
    var from = evento.mesa_anterior ? pages.places.called(evento.mesa_anterior) : '', to = pages.places.table(evento);
    return from && to && from !== to ? told(pages.places.moveText(from, to)) : null;
  }

  function next(pedido) {
    var list = [], open = pages.states.OPEN[pedido.estado] === true;
    function add(strong) { list.push({ strong: strong, rest: '', who: '', at: '', ok: false, next: true }); }
    if (!open) { return list; }
    if (pedido.estado === 'pendiente_pago') { add(WORDS.charged); }
    if (!pages.states.COOKED[pedido.estado]) { add(WORDS.told.listo); }
    if (pedido.estado !== 'servido') { add(WORDS.told.servido); }
    if (!pedido.pagado_at && pedido.estado !== 'pendiente_pago') { add(WORDS.charged); }
    return list;
  }

  // [{strong, rest, who, at (as on the wire), ok, next}], the oldest first; `next`: it has not happened.
  function rows(pedido, events) {
    var list = [], before = null;
    function add(said, evento) {
      if (!said || (said.strong === WORDS.seen && list.length && list[list.length - 1].strong === WORDS.seen)) { return; }
      said.who = (evento.actor && evento.actor.username) || '';
      said.at = evento.timestamp;
      said.next = false;
      list.push(said);
    }
    events.forEach(function (evento) {
      add(moved(evento), evento);
      add(tell(evento, before), evento);
      before = evento;
    });
    return list.concat(next(pedido));
  }

  function holds(ids, id) { return ids instanceof Array && ids.indexOf(id) >= 0; }

  // When the line became ready, as on the wire; '' where the events do not say.
  function readyAt(events, id) {
    var at = '';
    events.forEach(function (evento) {
      var kind = evento.item_id === id && evento.cambios ? evento.cambios.tipo_cambio : '';
      if (kind === 'item_pendiente' || holds(evento.items_pendientes_ids, id)) { at = ''; }
      if (!at && (kind === 'item_listo' || (evento.tipo === 'pedido_listo' && holds(evento.items_listos_ids, id)))) {
        at = evento.timestamp;
      }
    });
    return at;
  }

  // Since when the kitchen has had what it is to make: a takeaway that is paid in advance, with its payment; another
  // round, when it was ordered.
  function sentAt(pedido) {
    if (lines.round(pedido) > 1) { return pedido.ronda_at; }
    return pedido.tipo_pago === 'anticipado' && pedido.pagado_at ? pedido.pagado_at : pedido.timestamp;
  }

  pages.timeline = { rows: rows, readyAt: readyAt, sentAt: sentAt };
}(window));
