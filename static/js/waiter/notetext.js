/* These functions go between a note's text and the sentences that the editor's
   chips write: SIN cebolla, tomate. ALERGIA: maní. They touch no DOM. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var KINDS = pages.waiterWords.noteKinds;
  var NAMES = Object.keys(KINDS);
  var WITHOUT = NAMES[0];
  var ALLERGY = NAMES[1];

  // A sentence: {kind, words, text}; kind '' and no words where no chip would have written it.
  function sentence(text, clase) {
    var i, match;
    for (i = 0; i < NAMES.length; i++) {
      match = new RegExp('^' + NAMES[i] + '(?::\\s*|\\s+)(.+)$', 'i').exec(text);
      if (match && clase === classOf(NAMES[i])) { return { kind: NAMES[i], words: split(match[1]), text: text }; }
    }
    return { kind: '', words: [], text: text };
  }

  function classOf(kind) { return kind === WITHOUT ? 'sin' : kind === ALLERGY ? 'alergia' : 'nota'; }

  function split(text) {
    return text.split(',').map(function (word) { return word.trim(); }).filter(function (word) { return word !== ''; });
  }

  // The parts as the kitchen reads them; what warns of nothing, sentence by sentence.
  function parse(text) {
    var list = [];
    pages.notes.read(text).forEach(function (part) {
      var texts = part.clase === 'nota' ? part.texto.split(/\.\s+/) : [part.texto];
      texts.forEach(function (one) {
        if (one.trim()) { list.push(sentence(one.trim(), part.clase)); }
      });
    });
    return list;
  }

  // A sentence begins with a capital, or the kitchen's page takes it for more of the warning before it.
  function compose(sentences) {
    return sentences.map(function (one) {
      return one.text.charAt(0).toUpperCase() + one.text.slice(1);
    }).reduce(function (text, one) { return text + (text ? (/[.!?…]$/.test(text) ? ' ' : '. ') : '') + one; }, '');
  }

  function wordsOf(sentences, kind) {
    return sentences.reduce(function (all, one) { return one.kind === kind ? all.concat(one.words) : all; }, []);
  }

  function has(words, word) {
    return words.some(function (other) { return other.toLowerCase() === word.toLowerCase(); });
  }

  // The sentences with these words alone for the kind, where it stood or at the end.
  function withWords(sentences, kind, words) {
    var list = [], done = !words.length;
    function put() {
      if (!done) { list.push({ kind: kind, words: words, text: KINDS[kind][0] + words.join(', ') }); }
      done = true;
    }
    sentences.forEach(function (one) {
      if (one.kind === kind) { put(); } else { list.push(one); }
    });
    put();
    return list;
  }

  // The word added, or taken away.
  function toggled(sentences, kind, word) {
    var words = wordsOf(sentences, kind);
    return withWords(sentences, kind, !has(words, word) ? words.concat([word]) :
      words.filter(function (other) { return !has([other], word); }));
  }

  // The sentences with what was written: words of the kind, or in one's own words.
  function written(sentences, kind, text) {
    var words = wordsOf(sentences, kind), more = split(text).filter(function (word) { return !has(words, word); });
    if (!kind) { return sentences.concat(parse(text)); }
    return more.length ? withWords(sentences, kind, words.concat(more)) : sentences;
  }

  // The words that are offered, and those that there are besides.
  function offered(sentences, kind) {
    var words = KINDS[kind][1];
    return words.concat(wordsOf(sentences, kind).filter(function (word) { return !has(words, word); }));
  }

  pages.noteText = {
    NAMES: NAMES, ALLERGY: ALLERGY, parse: parse, compose: compose, toggled: toggled, written: written, wordsOf: wordsOf, has: has,
    offered: offered
  };
}(window));
