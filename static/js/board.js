/* The board: keeps one node a ticket, sorts them into columns, counts. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WIDE_SCREEN = 1600;

  // limits: {warnMs, lateMs}; onUnderstood(id) is ENTENDIDO of a cancelled ticket.
  function Board(element, limits, onUnderstood) {
    this.element = element;
    this.limits = limits;
    this.onUnderstood = onUnderstood;
    this.drawn = {};             // by id: {node, revision, record}
    this.order = [];
    this.columns = 0;
  }

  var board = Board.prototype;

  board.show = function (records, now) {
    var before = this.order.join(), drawn = {}, order = [], redrawn = false, i, record, entry;
    for (i = 0; i < records.length; i++) {
      record = records[i];
      entry = this.drawn[record.id];
      if (!entry || entry.revision !== record.revision || entry.record !== record) {
        entry = this._draw(record, entry);
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

  board._draw = function (record, old) {
    var node = pages.tickets.draw(record, this.onUnderstood);
    if (old && old.node.parentNode) { old.node.parentNode.replaceChild(node, old.node); }
    return { node: node, revision: record.revision, record: record };
  };

  // {open, late}; only what can still be cooked counts.
  board.tick = function (now) {
    var counts = { open: 0, late: 0 }, i, entry, edad, estado;
    for (i = 0; i < this.order.length; i++) {
      entry = this.drawn[this.order[i]];
      edad = pages.tickets.tick(entry.node, entry.record, now, this.limits);
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
