/* The few DOM helpers that the pages share. Text goes in as text, always. */
(function (window) {
  'use strict';

  var document = window.document;
  var SVG = 'http://www.w3.org/2000/svg';
  var XLINK = 'http://www.w3.org/1999/xlink';
  var pages = window.posNotif = window.posNotif || {};

  // create('p', 'ticket__meta', 'text' or [nodes])
  function create(tag, className, content) {
    var node = document.createElement(tag), i;
    if (className) { node.className = className; }
    if (typeof content === 'string') {
      node.textContent = content;
    } else if (content) {
      for (i = 0; i < content.length; i++) {
        if (content[i]) { node.appendChild(content[i]); }
      }
    }
    return node;
  }

  // A symbol of templates/icons.html.
  function icon(name, className) {
    var svg = document.createElementNS(SVG, 'svg');
    var use = document.createElementNS(SVG, 'use');
    svg.setAttribute('class', 'icon' + (className ? ' ' + className : ''));
    svg.setAttribute('aria-hidden', 'true');
    use.setAttributeNS(XLINK, 'xlink:href', '#icon-' + name);
    svg.appendChild(use);
    return svg;
  }

  function text(value) {
    return document.createTextNode(value);
  }

  function empty(node) {
    while (node.firstChild) { node.removeChild(node.firstChild); }
  }

  function setText(node, value) {
    if (node.textContent !== value) { node.textContent = value; }
  }

  function byId(id) {
    return document.getElementById(id);
  }

  pages.dom = { create: create, icon: icon, text: text, empty: empty, setText: setText, byId: byId };
}(window));
