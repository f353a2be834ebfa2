/* Where an order is looked at beside other things, its sheet is a panel: a page
   of its own on a phone, at the right where there is room. The address says
   which order it is, so that Back closes it and a link opens it. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var PLACE = /^#pedido-(\d+)$/;

  // options: for sheet.js. onMove(id): which order is shown now, or null.
  function SheetPanel(options, onMove) {
    var self = this, body = dom.create('div', 'spanel__body');
    this.onMove = onMove || function () { return; };
    this.back = dom.button('spanel__back', [dom.icon('back'), dom.create('span', 'spanel__word', pages.sheetWords.close)], function () { self.close(); });
    this.back.setAttribute('aria-label', pages.sheetWords.close);
    this.node = dom.create('section', 'spanel', [dom.create('header', 'spanel__bar', [this.back]), body]);
    this.node.setAttribute('aria-label', pages.sheetWords.panel);
    this.node.hidden = true;
    document.body.appendChild(this.node);
    this.sheet = new pages.Sheet(body, options);
    window.addEventListener('hashchange', function () { self._read(); }, false);
    document.addEventListener('keydown', function (event) {
      if (event.keyCode === 27 && self.sheet.id !== null && !self.sheet.drawer.key) { self.close(); }
    }, false);
  }

  var panel = SheetPanel.prototype;

  // Where a page has something to stand beside the sheet.
  panel.aside = function () {
    var node = dom.create('div', 'spanel__list unveiled');
    this.node.insertBefore(node, this.node.firstChild);
    return node;
  };

  panel._read = function () {
    var match = PLACE.exec(window.location.hash), id = match ? Number(match[1]) : null;
    if (id === this.sheet.id) { return; }
    this.sheet.open(id);
    this.node.hidden = id === null;
    this.onMove(id);
    this.sheet.show(pages.clock.now());
    if (id !== null) { this.back.focus(); }
  };

  // Also of a page that was opened by a link to an order.
  panel.start = function () { this._read(); };

  panel.open = function (id) {
    window.location.hash = 'pedido-' + id;
    this._read();
  };

  panel.close = function () {
    if (this.sheet.id === null) { return; }
    if (window.history.replaceState) {
      window.history.replaceState(null, '', window.location.pathname + window.location.search);
    } else {
      window.location.hash = '';
    }
    this._read();
  };

  panel.show = function (now) {
    if (this.sheet.id !== null) { this.sheet.show(now); }
  };

  pages.SheetPanel = SheetPanel;
}(window));
