/* Rows are a list that keeps its nodes: one is drawn anew only where its
   content has changed, in its place, and the focus stays where it was. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};

  function Rows(container) {
    this.container = container;
    this.drawn = {};             // by key: {node, content}
  }

  function controls(node) {
    return node.querySelectorAll('a, button, input, select');
  }

  function focusIndex(node) {
    var list = controls(node), i;
    if (node === document.activeElement) { return -1; }
    for (i = 0; i < list.length; i++) {
      if (list[i] === document.activeElement) { return i; }
    }
    return null;
  }

  function restoreFocus(node, index) {
    var list = controls(node);
    if (index === -1) { node.focus(); }
    if (index >= 0 && list.length) { list[Math.min(index, list.length - 1)].focus(); }
  }

  // rows: [{key, content, draw()}] in order; `content` is text that changes when the node must.
  Rows.prototype.show = function (rows) {
    var drawn = {}, place, i, entry;
    for (i = 0; i < rows.length; i++) { drawn['$' + rows[i].key] = this.drawn['$' + rows[i].key] || null; }
    this._removeAllBut(drawn);
    place = this.container.firstChild;
    for (i = 0; i < rows.length; i++) {
      entry = drawn['$' + rows[i].key];
      if (!entry || entry.content !== rows[i].content) {
        if (entry && place === entry.node) { place = entry.node.nextSibling; }
        entry = this._draw(rows[i], entry);
      }
      drawn['$' + rows[i].key] = entry;
      if (entry.node === place) {
        place = place.nextSibling;
      } else if (entry.node.parentNode !== this.container || entry.node.nextSibling !== place) {
        this.container.insertBefore(entry.node, place);
      }
    }
    this.drawn = drawn;
  };

  Rows.prototype._draw = function (row, old) {
    var node = row.draw(), index = null;
    if (old && old.node.parentNode) {
      if (old.node.contains(document.activeElement)) { index = focusIndex(old.node); }
      old.node.parentNode.replaceChild(node, old.node);
      if (index !== null) { restoreFocus(node, index); }
    }
    return { node: node, content: row.content };
  };

  Rows.prototype._removeAllBut = function (kept) {
    var key;
    for (key in this.drawn) {
      if (this.drawn.hasOwnProperty(key) && !kept.hasOwnProperty(key)) {
        this.container.removeChild(this.drawn[key].node);
      }
    }
  };

  Rows.prototype.node = function (key) {
    return this.drawn['$' + key] ? this.drawn['$' + key].node : null;
  };

  pages.Rows = Rows;
}(window));
