/* A toast is a line at the foot of the page. What must be read stays until it
   is tapped. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var SHOWN_MS = 6000;

  function Toast(container) {
    this.container = container;
  }

  Toast.prototype.say = function (text) {
    var node = this._add(text, 'toast__item');
    window.setTimeout(function () {
      if (node.parentNode) { node.parentNode.removeChild(node); }
    }, SHOWN_MS);
  };

  Toast.prototype.warn = function (text) {
    var node = this._add(text, 'toast__item toast__item--warn');
    node.appendChild(dom.button('toast__close', 'Entendido', function () { node.parentNode.removeChild(node); }));
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
