/* These are the plates on which the kitchen reads a note: one for each of its
   parts, so that what warns stands out. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var notes = pages.notes;

  // The word that leaves out stands out as SIN, NO and the like; what stands before it is read first.
  function without(text) {
    var match = notes.WITHOUT.exec(text), from = match.index + match[1].length;
    var before = text.slice(0, from).trim(), word = match[2].toUpperCase();
    return dom.create('span', 'line__note line__note--sin' + (before ? ' line__note--mid' : ''), [
      before ? dom.text(before + ' ') : null,
      dom.create('b', '', /^S\s?\/\.?$/.test(word) ? pages.words.without : word),
      dom.text(' ' + text.slice(from + match[2].length).replace(/^[\s:\/.-]+/, ''))
    ]);
  }

  function allergy(text) {
    return dom.create('span', 'line__note line__note--allergy', [
      dom.icon('warning'),
      dom.text(text.replace(notes.ALLERGY, function (all, before, word) { return before + word.toUpperCase(); }))
    ]);
  }

  function plate(part) {
    if (part.clase === 'alergia') { return allergy(part.texto); }
    if (part.clase === 'sin') { return without(part.texto); }
    return dom.create('span', 'line__note', part.texto);
  }

  function add(parent, note) {
    notes.read(note).forEach(function (part) { parent.appendChild(plate(part)); });
  }

  // What a line's dish is made of, and what is changed on it: of that, what takes nothing away and warns of nothing is
  // plain text, under its dish. null where the line says nothing of it.
  function parts(item, className) {
    return pages.parts.draw(item, className, add, function (parent, text) {
      if (notes.read(text).some(function (part) { return part.clase !== 'nota'; })) {
        add(parent, text);
      } else {
        parent.appendChild(dom.create('span', className + '-line', text));
      }
    });
  }

  pages.plates = { add: add, parts: parts };
}(window));
