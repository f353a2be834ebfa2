/* A table is written as its number, or as its name: "12", "Terraza 3". The
   phone shows the keys for numbers until names are asked for. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.sheetWords;

  // What travels of it; null where nothing is written.
  function read(text) {
    var written = text.trim();
    if (/^\d{1,6}$/.test(written)) { return { mesa_numero: Number(written) }; }
    return written ? { mesa: written } : null;
  }

  function setKeys(input, button, names) {
    input.setAttribute('inputmode', names ? 'text' : 'numeric');
    dom.setText(button, names ? WORDS.digits : WORDS.letters);
    button.setAttribute('aria-label', names ? WORDS.writeNumber : WORDS.writeName);
  }

  // Changes the phone's keys; `button` says to which.
  function bind(input, button) {
    var names = false;
    input.maxLength = 20;
    setKeys(input, button, names);
    button.onclick = function () {
      names = !names;
      setKeys(input, button, names);
      input.focus();
    };
  }

  pages.tableField = { read: read, bind: bind };
}(window));
