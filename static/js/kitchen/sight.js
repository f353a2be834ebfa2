/* An event counts as seen where its ticket's head, and of a change the changed
   line too, was in sight for one second. In sight is what lies whole in the
   part of the window that shows tickets, on a visible page of a shift that has
   begun. IntersectionObserver tells what moves in and out; without it, and
   before anything is told to the service, rectangles are measured. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var LOOKS = 5;                 // looks are 250 ms apart (page.js): the first, and a second more
  var SLACK_PX = 2;
  var TALL = 0.9;                // what is taller than the visible part is in sight where it fills so much of it
  var STEPS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1];

  // options: box() → {top, right, bottom, left}: the part of the window that shows tickets; begun(): whether the shift
  // has, with nothing over the board; onSeen(record, ids).
  function Sight(options) {
    this.options = options;
    this.list = [];              // what is to be seen, in the order of the board; see itemOf
    this.byId = {};
    this.observer = null;
    this.margin = '';
    this.observed = [];          // nodes, each with the stamp of when it was last wanted
    this.stamp = 0;
  }

  var sight = Sight.prototype;

  // ---- what is to be seen ----------------------------------------------------

  // tickets: [{record, parts: the nodes of its ticket}], in order.
  sight.show = function (tickets) {
    var byId = {}, list = [], moved = false, i, j, events, item;
    for (i = 0; i < tickets.length; i++) {
      events = tickets[i].record.events;
      for (j = 0; j < events.length; j++) {
        item = this.byId[events[j].id] || itemOf(events[j]);
        moved = aim(item, tickets[i], events[j]) || moved;
        byId[item.id] = item;
        list.push(item);
      }
    }
    moved = moved || list.length !== this.list.length;
    this.byId = byId;
    this.list = list;
    if (moved) { this._observe(); }
  };

  // `head` and `line` count the looks at which those were in sight.
  function itemOf(event) {
    return { id: event.id, at: event.at, shown: 0, head: 0, line: 0, parts: null };
  }

  function find(parts, selector) {
    var found = [], i, node;
    for (i = 0; i < parts.length; i++) {
      node = parts[i].querySelector(selector);
      if (node) { found.push(node); }
    }
    return found;
  }

  // True where it is to be looked for on other nodes than before.
  function aim(item, ticket, event) {
    var same = item.parts === ticket.parts && item.of === event.line;
    item.record = ticket.record;
    item.quiet = event.quiet;
    if (same) { return false; }
    item.parts = ticket.parts;
    item.of = event.line;
    item.heads = find([ticket.parts[0]], '.ticket__band').concat(find([ticket.parts[0]], '.ticket__head'));
    item.lines = event.line === null || event.line === undefined ? [] :
      find(ticket.parts, '[data-item-id="' + event.line + '"], [data-quitado-id="' + event.line + '"]');
    return true;
  }

  // ---- whether it is ------------------------------------------------------------

  function isInside(rect, box) {
    var height = rect.bottom - rect.top, room = box.bottom - box.top;
    var shown = Math.min(rect.bottom, box.bottom) - Math.max(rect.top, box.top);
    return height > 0 && rect.left >= box.left - SLACK_PX && rect.right <= box.right + SLACK_PX &&
      shown >= Math.min(height - SLACK_PX, room * TALL);
  }

  // As measured now. by: how far the page is about to be scrolled.
  function measured(nodes, box, by) {
    return nodes.every(function (node) {
      var rect = node.getBoundingClientRect();
      return isInside({ top: rect.top - by, bottom: rect.bottom - by, left: rect.left, right: rect.right }, box);
    });
  }

  sight._observe = function () {
    var self = this, next = [], stamp;
    if (!window.IntersectionObserver) { return; }
    stamp = this.stamp = this.stamp + 1;
    this._watch();
    this.list.forEach(function (item) {
      item.heads.concat(item.lines).forEach(function (node) {
        if (node.sightStamp !== stamp) { next.push(node); }
        if (!node.sightStamp) { self.observer.observe(node); }
        node.sightStamp = stamp;
      });
    });
    this.observed.forEach(function (node) {
      if (node.sightStamp === stamp) { return; }
      self.observer.unobserve(node);
      node.sightStamp = 0;
    });
    this.observed = next;
  };

  function onMove(entries) {
    entries.forEach(function (entry) {
      var room = entry.rootBounds ? entry.rootBounds.height : window.innerHeight;
      entry.target.isInSight = entry.intersectionRatio >= 0.99 || entry.intersectionRect.height >= room * TALL;
    });
  }

  // An observer's margins are given once: another visible part needs another one.
  sight._watch = function () {
    var box = this.options.box(), page = document.documentElement, margin, i;
    margin = [-box.top, box.right - page.clientWidth, box.bottom - window.innerHeight, -box.left].map(function (side) {
      return Math.min(0, Math.round(side)) + 'px';
    }).join(' ');
    if (margin === this.margin) { return; }
    if (this.observer) { this.observer.disconnect(); }
    this.margin = margin;
    this.observer = new window.IntersectionObserver(onMove, { rootMargin: margin, threshold: STEPS });
    for (i = 0; i < this.observed.length; i++) { this.observer.observe(this.observed[i]); }
  };

  function looksAt(count, nodes, box) {
    if (count >= LOOKS) { return count; }
    if (window.IntersectionObserver && !nodes.every(function (node) { return node.isInSight; })) { return 0; }
    return measured(nodes, box, 0) ? count + 1 : 0;
  }

  // Four times a second.
  sight.look = function () {
    var seen = [], self = this, box;
    if (!this.list.length) { return; }
    if (!this.isWatched()) {
      this.list.forEach(function (item) { item.head = item.line = 0; });
      return;
    }
    if (window.IntersectionObserver) { this._watch(); }
    box = this.options.box();
    this.list.forEach(function (item) {
      item.head = looksAt(item.head, item.heads, box);
      item.line = looksAt(item.line, item.lines, box);
      if (item.head >= LOOKS && item.line >= LOOKS && item.of !== undefined) { seen.push(item); }
    });
    if (!seen.length) { return; }
    this.list = this.list.filter(function (item) { return seen.indexOf(item) < 0; });
    seen.forEach(function (item) { self.options.onSeen(item.record, [item.id]); });
  };

  sight.isWatched = function () {
    return !document.hidden && this.options.begun();
  };

  // ---- what calls ----------------------------------------------------------------

  // What of it has not been in sight yet: nodes.
  function wanted(item) {
    return (item.head >= LOOKS ? [] : item.heads).concat(item.line >= LOOKS ? [] : item.lines);
  }

  // As the observer said last, where it has said anything.
  function isShown(nodes, box) {
    return nodes.every(function (node) { return node.isInSight === undefined ? measured([node], box, 0) : node.isInSight; });
  }

  // What came and is not in sight now, in the order of the board.
  sight.outside = function () {
    var box = this.options.box();
    return this.list.filter(function (item) { return !item.quiet && !isShown(wanted(item), box); });
  };

  // Whether it would all be in sight after scrolling by so much.
  sight.wouldBeInside = function (item, by) {
    return measured(wanted(item), this.options.box(), by);
  };

  // How far to scroll so that what comes first of it is at the top.
  sight.distance = function (item) {
    return wanted(item)[0].getBoundingClientRect().top - this.options.box().top - 8;
  };

  pages.Sight = Sight;
}(window));
