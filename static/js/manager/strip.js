/* On a phone the alarms are one strip, the worst one's words with how many
   there are; a touch unfolds them in their place. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;

  // button: shows `plates` where it is narrow; where it is wide they stand there by themselves.
  function Strip(button, plates) {
    var self = this;
    this.button = button;
    this.plates = plates;
    this.open = false;
    this.drawn = '';
    button.onclick = function () {
      self.open = !self.open;
      self.show(self.text);
    };
  }

  // text: the worst alarm's, or '' where there is none.
  Strip.prototype.show = function (text) {
    var count = this.plates.children.length, key = JSON.stringify([text, count, this.open]);
    this.text = text;
    if (key === this.drawn) { return; }
    this.drawn = key;
    this.button.hidden = !text;
    this.button.setAttribute('aria-expanded', this.open ? 'true' : 'false');
    this.plates.className = this.open ? 'is-open' : '';
    dom.empty(this.button);
    [
      dom.create('span', 'strip__n num', String(count)), dom.create('span', 'strip__text grow', text),
      dom.icon(this.open ? 'up' : 'down', 'icon--s')
    ].forEach(this.button.appendChild, this.button);
  };

  pages.Strip = Strip;
}(window));
