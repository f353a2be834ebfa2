/* These tell of an order that came back to the kitchen what it came for. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // A recall is over once the table orders another round.
  function isRecalled(record, pedido) {
    if (pedido.estado !== 'en_cocina') { return false; }
    return pedido.recuperado_at ? pages.lines.backAt(pedido) === pedido.recuperado_at : record.recalled;
  }

  // The lines of another round are told with the event that brought the order back.
  function isOf(record, evento) {
    return pages.lines.round(record.pedido) > 1 && evento.timestamp === record.pedido.ronda_at;
  }

  // Another round that no kitchen screen has acknowledged.
  function isUnseen(pedido) {
    return pedido.estado === 'en_cocina' && pages.lines.round(pedido) > 1 && !pedido.visto_at;
  }

  // An order of which nothing is known but this change to a line.
  function stub(evento) {
    return {
      id: evento.pedido_id, estado: 'en_mesa', tipo: evento.tipo_servicio || 'mesa', timestamp: evento.timestamp,
      mesa_numero: typeof evento.mesa_numero === 'number' ? evento.mesa_numero : null, cliente_nombre: evento.cliente_nombre, mesero: evento.mesero,
      items: evento.item ? [evento.item] : []
    };
  }

  pages.rounds = { isRecalled: isRecalled, isOf: isOf, isUnseen: isUnseen, stub: stub };
}(window));
