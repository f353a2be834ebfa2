/* These are the few DOM helpers that the pages share. Text goes in as text,
   always. */
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

  // Sends no form. onTap is left out where the page listens further out.
  function button(className, content, onTap) {
    var node = create('button', className, content);
    node.type = 'button';
    if (onTap) { node.onclick = onTap; }
    return node;
  }

  // svg('rect', {x: 1}, 'text' or nothing)
  function svg(tag, attributes, content) {
    var node = document.createElementNS(SVG, tag), name;
    for (name in attributes) {
      if (attributes.hasOwnProperty(name)) { node.setAttribute(name, attributes[name]); }
    }
    if (content) { node.textContent = content; }
    return node;
  }

  // A symbol of templates/icons.html.
  function icon(name, className) {
    var node = svg('svg', { 'class': 'icon' + (className ? ' ' + className : ''), 'aria-hidden': 'true' });
    var use = svg('use');
    use.setAttributeNS(XLINK, 'xlink:href', '#icon-' + name);
    node.appendChild(use);
    return node;
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

  pages.dom = {
    create: create, button: button, svg: svg, icon: icon, text: text, empty: empty, setText: setText, byId: byId
  };
}(window));
