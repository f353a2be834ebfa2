/* A queue goes by the keyboard: each key is a function of `handlers`, by the
   names digit(character), up, down, enter(target), escape, and letters. A
   handler that returns false leaves the key to the browser. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // Browsers of 2013 know key codes alone.
  function nameOf(code) {
    var names = { 13: 'enter', 27: 'escape', 38: 'up', 40: 'down', 110: '.', 188: '.', 190: '.' };
    if (names[code]) { return names[code]; }
    if (code >= 48 && code <= 57) { return String(code - 48); }
    if (code >= 96 && code <= 105) { return String(code - 96); }
    return code >= 65 && code <= 90 ? String.fromCharCode(code).toLowerCase() : '';
  }

  // amount: the field that digits belong to, in which letters are keys too. isOpen(): whether the page takes keys now.
  function listen(document, amount, handlers, isOpen) {
    document.addEventListener('keydown', function (event) {
      var name = nameOf(event.keyCode), digit = /^[\d.]$/.test(name), inAmount = event.target === amount, taken;
      if (event.ctrlKey || event.altKey || event.metaKey || !isOpen()) { return; }
      if (!inAmount && /^(input|textarea|select)$/i.test(event.target.tagName)) { return; }
      if (event.repeat && name !== 'up' && name !== 'down') {
        if (name === 'enter') { event.preventDefault(); }
        return;
      }
      if (digit && (inAmount || event.shiftKey)) { return; }
      if (digit) {
        taken = handlers.digit(name);
      } else if (name && handlers.hasOwnProperty(name)) {
        taken = handlers[name](event.target);
      } else {
        return;
      }
      if (taken !== false) { event.preventDefault(); }
    }, false);
  }

  pages.tillKeys = { listen: listen };
}(window));
