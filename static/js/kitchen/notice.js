/* What is no alarm is said by a chip in the foot strip, where it covers no
   ticket: a session that is about to end, before a newer version. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  function FootNotice(button) {
    this.button = button;
    this.known = {};             // by kind: {text, onTap}
  }

  // Without a text it is said no more.
  FootNotice.prototype.notice = function (kind, text, onTap) {
    var shown;
    if (text) { this.known[kind] = { text: text, onTap: onTap }; } else { delete this.known[kind]; }
    shown = this.known.sesion || this.known.version;
    this.button.hidden = !shown;
    if (!shown) { return; }
    pages.dom.setText(this.button, shown.text);
    this.button.onclick = shown.onTap;
  };

  pages.FootNotice = FootNotice;
}(window));
