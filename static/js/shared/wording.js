/* From here the pages have their words for money, for orders, and for why
   something was refused. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  // Where an order that has gone on refuses what was asked, by its state.
  var TOO_LATE = {
    servir: {
      servido: 'ya se entregó',
      cerrado: 'ya se entregó y se cerró',
      en_cocina: 'volvió a cocina',
      cancelado: 'se canceló'
    },
    cobrar: {
      pagado: 'ya se cobró en otra caja',
      en_cocina: 'ya se cobró en otra caja o volvió a cocina',
      listo: 'ya se cobró en otra caja',
      servido: 'ya se cobró en otra caja',
      cerrado: 'ya se cobró en otra caja',
      cancelado: 'se canceló'
    },
    cancelar: {
      en_cocina: 'ya se está cocinando: pida al encargado que lo cancele',
      listo: 'ya está listo: pida al encargado que lo cancele',
      pagado: 'ya está pagado: se cancela en caja',
      cancelado: 'ya estaba cancelado'
    }
  };

  // A change of a line is refused for good once the order is paid or over.
  var EDITS = { agregar_item: true, quitar_item: true, cambiar_cantidad: true, cambiar_notas: true };
  var PAID = 'ya está pagado: lo demás va en otro pedido';
  var OVER = { cancelado: 'se canceló', cerrado: 'ya se cerró' };

  function money(amount) {
    return typeof amount === 'number' ? '$' + amount.toFixed(2) : '$ —';
  }

  // 1,204
  function thousands(count) {
    return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
  }

  function number(pedido) {
    return '#' + (pedido.numero || pedido.id);
  }

  // "#C12 (Mesa 5)": a number alone sends nobody to a table.
  function named(pedido) {
    var whom = pages.places.label(pedido);
    return number(pedido) + (whom === 'Pedido ' + number(pedido) ? '' : ' (' + whom + ')');
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
    return item.cantidad + '× ' + (item.producto_nombre || 'Producto');
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
    if (error.pedido) { return error.pedido.pagado_at ? PAID : ''; }
    if (error.codigo === 'transicion_invalida') { return accion === 'quitar_item' ? 'es su único plato, o ya está pagado' : PAID; }
    return error.campos && error.campos.item_id ? 'ese plato ya no está en el pedido' : '';
  }

  // What stands after "Mesa 5: ".
  function refusal(error, accion) {
    var known = TOO_LATE[accion];
    if (accion === 'deshacer' && (error.codigo === 'transicion_invalida' || error.codigo === 'rol_no_permitido')) {
      return error.estado === 'en_cocina' ? 'ya se está preparando, no se puede deshacer' : 'ya no se puede deshacer';
    }
    if (error.codigo === 'transicion_invalida' && known && known[error.estado]) { return known[error.estado]; }
    if (EDITS[accion] && editRefusal(error, accion)) { return editRefusal(error, accion); }
    if (error.codigo === 'rol_no_permitido' && accion === 'cancelar') { return 'ya no se puede cancelar aquí: pida al encargado'; }
    if (error.codigo === 'rol_no_permitido' && EDITS[accion]) { return 'ya se hizo: pida en caja o al encargado que lo quite'; }
    if (error.codigo === 'version_obsoleta') { return 'cambió mientras tanto: revise y toque de nuevo'; }
    if (accion === 'cambiar_mesa' && error.campos) { return fields(error.campos); }
    return (error.mensaje || 'no se aceptó') + (error.campos ? ' (' + fields(error.campos) + ')' : '');
  }

  pages.wording = {
    thousands: thousands, money: money, number: number, label: pages.places.label, named: named, attendant: attendant, count: count, line: line, refusal: refusal
  };
}(window));
