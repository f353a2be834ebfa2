/* Each key of the keyboard, or of a bump bar, is a function of `handlers`, by
   the names digit(n), enter, escape, u, r, a, m. A handler that returns false
   leaves the key to the browser. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // Browsers of 2013 know key codes alone.
  function nameOf(event) {
    var code = event.keyCode;
    if (code === 13) { return 'enter'; }
    if (code === 27) { return 'escape'; }
    if (code >= 49 && code <= 57) { return String(code - 48); }
    if (code >= 97 && code <= 105) { return String(code - 96); }
    return code >= 65 && code <= 90 ? String.fromCharCode(code).toLowerCase() : '';
  }

  // isOpen(): whether the page takes keys now.
  function listen(document, handlers, isOpen) {
    document.addEventListener('keydown', function (event) {
      var name = nameOf(event), digit = Number(name) || 0, taken;
      if (!isOpen() || event.ctrlKey || event.altKey || event.metaKey || event.repeat) { return; }
      if (/^(input|textarea|select)$/i.test(event.target.tagName)) { return; }
      if (digit) {
        taken = handlers.digit(digit);
      } else if (name && handlers.hasOwnProperty(name)) {
        taken = handlers[name]();
      } else {
        return;
      }
      if (taken !== false) { event.preventDefault(); }
    }, false);
  }

  pages.keys = { listen: listen };
}(window));
