/* The board keeps one node a ticket, sorts the tickets into columns and counts
   them. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var document = window.document;
  var WIDE_SCREEN = 1600;
  var GAP_PX = 14;               // between two tickets of a column
  var SETTLE_MS = 600;           // a button that has become another takes no tap meant for the one before

  // limits: {warnMs, lateMs}; secondsToUndo(record, now).
  function Board(element, limits, secondsToUndo) {
    this.element = element;
    this.limits = limits;
    this.secondsToUndo = secondsToUndo;
    this.drawn = {};             // by id: {node, revision, record, looks, kind, settled, height}
    this.order = [];
    this.columns = [];
    this.width = 0;
  }

  var board = Board.prototype;

  // viewOf(record): see tickets.js.
  board.show = function (records, now, viewOf) {
    var view, looks, before = this.order.join(), drawn = {}, order = [], redrawn = false, i, record, entry;
    for (i = 0; i < records.length; i++) {
      record = records[i];
      entry = this.drawn[record.id];
      view = viewOf(record);
      looks = JSON.stringify(view);
      if (!entry || entry.revision !== record.revision || entry.record !== record || entry.looks !== looks) {
        entry = this._draw(record, entry, view, looks);
        redrawn = true;
      }
      drawn[record.id] = entry;
      order.push(record.id);
    }
    this.drawn = drawn;
    this.order = order;
    this.tick(now);
    if (redrawn || order.join() !== before) { this.layout(); }
  };

  board._draw = function (record, old, view, looks) {
    var node = pages.tickets.draw(record, view), kind = pages.tickets.kindOf(record), time = new Date().getTime();
    var entry = { node: node, revision: record.revision, record: record, looks: looks, kind: kind, settled: 0, height: 0 };
    var focused = old && old.node.contains(document.activeElement) ? document.activeElement : null;
    if (old) { entry.settled = old.kind === kind ? old.settled : time + SETTLE_MS; }
    if (entry.settled > time && !view.whole) { settle(node.querySelector('.ticket__do'), entry.settled - time); }
    if (old && old.node.parentNode) { old.node.parentNode.replaceChild(node, old.node); }
    if (focused) { focusSame(node, focused); }
    return entry;
  };

  function settle(button, ms) {
    button.disabled = true;
    window.setTimeout(function () { button.disabled = false; }, Math.min(ms, SETTLE_MS));
  }

  function focusSame(node, focused) {
    var item = focused.getAttribute('data-item-id');
    var same = node.querySelector(item ? '[data-item-id="' + item + '"]' : '.ticket__do');
    if (same && same.focus) { same.focus(); }
  }

  // {open, late}; only what can still be cooked counts.
  board.tick = function (now) {
    var counts = { open: 0, late: 0 }, i, entry, edad;
    for (i = 0; i < this.order.length; i++) {
      entry = this.drawn[this.order[i]];
      edad = pages.tickets.tick(
        entry.node, entry.record, now, this.limits, this.secondsToUndo(entry.record, now)
      );
      if (pages.states.TO_COOK[entry.record.pedido.estado]) { counts.open++; }
      if (edad === 'tarde') { counts.late++; }
    }
    return counts;
  };

  board._setColumns = function () {
    var width = this.element.clientWidth, i, column;
    var wanted = Math.max(1, Math.floor(width / (window.innerWidth < WIDE_SCREEN ? 300 : 370)));
    if (width === this.width && wanted === this.columns.length) { return; }
    this.width = width;
    while (this.columns.length > wanted) { this.element.removeChild(this.columns.pop()); }
    for (i = 0; i < wanted; i++) {
      column = this.columns[i] = this.columns[i] || dom.create('div');
      column.className = 'board__col board__col--' + Math.min(wanted, 8);
      this.element.appendChild(column);
    }
    for (i in this.drawn) { this.drawn[i].height = 0; }
  };

  // Heights are read together and kept: a read after each change would lay the whole board out again for each ticket.
  board._measure = function () {
    var unknown = [], i, entry;
    for (i = 0; i < this.order.length; i++) {
      entry = this.drawn[this.order[i]];
      if (entry.height) { continue; }
      if (this.columns.indexOf(entry.node.parentNode) < 0) { this.columns[0].appendChild(entry.node); }
      unknown.push(entry);
    }
    for (i = 0; i < unknown.length; i++) { unknown[i].height = unknown[i].node.offsetHeight + GAP_PX; }
  };

  // In order, each into the shortest column. Only what changes its place is moved.
  board.layout = function () {
    var scroll = window.pageYOffset, focused = document.activeElement, nodes = [], heights = [], i, j, best, entry;
    this._setColumns();
    this._measure();
    for (i = 0; i < this.columns.length; i++) {
      nodes[i] = [];
      heights[i] = 0;
    }
    for (i = 0; i < this.order.length; i++) {
      best = 0;
      for (j = 1; j < heights.length; j++) {
        if (heights[j] < heights[best]) { best = j; }
      }
      entry = this.drawn[this.order[i]];
      nodes[best].push(entry.node);
      heights[best] += entry.height;
    }
    for (i = 0; i < nodes.length; i++) { fill(this.columns[i], nodes[i]); }
    if (document.activeElement !== focused && this.element.contains(focused)) { focused.focus(); }
    if (window.pageYOffset !== scroll) { window.scrollTo(0, scroll); }
  };

  function fill(column, nodes) {
    var next = column.firstChild, i;
    for (i = 0; i < nodes.length; i++) {
      if (nodes[i] === next) { next = next.nextSibling; } else { column.insertBefore(nodes[i], next); }
    }
    while (next) {
      i = next.nextSibling;
      column.removeChild(next);
      next = i;
    }
  }

  pages.Board = Board;
}(window));
