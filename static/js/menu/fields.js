/* These are a dish's fields: how each is written for people, and how what they
   have written is read. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var WORDS = pages.menuWords;
  var MAX_CODE = 9007199254740991;   // 2^53-1, as everywhere on the wire
  var MAX_AMOUNT = 1e9;
  var PRICE = /^\d{1,9}(?:[.,]\d{1,2})?$/;   // of "1,250" nobody knows whether it is one or a thousand
  var AMOUNT = /^\d{1,10}(?:[.,]\d{1,3})?$/;

  function number(text) { return Number(text.replace(',', '.')); }

  // Each reads a text, without what stands around it: {value} or {error}.
  function readName(text) { return text ? { value: text } : { error: WORDS.noName }; }

  function readCategory(text) { return { value: text || null }; }

  function readPrice(text) {
    if (!text) { return { error: WORDS.noPrice }; }
    text = text.replace(/^\$\s*/, '');
    return PRICE.test(text) ? { value: number(text) } : { error: WORDS.badPrice };
  }

  function readAmount(text) {
    if (!text) { return { value: null }; }
    return AMOUNT.test(text) && number(text) <= MAX_AMOUNT ? { value: number(text) } : { error: WORDS.badNumber };
  }

  function readCode(text) {
    if (!text) { return { value: null }; }
    return /^\d{1,16}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_CODE ? { value: Number(text) } : { error: WORDS.badCode };
  }

  function plain(value) { return value === null || value === undefined ? '' : String(value); }

  // In the order of the form; `write` gives the text of a value.
  var LIST = [
    { name: 'nombre', read: readName, write: plain },
    { name: 'categoria', read: readCategory, write: plain },
    { name: 'precio', read: readPrice, write: function (value) { return typeof value === 'number' ? value.toFixed(2) : ''; } },
    { name: 'id_pos', read: readCode, write: plain },
    { name: 'stock_actual', read: readAmount, write: plain },
    { name: 'stock_minimo', read: readAmount, write: plain }
  ];

  // A field's value as it stands in a sentence.
  function said(name, value) {
    if (name === 'disponible') { return value ? WORDS.there : pages.words.out; }
    if (name === 'oculto') { return value ? WORDS.hidden : WORDS.inSight; }
    if (value === null || value === undefined) { return WORDS.nothing; }
    if (name === 'precio') { return pages.wording.money(value); }
    return typeof value === 'number' ? pages.wording.quantity(value) : String(value);
  }

  pages.dishFields = { LIST: LIST, said: said };
}(window));
