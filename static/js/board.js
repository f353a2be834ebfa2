/* The board: keeps one node a ticket, sorts them into columns, counts. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var document = window.document;
  var WIDE_SCREEN = 1600;

  var SETTLE_MS = 600;           // a button that has become another takes no tap meant for the one before

  // limits: {warnMs, lateMs}; secondsToUndo(record, now).
  function Board(element, limits, secondsToUndo) {
    this.element = element;
    this.limits = limits;
    this.secondsToUndo = secondsToUndo;
    this.drawn = {};             // by id: {node, revision, record, looks, kind, settled}
    this.order = [];
    this.columns = 0;
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
    var entry = { node: node, revision: record.revision, record: record, looks: looks, kind: kind, settled: 0 };
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
    var counts = { open: 0, late: 0 }, i, entry, edad, estado;
    for (i = 0; i < this.order.length; i++) {
      entry = this.drawn[this.order[i]];
      edad = pages.tickets.tick(
        entry.node, entry.record, now, this.limits, this.secondsToUndo(entry.record, now)
      );
      estado = entry.record.pedido.estado;
      if (estado !== 'listo' && estado !== 'cancelado') { counts.open++; }
      if (edad === 'tarde') { counts.late++; }
    }
    return counts;
  };

  // In order, each into the shortest column.
  board.layout = function () {
    var width = this.element.clientWidth, scroll = window.pageYOffset, columns = [], heights = [], i, j, best, node;
    var wanted = Math.max(1, Math.floor(width / (window.innerWidth < WIDE_SCREEN ? 300 : 370)));
    dom.empty(this.element);
    for (i = 0; i < wanted; i++) {
      columns[i] = dom.create('div', 'board__col board__col--' + Math.min(wanted, 8));
      heights[i] = 0;
      this.element.appendChild(columns[i]);
    }
    for (i = 0; i < this.order.length; i++) {
      best = 0;
      for (j = 1; j < wanted; j++) {
        if (heights[j] < heights[best]) { best = j; }
      }
      node = this.drawn[this.order[i]].node;
      columns[best].appendChild(node);
      heights[best] = columns[best].offsetHeight;
    }
    if (window.pageYOffset !== scroll) { window.scrollTo(0, scroll); }
  };

  pages.Board = Board;
}(window));
