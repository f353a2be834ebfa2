/* A ticket that is taller than the board goes on in the next column, with its
   button at the end. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var create = dom.create;
  var MORE_PX = 40;              // "sigue", and the name above what goes on

  function linesOf(node) { return node.querySelector('.ticket__lines'); }

  function list(nodes) { return Array.prototype.slice.call(nodes); }

  // Heights as they are drawn.
  function measure(node) {
    var box = node.getBoundingClientRect(), lines = linesOf(node), inner = lines.getBoundingClientRect();
    var tops = list(lines.querySelectorAll('.line')).map(function (line) { return line.getBoundingClientRect().top; });
    return {
      head: inner.top - box.top,
      foot: Math.max(box.bottom - inner.bottom, 76),
      more: MORE_PX,
      lines: tops.map(function (top, i) { return (i + 1 < tops.length ? tops[i + 1] : inner.bottom) - top; })
    };
  }

  function more() {
    return create('p', 'ticket__more', [dom.text(pages.kitchenWords.goesOn), dom.icon('next')]);
  }

  function goesOn(node, id) {
    var part = create('article', node.className + ' ticket--part', [
      create('p', 'ticket__from', [dom.icon('back'), dom.text(node.querySelector('.ticket__label').textContent)]),
      create('div', 'ticket__lines')
    ]);
    part.setAttribute('data-parte-de', id);
    part.setAttribute('data-edad', node.getAttribute('data-edad') || 'normal');
    return part;
  }

  // The ticket's node, which keeps the first lines, and those in which it goes on.
  function cut(node, room, most) {
    var counts = pages.layout.cut(measure(node), room, most), lines = list(linesOf(node).querySelectorAll('.line'));
    var foot = node.querySelector('.ticket__foot'), said = node.querySelector('.ticket__said'), parts = [node], i, part;
    var id = node.getAttribute('data-pedido-id');
    lines = lines.slice(counts[0]);
    for (i = 1; i < counts.length; i++) {
      part = goesOn(node, id);
      lines.splice(0, counts[i]).forEach(linesOf(part).appendChild, linesOf(part));
      parts.push(part);
    }
    if (parts.length === 1) { return parts; }
    for (i = 0; i < parts.length - 1; i++) { parts[i].appendChild(more()); }
    part = parts[parts.length - 1];
    if (said) { part.appendChild(said); }
    part.appendChild(foot);
    return parts;
  }

  pages.tall = { cut: cut };
}(window));
