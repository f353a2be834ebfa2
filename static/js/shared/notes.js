/* A note is read here: which of its parts warn the cook. A warning goes from
   its word to the end of the sentence, or to a part that has a word of its
   own; in doubt nothing is cut. It touches no DOM. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  var START = '(^|[^a-z0-9ñáéíóúü])';
  var END = '(?![a-z0-9ñáéíóúü])';
  var REST = '[a-zñáéíóúü]*';
  // Words that are followed by what it is, and such as say it by themselves.
  var ALLERGIC_TO = 'all?[eé]r[gj]|intoleran|no\\s+toler';
  var ALLERGY = matcher(START + '((?:' + ALLERGIC_TO + '|anafil|[cs]el[ií]a[ck]|celiaqu|diab[eé]t)' + REST + ')');
  var NAMELESS = matcher(START + '(?:' + ALLERGIC_TO + ')' + REST + '[^a-z0-9ñáéíóúü]*$');
  // Not "sin prisa", "no muy picante", "Pedido no. 5".
  var WITHOUT = matcher(START + '(' +
    'sin' + END + '(?!:?\\s*(?:embargo|falta|prisas?|apuros?|problemas?|dudas?|l[ií]mite)' + END + ')' +
    '|s\\s?\\/\\.?(?=\\s*[a-zñáéíóúü]{3})' +
    '|(?:nada|libres?) de' + END + '|(?:excepto|salvo|(?:tod[oa]s?|complet[oa]s?) menos)' + END +
    '|(?:qu[ií]t|ev[ií]t|om[ií]t)[aei]r?n?(?:l[aeo]s?)?' + END +
    '|no(?=[\\s:\\/-]|\\.[a-zñáéíóúü]|$)(?![:\\/.]?\\s*(?:\\d|(?:muy|tan|tant[oa]s?|much[oa]s?|demasiad[oa]s?|importa|hay|urge|es' +
    '|est[aá]n?|s[eé]|tienen? prisa|obstante|olvid' + REST + '|s[oó]lo|se preocup' + REST + ')' + END + '))' +
    ')');
  // What makes a part something else than the warning before it: as its first word, and anywhere.
  var OWN = matcher('^[\\s(\\[]*(?:c\\/|(?:con|extras?|poc[oa]s?|much[oa]s?|doble|cambi' + REST + '|agreg' + REST + '|a[ñn]ad' + REST +
    '|pon(?:er|g' + REST + ')|tra(?:er|ig' + REST + ')|part(?:ir|an?|id[oa]s?)|para|tostad[oa]s?|dorad[oa]s?|cocid[oa]s?' +
    '|cortad[oa]s?|calientes?|jugos[oa]s?|primero|luego|despu[eé]s|separad[oa]s?)' + END + ')' +
    '|' + START + '(?:bien|aparte|al lado|por separado|extra|t[eé]rmino)' + END);
  // These may tell more of an allergy: "maní, otras nueces", "maní, chocolate con leche".
  var OWN_AFTER_SIN = matcher('^[\\s(\\[]*(?:\\d+\\s|(?:m[aá]s|otr[oa]s?|s[oó]lo|solamente|junt[oa]s?' +
    '|en(?!\\s+(?:especial|particular|general|nada)))' + END + ')' +
    '|' + START + '(?:c\\/|(?:con|poc[oa]s?|much[oa]s?|m[aá]s|muy|doble)' + END + ')');
  var GOES_ON = matcher('^\\s*(?:ni|o|y|e|tampoco|tambi[eé]n)\\s');
  var SEPARATOR = /[.!?…]+(?=\s|$)|[,;\n]+|\s[-–—\/|+*]\s|\s(?:y|e|pero)(?=\s)/gi;

  function matcher(source) { return new RegExp(source, 'i'); }

  // A letter and its accent may come as two signs, from a Mac's keyboard: as one they are a word of ours. Browsers that
  // cannot (before 2016) read them as they come.
  function composed(text) { return text.normalize ? text.normalize('NFC') : text; }

  // "Pedido no. 5", "S/. cebolla", "s / cebolla": no part ends there.
  function isInside(text, at) {
    var before = text.slice(0, at), after = text.slice(at);
    return (matcher(START + '(?:no|nro|n[uú]m)$').test(before) && /^\.\s*\d/.test(after)) ||
      (matcher(START + 's\\s?\\/$').test(before) && after.charAt(0) === '.') || (matcher(START + 's$').test(before) && /^\s\//.test(after));
  }

  // [from, to] of the parts between commas, stops, dashes and the like.
  function parts(text) {
    var found = [], from = 0, match;
    SEPARATOR.lastIndex = 0;
    for (match = SEPARATOR.exec(text); match; match = SEPARATOR.exec(text)) {
      if (!isInside(text, match.index)) {
        found.push([from, match.index]);
        from = match.index + match[0].length;
      }
    }
    found.push([from, text.length]);
    return found.filter(function (part) { return text.slice(part[0], part[1]).trim(); });
  }

  // What a part warns of: an allergy is more than what is left out. "sin alergias" is none.
  function warning(part) {
    var allergy = ALLERGY.exec(part), without = WITHOUT.exec(part), from = without && without.index + without[0].length;
    var to = allergy && allergy.index + allergy[1].length;
    if (allergy && without && from <= to && /^[\s:]*$/.test(part.slice(from, to))) { return 'sin'; }
    return allergy ? 'alergia' : without ? 'sin' : 'nota';
  }

  function hasOwnWord(part, clase) {
    return !/\sni\s|^\s*ni\s/i.test(part) && (OWN.test(part) || (clase === 'sin' && OWN_AFTER_SIN.test(part)));
  }

  // "¡ALERGIA! maní": what a warning names may come behind the stop.
  function namesNothing(words) {
    var without = WITHOUT.exec(words);
    return NAMELESS.test(words) || (without !== null && !/[a-z0-9ñáéíóúü]/i.test(words.slice(without.index + without[0].length)));
  }

  // "sin ceb. ni tom.", "sin ceb. tom."
  function isSameSentence(words, gap, next) {
    if (!/[.!?…]/.test(gap)) { return true; }
    return GOES_ON.test(next) || (/^\.\s*$/.test(gap) && /(?:^|\s)\S{1,4}$/.test(words) && /^\s*[a-zñáéíóúü]/.test(next));
  }

  // Whether a part belongs to those before it. words: theirs, of the class `clase`; gap: what is between.
  function belongs(clase, words, gap, next, kind) {
    if (kind !== 'nota') { return kind === 'sin' && clase === 'sin' && /^\s(?:y|e|pero)$/i.test(gap); }
    if (clase === 'nota') { return true; }
    return !hasOwnWord(next, clase) && (namesNothing(words) || isSameSentence(words, gap, next));
  }

  // A note's parts in their order, [{clase: 'sin' | 'alergia' | 'nota', texto}], each as it is written.
  function read(note) {
    var text = composed(String(note || '')), list = [], last = null;
    parts(text).forEach(function (part) {
      var words = text.slice(part[0], part[1]), kind = warning(words);
      if (last && belongs(last.clase, text.slice(last.from, last.to), text.slice(last.to, part[0]), words, kind)) {
        last.to = part[1];
      } else {
        last = { clase: kind, from: part[0], to: part[1] };
        list.push(last);
      }
    });
    return list.map(function (run) { return { clase: run.clase, texto: text.slice(run.from, run.to).replace(/\s+/g, ' ').trim() }; });
  }

  pages.notes = { read: read, ALLERGY: ALLERGY, WITHOUT: WITHOUT };
}(window));
