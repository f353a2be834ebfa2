/* The panel at the side of the board shows one list at a time. It pushes the
   tickets aside and covers none, but on a phone. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;

  // panels: by name {title, icon, empty, buttons: [nodes that open it],
  // rows(now) → [{key, node()}]}; onChange() when it opens or closes.
  function Side(element, panels, onChange) {
    var self = this, name;
    this.element = element;
    this.panels = panels;
    this.onChange = onChange;
    this.name = '';
    this.drawn = '';
    for (name in panels) {
      if (panels.hasOwnProperty(name)) { opens(this, panels[name].button, name); }
    }
    this.close = function () { self.toggle(''); };
  }

  var side = Side.prototype;

  function opens(self, button, name) {
    button.onclick = function () { self.toggle(name); };
    button.setAttribute('aria-expanded', 'false');
  }

  side.toggle = function (name) {
    var each;
    this.name = this.name === name ? '' : name;
    this.drawn = '';
    this.element.hidden = !this.name;
    for (each in this.panels) {
      if (this.panels.hasOwnProperty(each)) {
        this.panels[each].button.setAttribute('aria-expanded', each === this.name ? 'true' : 'false');
      }
    }
    if (this.name && this.panels[name].onOpen) { this.panels[name].onOpen(); }
    this.onChange();
  };

  side._head = function (panel) {
    var close = dom.button('side__close', [dom.icon('cross', 'icon--l')], this.close);
    close.setAttribute('aria-label', pages.kitchenWords.close);
    return dom.create('div', 'side__head', [close, dom.create('h2', 'side__title', [dom.icon(panel.icon, 'icon--l'), dom.text(panel.title)])]);
  };

  side.show = function (now) {
    var panel = this.panels[this.name], rows, keys = '', i, list, scroll;
    if (!panel) { return; }
    rows = panel.rows(now);
    for (i = 0; i < rows.length; i++) { keys += rows[i].key + '\n'; }
    keys = this.name + keys;
    if (keys === this.drawn) { return; }
    this.drawn = keys;
    list = dom.create('div', 'side__list');
    for (i = 0; i < rows.length; i++) { list.appendChild(rows[i].node()); }
    if (!rows.length) { list.appendChild(dom.create('p', 'side__empty', panel.empty)); }
    scroll = this.element.lastChild ? this.element.lastChild.scrollTop : 0;
    dom.empty(this.element);
    this.element.appendChild(this._head(panel));
    this.element.appendChild(list);
    list.scrollTop = scroll;
  };

  // A row's button: it waits while `waiting`.
  Side.button = function (label, className, waiting, onClick) {
    var node = dom.button('btn btn--kitchen ' + (waiting ? 'is-waiting' : className), label, onClick);
    node.disabled = waiting;
    return node;
  };

  pages.Side = Side;
}(window));
