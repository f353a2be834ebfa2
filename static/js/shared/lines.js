/* By these functions every page reads the lines of an order. They touch no
   DOM. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  function indexOf(items, id) {
    var i;
    for (i = 0; i < items.length; i++) {
      if (items[i].id === id) { return i; }
    }
    return -1;
  }

  function byId(items, id) {
    var index = indexOf(items || [], id);
    return index < 0 ? null : items[index];
  }

  function isReady(item) {
    return item.estado_item === 'listo' || item.estado_item === 'servido';
  }

  function amount(item, field) {
    return typeof item[field] === 'number' && item[field] > 0 ? item[field] : 0;
  }

  function rounded(number) {
    return Math.round(number * 1000) / 1000;
  }

  // How many of it are made, and need not be made again.
  function made(item) {
    return isReady(item) ? item.cantidad : Math.min(amount(item, 'cantidad_hecha'), item.cantidad);
  }

  // How many of it the kitchen is to make.
  function toMake(item) {
    return (item.estado_item || 'pendiente') === 'pendiente' ? rounded(Number(item.cantidad || 0) - made(item)) : 0;
  }

  // Whether there is something to make of an order: of one without lines that is not known.
  function isWork(pedido) {
    return !pedido.items.length || pedido.items.some(function (item) { return toMake(item) > 0; });
  }

  // How many of it were made at some time: also those that were sent back.
  function madeOnce(item) {
    return Math.max(made(item), Math.min(amount(item, 'cantidad_recuperada'), item.cantidad));
  }

  // How many of a ready line are to be carried: not those that the guest has.
  function toCarry(item) {
    return rounded(Math.max(0, item.cantidad - amount(item, 'cantidad_servida')));
  }

  // Which round an order or a line is in.
  function round(holder) {
    return typeof holder.ronda === 'number' && holder.ronda > 1 ? holder.ronda : 1;
  }

  // When the order came back to the kitchen last, for another round or to be made anew, as text; '' where it never did.
  function backAt(pedido) {
    var again = (round(pedido) > 1 && pedido.ronda_at) || '', recalled = pedido.recuperado_at || '';
    return (pages.clock.parse(recalled) || 0) > (pages.clock.parse(again) || 0) ? recalled : again;
  }

  // What is asked for; not how far it is. Text, to be compared.
  function content(item) {
    return JSON.stringify([item.id, item.producto_nombre, item.cantidad, item.notas || '', item.estado_item === 'cancelado', pages.parts.content(item)]);
  }

  pages.lines = {
    indexOf: indexOf, byId: byId, isReady: isReady, made: made, toMake: toMake, isWork: isWork, madeOnce: madeOnce, toCarry: toCarry,
    round: round, backAt: backAt, content: content
  };
}(window));
