/* What has moved under a finger takes no touch for a moment: the next card
   slides to where the last one was tapped, a ticket leaves and another is in
   its place. A touch on what stands where it stood is never lost, nor is a key.

   A target is known by the place in the document that it belongs to and by what
   it says, not by its node: what is drawn anew in its place has not moved. Of a
   double click by the mouse the second click is treated as a touch. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var SETTLE_MS = 400;
  var FAR_PX = 8;                // less is no other place
  var NEAR_PX = 40;              // a second tap of a finger falls no further from the first
  var TOUCH_MS = 1000;           // a click so soon after a touch is the touch's own
  var TARGETS = 'a, button, label';
  var TICKETS = '.ticket';
  var OWNERS = ['data-pedido-id', 'data-parte-de', 'data-producto-id', 'data-item-id', 'data-operacion-id'];

  function Settle() {
    var self = this;
    this.places = {};            // by key: {x, y (in the document), vx, vy (in the window), box, movedAt, cameAt}
    this.gone = [];              // [{box, at}]: what is no longer there
    this.asked = false;          // a look is on its way
    this.touchedAt = -Infinity;
    this.last = { at: -Infinity, x: 0, y: 0 };
    ['touchstart', 'touchend'].forEach(function (name) {
      document.addEventListener(name, function () { self.touchedAt = pages.clock.steady(); }, true);
    });
    document.addEventListener('click', function (event) { self._onClick(event); }, true);
    this._watch();
  }

  var settle = Settle.prototype;

  settle._watch = function () {
    var self = this, Observer = window.MutationObserver;
    function look() {
      self.asked = false;
      self.look();
    }
    if (!Observer || !window.requestAnimationFrame) {
      window.setInterval(look, 100);
      return;
    }
    // Once a frame, when the browser has laid the page out anyway.
    new Observer(function () {
      if (!self.asked) {
        self.asked = true;
        window.requestAnimationFrame(look);
      }
    }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['class', 'hidden'] });
  };

  // ---- what a target is ------------------------------------------------------------

  function isTicket(node) { return (' ' + node.className + ' ').indexOf(' ticket ') >= 0; }

  // A ticket of the kitchen is one target: its button changes with each tap.
  function targetOf(node) {
    var found = null, ticket = null;
    while (node && node !== document) {
      if (!found && /^(?:A|BUTTON|LABEL)$/.test(node.tagName)) { found = node; }
      if (isTicket(node)) { ticket = node; }
      node = node.parentNode;
    }
    return ticket || found;
  }

  function keyOf(node) {
    var key = isTicket(node) ? '' : (node.getAttribute('aria-label') || node.textContent).replace(/\d+/g, '#'), i, value;
    if (node.id) { return node.id + key; }
    while (node && node !== document.body) {
      for (i = 0; i < OWNERS.length; i++) {
        value = node.getAttribute(OWNERS[i]);
        if (value) { key += '/' + value; }
      }
      if (node.id) { return key + '@' + node.id; }
      node = node.parentNode;
    }
    return key;
  }

  function scrolledBy(node) {
    var by = { x: window.pageXOffset || 0, y: window.pageYOffset || 0 };
    for (node = node.parentNode; node && node !== document.body && node !== document; node = node.parentNode) {
      by.x += node.scrollLeft;
      by.y += node.scrollTop;
    }
    return by;
  }

  function placeOf(node) {
    var box = node.getBoundingClientRect(), by = scrolledBy(node);
    return { box: box, vx: box.left, vy: box.top, x: box.left + by.x, y: box.top + by.y, movedAt: -Infinity, cameAt: -Infinity };
  }

  function isFar(x, y, otherX, otherY) {
    return Math.abs(x - otherX) > FAR_PX || Math.abs(y - otherY) > FAR_PX;
  }

  // Who scrolls moves what stands in the window, or in the document, not both.
  function hasMoved(place, before) {
    return isFar(place.x, place.y, before.x, before.y) && isFar(place.vx, place.vy, before.vx, before.vy);
  }

  // ---- looking -----------------------------------------------------------------------

  settle._targets = function () {
    var nodes = document.querySelectorAll(document.body.className.indexOf('kitchen') >= 0 ? [TICKETS, TARGETS].join() : TARGETS);
    return Array.prototype.filter.call(nodes, function (node) { return targetOf(node) === node; });
  };

  settle.look = function () {
    var self = this, at = pages.clock.steady(), found = {}, counts = {}, key;
    this._targets().forEach(function (node) {
      var place = placeOf(node), before, name = keyOf(node);
      if (!place.box.width || !place.box.height) { return; }   // not in sight
      counts[name] = (counts[name] || 0) + 1;
      name += '#' + counts[name];
      before = self.places[name];
      place.cameAt = before ? before.cameAt : at;
      place.movedAt = before && hasMoved(place, before) ? at : before ? before.movedAt : -Infinity;
      found[name] = place;
    });
    this.gone = this.gone.filter(function (one) { return at - one.at < SETTLE_MS; });
    for (key in this.places) {
      if (!found.hasOwnProperty(key)) { this.gone.push({ box: this.places[key].box, at: at }); }
    }
    this.places = found;
  };

  function holds(box, x, y) {
    return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
  }

  // What is at this point, of those that the last look found.
  settle._at = function (node) {
    var box = node.getBoundingClientRect(), name = keyOf(node), i, place;
    for (i = 1; this.places.hasOwnProperty(name + '#' + i); i++) {
      place = this.places[name + '#' + i];
      if (!isFar(place.vx, place.vy, box.left, box.top)) { return place; }
    }
    return null;
  };

  // Does this point belong to something else than a moment ago?
  settle._isFresh = function (place, x, y, at) {
    if (at - place.movedAt < SETTLE_MS) { return true; }
    if (at - place.cameAt >= SETTLE_MS) { return false; }
    return (at - this.last.at < SETTLE_MS && Math.abs(x - this.last.x) < NEAR_PX && Math.abs(y - this.last.y) < NEAR_PX) ||
      this.gone.some(function (one) { return holds(one.box, x, y); });
  };

  settle._isTouch = function (event, at) {
    if (event.detail > 1) { return true; }
    return event.pointerType ? event.pointerType !== 'mouse' : at - this.touchedAt < TOUCH_MS;
  };

  settle._onClick = function (event) {
    var at = pages.clock.steady(), target, place, fresh;
    if (!event.detail) { return; }   // by a key, or a script
    target = targetOf(event.target);
    this.look();
    place = target && this._at(target);
    fresh = !!place && this._isTouch(event, at) && this._isFresh(place, event.clientX, event.clientY, at);
    this.last = { at: at, x: event.clientX, y: event.clientY };
    if (fresh) {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  pages.settle = new Settle();
}(window));
