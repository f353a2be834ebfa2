/* From here the pages have their words for money, for orders, and for why
   something was refused. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var WORDS = pages.words;
  var TOO_LATE = WORDS.refused;  // where an order that has gone on refuses what was asked, by its state
  // A change of a line is refused for good once the order is paid or over.
  var EDITS = { agregar_item: true, quitar_item: true, cambiar_cantidad: true, cambiar_notas: true };
  var OVER = { cancelado: WORDS.cancelled, cerrado: WORDS.closed };

  // $6,826.25
  function money(amount) {
    return typeof amount === 'number' ? '$' + amount.toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ',') : WORDS.noPrice;
  }

  // known: whether each amount of it was.
  function sum(amount, known) {
    return known ? money(amount) : pages.fill(WORDS.atLeast, { sum: money(amount) });
  }

  // 1,204
  function thousands(count) {
    return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
  }

  // 12, 0.5: without what a sum of floats leaves behind.
  function quantity(value) {
    return String(Math.round(value * 1000) / 1000);
  }

  function number(pedido) {
    return '#' + (pedido.numero || pedido.id);
  }

  // "#C12 (Mesa 5)": a number alone sends nobody to a table.
  function named(pedido) {
    var whom = pages.places.label(pedido);
    return number(pedido) + (whom === pages.fill(WORDS.orderNumber, { number: number(pedido) }) ? '' : ' (' + whom + ')');
  }

  // Who attends the order, by name, or ''.
  function attendant(pedido) {
    return (pedido.atiende && pedido.atiende.username) || pedido.mesero || '';
  }

  function count(many, one, more) {
    return many + ' ' + (many === 1 ? one : more);
  }

  // "2× Pupusa de queso"
  function line(item) {
    return item.cantidad + '× ' + pages.isolate(item.producto_nombre || WORDS.dish);
  }

  function fields(campos) {
    var list = [], name;
    for (name in campos) {
      if (campos.hasOwnProperty(name)) { list.push(campos[name]); }
    }
    return list.join('; ');
  }

  // A refused version tells of the order as it is now, a refused state of that state alone.
  function editRefusal(error, accion) {
    var over = OVER[error.pedido ? error.pedido.estado : error.estado];
    if (over) { return over; }
    if (error.pedido) { return error.pedido.pagado_at ? WORDS.alreadyPaid : ''; }
    if (error.codigo === 'transicion_invalida') { return accion === 'quitar_item' ? WORDS.onlyDish : WORDS.alreadyPaid; }
    return error.campos && error.campos.item_id ? WORDS.dishGone : '';
  }

  // What stands after "Mesa 5: ".
  function refusal(error, accion) {
    var known = TOO_LATE[accion];
    if (accion === 'deshacer' && (error.codigo === 'transicion_invalida' || error.codigo === 'rol_no_permitido')) {
      return error.estado === 'en_cocina' ? WORDS.beingMade : WORDS.tooLateToUndo;
    }
    if (error.codigo === 'transicion_invalida' && known && known[error.estado]) { return known[error.estado]; }
    if (EDITS[accion] && editRefusal(error, accion)) { return editRefusal(error, accion); }
    if (error.codigo === 'rol_no_permitido' && accion === 'cancelar') { return WORDS.askToCancel; }
    if (error.codigo === 'rol_no_permitido' && EDITS[accion]) { return WORDS.askToTakeOff; }
    if (error.codigo === 'version_obsoleta') { return WORDS.changedMeanwhile; }
    if (accion === 'cambiar_mesa' && error.campos) { return fields(error.campos); }
    return (error.mensaje || WORDS.notAccepted) + (error.campos ? ' (' + fields(error.campos) + ')' : '');
  }

  pages.wording = {
    thousands: thousands, quantity: quantity, money: money, sum: sum, number: number, label: pages.places.label, named: named, attendant: attendant,
    count: count, line: line, refusal: refusal
  };
}(window));
