/* A drawer asks one thing: from below on a phone, at the side where there is
   room. Its rows are choices of one, or ticks. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.sheetWords;

  function Drawer(container) {
    var self = this;
    this.container = container;
    this.node = null;
    this.key = '';               // of what is asked; '' while it is closed
    this.before = null;          // what had the focus
    document.addEventListener('keydown', function (event) {
      if (event.keyCode === 27 && self.key) {
        event.stopPropagation();
        self.close();
      }
    }, true);
  }

  var drawer = Drawer.prototype;

  // what: {title, text, parts: [nodes], foot: [nodes], onClose()}. key: what is asked; the same is drawn anew in its place.
  drawer.open = function (key, what) {
    var self = this, title = dom.create('h2', 'drawer__title', what.title), scrim = dom.button('scrim', '', function () { self.close(); });
    var again = this.key === key, top = again ? this.node.lastChild.scrollTop : 0;
    if (!this.key) { this.before = document.activeElement; }
    this._remove();
    this.key = key;
    this.onClose = what.onClose || null;
    title.tabIndex = -1;
    scrim.setAttribute('aria-label', WORDS.close);
    this.node = dom.create('section', 'drawer', [
      scrim,
      dom.create('div', 'drawer__box', [
        title, what.text ? dom.create('p', 'drawer__text', what.text) : null
      ].concat(what.parts || [], [dom.create('div', 'drawer__foot', what.foot)]))
    ]);
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', what.title);
    this.node.setAttribute('data-pregunta', key);
    this.container.appendChild(this.node);
    this.node.lastChild.scrollTop = top;
    if (!again) { title.focus(); }
  };

  drawer._remove = function () {
    if (this.node && this.node.parentNode) { this.node.parentNode.removeChild(this.node); }
    this.node = null;
  };

  drawer.close = function () {
    var onClose = this.onClose;
    if (!this.key) { return; }
    this.key = '';
    this.onClose = null;
    this._remove();
    if (this.before && this.before.focus && document.body.contains(this.before)) { this.before.focus(); }
    if (onClose) { onClose(); }
  };

  // A row with a mark: role 'radio', or 'checkbox'. content: text, or nodes.
  function option(role, on, content, onTap) {
    var node = dom.button('opt' + (role === 'checkbox' ? ' opt--tick' : ''), [
      dom.create('span', 'opt__mark', [dom.icon('check')]), dom.create('span', 'opt__what', content)
    ], onTap);
    node.setAttribute('role', role);
    setOn(node, on);
    return node;
  }

  function setOn(node, on) {
    node.className = node.className.replace(' is-on', '') + (on ? ' is-on' : '');
    node.setAttribute('aria-checked', on ? 'true' : 'false');
  }

  // {node, value(): the chosen reason or '', focus()}. list: texts, or [text, small text]; the last row asks for words.
  function reasons(list, onChange) {
    var node = dom.create('div', 'opts'), rows = [], chosen = null, input = dom.create('input', 'input opts__own');
    function choose(index) {
      chosen = index;
      rows.forEach(function (row, place) { setOn(row, place === index); });
      input.hidden = index !== list.length;
      if (!input.hidden) { input.focus(); }
      onChange();
    }
    list.concat([WORDS.otherReason]).forEach(function (entry, index) {
      var text = typeof entry === 'string' ? entry : entry[0];
      rows.push(option('radio', false, [
        dom.text(text), typeof entry === 'string' ? null : dom.create('small', '', entry[1])
      ], function () { choose(index); }));
      node.appendChild(rows[index]);
    });
    node.setAttribute('role', 'radiogroup');
    node.setAttribute('aria-label', WORDS.why);
    input.type = 'text';
    input.maxLength = 200;
    input.hidden = true;
    input.setAttribute('aria-label', WORDS.writeReason);
    input.setAttribute('placeholder', WORDS.writeReason);
    input.oninput = onChange;
    node.appendChild(input);
    return {
      node: node,
      value: function () {
        if (chosen === null) { return ''; }
        if (chosen === list.length) { return input.value.trim(); }
        return typeof list[chosen] === 'string' ? list[chosen] : list[chosen][0];
      }
    };
  }

  function footButton(className, content, onTap) {
    return dom.button('btn btn--block ' + className, content, onTap);
  }

  Drawer.option = option;
  Drawer.setOn = setOn;
  Drawer.reasons = reasons;
  Drawer.footButton = footButton;
  pages.Drawer = Drawer;
}(window));
