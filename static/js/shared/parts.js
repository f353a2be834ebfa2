/* These read what a dish is made of and what is changed on it: a combo's
   `componentes`, and `modificadores`, in whatever shape a POS sends them. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;

  function list(value) {
    return Array.isArray(value) ? value : value ? [value] : [];
  }

  function nameOf(part) {
    var name = part && typeof part === 'object' ? part.producto_nombre || part.nombre : part;
    return typeof name === 'string' ? name.trim() : '';
  }

  function countOf(part) {
    return part && typeof part === 'object' && typeof part.cantidad === 'number' ? part.cantidad : null;
  }

  function noteOf(part) {
    return part && typeof part === 'object' && typeof part.notas === 'string' ? part.notas : '';
  }

  // [{count: number or null, name, note}], what has a name.
  function components(item) {
    return list(item.componentes).map(function (part) {
      return { count: countOf(part), name: nameOf(part), note: noteOf(part) };
    }).filter(function (part) { return part.name; });
  }

  // Texts.
  function modifiers(item) {
    return list(item.modificadores).map(nameOf).filter(Boolean);
  }

  // Changes with them; text, to be compared.
  function content(item) {
    return JSON.stringify([item.componentes || null, item.modificadores || null]);
  }

  function plain(className) {
    return function (parent, text) { parent.appendChild(dom.create('span', className, text)); };
  }

  // drawNote(parent, text) and drawModifier(parent, text) draw as the page does; else as plain lines. null where
  // there is nothing.
  function draw(item, className, drawNote, drawModifier) {
    var node = dom.create('span', className), parts = components(item), changed = modifiers(item), i, line;
    for (i = 0; i < parts.length; i++) {
      line = dom.create('span', className + '-line', [
        parts[i].count === null ? null : dom.create('b', 'num', parts[i].count + ' '), dom.text(parts[i].name)
      ]);
      node.appendChild(line);
      if (parts[i].note) { (drawNote || plain('menu__note'))(node, parts[i].note); }
    }
    for (i = 0; i < changed.length; i++) { (drawModifier || plain(className + '-line'))(node, changed[i]); }
    return node.firstChild ? node : null;
  }

  // "2 Pupusa revuelta, extra queso"
  function text(item) {
    return components(item).map(function (part) {
      return (part.count === null ? '' : part.count + ' ') + pages.isolate(part.name) + (part.note ? ' (' + part.note + ')' : '');
    }).concat(modifiers(item)).join(', ');
  }

  pages.parts = { components: components, modifiers: modifiers, content: content, draw: draw, text: text };
}(window));
