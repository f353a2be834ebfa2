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

  // What is asked for; not how far it is. Text, to be compared.
  function content(item) {
    return JSON.stringify([item.id, item.producto_nombre, item.cantidad, item.notas || '', item.estado_item === 'cancelado', pages.parts.content(item)]);
  }

  pages.lines = { indexOf: indexOf, byId: byId, isReady: isReady, content: content };
}(window));
