/* A toast is a line at the foot of the page. What must be read stays until it
   is tapped. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var SHOWN_MS = 6000;
  var UNDO_MS = 5000;            // as on the kitchen's board

  function Toast(container) {
    this.container = container;
  }

  Toast.prototype.say = function (text) {
    var node = this._add(text, 'toast__item');
    window.setTimeout(function () {
      if (node.parentNode) { node.parentNode.removeChild(node); }
    }, SHOWN_MS);
  };

  // What was done just now, and can be taken back for so long.
  Toast.prototype.offer = function (text, label, onTap) {
    var node = this._add(text, 'toast__item'), timer;
    function remove() {
      window.clearTimeout(timer);
      if (node.parentNode) { node.parentNode.removeChild(node); }
    }
    node.appendChild(dom.button('toast__close', [dom.icon('undo'), dom.text(' ' + label)], function () {
      remove();
      onTap();
    }));
    timer = window.setTimeout(remove, UNDO_MS);
  };

  Toast.prototype.warn = function (text) {
    var node = this._add(text, 'toast__item toast__item--warn');
    node.appendChild(dom.button('toast__close', pages.words.understood, function () { node.parentNode.removeChild(node); }));
    node.setAttribute('role', 'alert');
  };

  Toast.prototype._add = function (text, className) {
    var node = dom.create('div', className, [dom.create('span', 'toast__text', text)]);
    while (this.container.childNodes.length > 2) { this.container.removeChild(this.container.firstChild); }
    this.container.appendChild(node);
    return node;
  };

  pages.Toast = Toast;
}(window));
