/* The board keeps one node a ticket, or more of one that is taller than the
   board (tall.js), puts the tickets into columns (layout.js) and counts them. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var document = window.document;
  var WIDE_SCREEN = 1600;
  // The bar and the foot strip, the board's padding below the bar, the gap between two tickets, as the styles have them.
  var STRIP_PX = 64;
  var ROOMY = { padding: 14, gap: 14 };
  var COMPACT = { padding: 4, gap: 6 };
  var LOWEST_PAGE_PX = 320;      // a lower window is scrolled as it comes
  var SETTLE_MS = 600;           // a button that has become another takes no tap meant for the one before

  // limits: {warnMs, lateMs}; secondsToUndo(record, now).
  function Board(element, limits, secondsToUndo) {
    this.element = element;
    this.limits = limits;
    this.secondsToUndo = secondsToUndo;
    this.drawn = {};             // by id: see _draw
    this.order = [];
    this.columns = [];
    this.compact = false;
    this.frame = null;           // see layout.js
    this.stale = true;
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
    if (redrawn || this.stale || order.join() !== before) { this.layout(); }
  };

  // The window, or what of it is the board's, has another size.
  board.resize = function (compact) {
    var id, entry;
    this.compact = compact;
    this.stale = true;
    for (id in this.drawn) {
      entry = this.drawn[id];
      entry.heights = null;
      if (entry.parts.length > 1) { entry.looks = ''; }   // drawn anew, in one piece
    }
  };

  // `parts` are its nodes, `heights` theirs, `top` where it is in its columns; `settled` is when its button takes a tap.
  board._draw = function (record, old, view, looks) {
    var node = pages.tickets.draw(record, view), kind = pages.tickets.kindOf(record), time = new Date().getTime();
    var entry = {
      node: node, parts: [node], heights: null, top: 0, revision: record.revision, record: record, looks: looks, kind: kind, settled: 0
    };
    var focused = old && old.parts.some(function (part) { return part.contains(document.activeElement); }) ? document.activeElement : null;
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
        entry.parts, entry.record, now, this.limits, this.secondsToUndo(entry.record, now)
      );
      if (pages.states.TO_COOK[entry.record.pedido.estado]) { counts.open++; }
      if (edad === 'tarde') { counts.late++; }
    }
    return counts;
  };

  // The big button of a ticket, wherever that ends.
  board.buttonOf = function (id) {
    var entry = this.drawn[id];
    return entry ? entry.parts[entry.parts.length - 1].querySelector('.ticket__do') : null;
  };

  board._setFrame = function () {
    var size = this.compact ? COMPACT : ROOMY, width = this.element.clientWidth;
    var wanted = Math.max(1, Math.floor(width / (window.innerWidth < WIDE_SCREEN ? 300 : 370)));
    var room = window.innerHeight - 2 * STRIP_PX - size.padding, i, column;
    if (wanted === 1 || room < LOWEST_PAGE_PX) { room = 0; }
    this.stale = false;
    this.frame = { columns: wanted, room: room, step: room + size.padding, gap: size.gap };
    while (this.columns.length > wanted) { this.element.removeChild(this.columns.pop()); }
    for (i = 0; i < wanted; i++) {
      column = this.columns[i] = this.columns[i] || dom.create('div');
      column.className = 'board__col board__col--' + Math.min(wanted, 8);
      this.element.appendChild(column);
    }
  };

  function heightOf(node) { return node.offsetHeight; }

  // Heights are read together and kept: a read after each change would lay the whole board out again for each ticket.
  board._measure = function () {
    var unknown = [], room = this.frame.room, i, entry;
    for (i = 0; i < this.order.length; i++) {
      entry = this.drawn[this.order[i]];
      if (entry.heights) { continue; }
      if (this.columns.indexOf(entry.node.parentNode) < 0) { this.columns[0].appendChild(entry.node); }
      unknown.push(entry);
    }
    for (i = 0; i < unknown.length; i++) { unknown[i].heights = [heightOf(unknown[i].node)]; }
    if (!room) { return; }
    for (i = 0; i < unknown.length; i++) {
      if (unknown[i].heights[0] > room) { this._cut(unknown[i], room); }
    }
  };

  board._cut = function (entry, room) {
    entry.parts = pages.tall.cut(entry.node, room, this.frame.columns);
    entry.parts.slice(1).forEach(entry.node.parentNode.appendChild, entry.node.parentNode);
    entry.heights = entry.parts.map(heightOf);
  };

  // Only what changes its place is moved.
  board.layout = function () {
    var scroll = window.pageYOffset, focused = document.activeElement, self = this, lists, placed, i;
    if (this.stale) { this._setFrame(); }
    this._measure();
    placed = pages.layout.place(this.order.map(function (id) { return self.drawn[id].heights; }), this.frame);
    lists = this.columns.map(function () { return []; });
    placed.places.forEach(function (place, index) {
      var entry = self.drawn[self.order[index]];
      entry.top = place.top;
      entry.parts.forEach(function (node, part) {
        lists[place.column + part].push({ node: node, top: place.top, height: entry.heights[part] });
      });
    });
    for (i = 0; i < lists.length; i++) { fill(this.columns[i], lists[i], this.frame.gap); }
    setStyle(this.element, 'minHeight', this.frame.room ? (placed.pages - 1) * this.frame.step + this.frame.room : 0);
    if (document.activeElement !== focused && this.element.contains(focused)) { focused.focus(); }
    if (window.pageYOffset !== scroll) { window.scrollTo(0, scroll); }
  };

  function setStyle(node, name, px) {
    var value = px ? px + 'px' : '';
    if (node.style[name] !== value) { node.style[name] = value; }
  }

  function fill(column, tickets, gap) {
    var next = column.firstChild, end = 0, i, node, space;
    for (i = 0; i < tickets.length; i++) {
      node = tickets[i].node;
      if (node === next) { next = next.nextSibling; } else { column.insertBefore(node, next); }
      space = tickets[i].top - end;
      setStyle(node, 'marginTop', space && i ? space + gap : space);   // the margins of two that follow each other are one
      end = tickets[i].top + tickets[i].height + gap;
    }
    while (next) {
      node = next.nextSibling;
      column.removeChild(next);
      next = node;
    }
  }

  // ---- where a ticket is ----------------------------------------------------------

  // How far the page is scrolled where this ticket is shown whole.
  board.scrollOf = function (id) {
    var top = this.drawn[id].top;
    return this.frame.room ? Math.floor(top / this.frame.step) * this.frame.step : top;
  };

  // [{record, parts}] in order.
  board.tickets = function () {
    var self = this;
    return this.order.map(function (id) { return self.drawn[id]; });
  };

  // [{record, parts, top, bottom}] in order; in the window, as it is scrolled now.
  board.places = function () {
    var begin = this.element.getBoundingClientRect().top, self = this;
    return this.order.map(function (id) {
      var entry = self.drawn[id], top = begin + entry.top;
      return { record: entry.record, parts: entry.parts, top: top, bottom: top + Math.max.apply(null, entry.heights) };
    });
  };

  pages.Board = Board;
}(window));
