/* Each tablet keeps how large its tickets are: A+ is read from afar, A- has more
   of them whole on a low screen, where it is also what a tablet begins with.
   A- gives up the 12 px between the targets of one ticket, never their 64. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var KEY = 'notif:letra';
  var LOW_SCREEN_PX = 700;

  // buttons: {smaller, larger}. onChange(): tickets are to be drawn anew.
  function Density(buttons, onChange) {
    var self = this;
    this.buttons = buttons;
    this.onChange = onChange;
    this.chosen = pages.storage.browser.get(KEY);
    this.compact = this._isCompact();
    buttons.smaller.onclick = function () { self._keep('A-'); };
    buttons.larger.onclick = function () { self._keep('A+'); };
    this._show();
  }

  var density = Density.prototype;

  density._isCompact = function () {
    return this.chosen === null ? window.innerHeight < LOW_SCREEN_PX : this.chosen === 'A-';
  };

  density._keep = function (size) {
    this.chosen = size;
    pages.storage.browser.set(KEY, size);
    this.look();
  };

  // Also when the window has another size.
  density.look = function () {
    var compact = this._isCompact();
    if (compact === this.compact) { return; }
    this.compact = compact;
    this._show();
    this.onChange();
  };

  density._show = function () {
    this.buttons.smaller.setAttribute('aria-pressed', String(this.compact));
    this.buttons.larger.setAttribute('aria-pressed', String(!this.compact));
  };

  pages.Density = Density;
}(window));
