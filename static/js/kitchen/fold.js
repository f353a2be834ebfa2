/* Nothing lies below the fold unseen. The foot strip counts what is not whole in
   sight and jumps there; what came and nobody has seen is shown by itself, where
   nobody has touched the page for 3 s, stays for 3 s, and then the board goes
   back to where it was. Meanwhile the newest one's head stands in the strip. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var create = dom.create;
  var WORDS = pages.kitchenWords;
  var LOOKS = 12;                // looks are 250 ms apart: 3 s
  var SETTLE_LOOKS = 3;          // what has just moved by itself takes no tap that was meant for what lay there
  var MOST_SHOWN = 3;            // one that cannot be brought into sight is not shown for ever
  var SLACK_PX = 2;
  var PIECE_PX = 64;

  // options: board, sight, box() as in sight.js, below and head: the strip's buttons.
  function Fold(options) {
    var self = this;
    this.options = options;
    this.drawn = { below: '', head: '' };
    this.idle = 0;               // looks since somebody touched the page
    this.shown = 0;              // looks since something was shown by itself
    this.moved = 0;              // looks until taps are taken again
    this.home = null;            // where the board goes back to, while something is shown by itself
    this.goal = 0;
    this.newest = null;          // of sight's list: in the strip
    options.below.onclick = function () { self._jump(); };
    options.head.onclick = function () {
      if (self.newest) { self._leave(self._to(self.newest)); }
    };
  }

  var fold = Fold.prototype;

  // ---- moving -----------------------------------------------------------------------

  fold.touched = function () { this.idle = 0; };

  // Whether the board takes taps.
  fold.isSettled = function () { return this.moved === 0; };

  fold._scroll = function (y) {
    var page = window.document.documentElement;
    this.goal = Math.max(0, Math.min(Math.round(y), page.scrollHeight - window.innerHeight));
    window.scrollTo(0, this.goal);
  };

  // By a hand: it stays there.
  fold._leave = function (y) {
    this.home = null;
    this._scroll(y);
  };

  fold._byItself = function (y) {
    this._scroll(y);
    this.moved = SETTLE_LOOKS;
  };

  // Where something is in sight: its ticket whole, or what is too tall for that at the top.
  fold._to = function (item) {
    var y = this.options.board.scrollOf(item.record.id), by = y - window.pageYOffset;
    return this.options.sight.wouldBeInside(item, by) ? y : window.pageYOffset + this.options.sight.distance(item);
  };

  // While the board is laid out anew, the first ticket that is in sight stays where it can be seen whole.
  fold.keep = function (layOut) {
    var board = this.options.board, box = this.options.box(), first = board.frame && window.pageYOffset > 0 ?
      board.places().filter(function (place) { return !isAbove(place, box); })[0] : null;
    layOut();
    if (first && board.drawn[first.record.id]) { this._scroll(board.scrollOf(first.record.id)); }
  };

  // The order that a key has chosen.
  fold.reveal = function (id) {
    var box = this.options.box(), place;
    this.options.board.places().forEach(function (one) { if (one.record.id === id) { place = one; } });
    if (place && (place.top < box.top - SLACK_PX || place.bottom > box.bottom + SLACK_PX)) {
      this._leave(this.options.board.scrollOf(id));
    }
  };

  fold._show = function (item) {
    item.shown++;
    this.shown = 0;
    this._byItself(this._to(item));
  };

  // Four times a second, after sight has looked.
  fold.look = function () {
    var next = null;
    this.moved = Math.max(0, this.moved - 1);
    if (!this.options.sight.isWatched()) {
      this.idle = 0;
      return;
    }
    this.idle++;
    this.shown++;
    if (this.home !== null && Math.abs(window.pageYOffset - this.goal) > SLACK_PX && this.idle < LOOKS) { this.home = null; }
    if (this.idle < LOOKS || (this.home !== null && this.shown < LOOKS)) { return; }
    next = this.options.sight.outside().filter(function (item) { return item.shown < MOST_SHOWN; })[0];
    if (next) {
      if (this.home === null) { this.home = window.pageYOffset; }
      this._show(next);
    } else if (this.home !== null) {
      this._byItself(this.home);
      this.home = null;
    }
  };

  // ---- the strip ---------------------------------------------------------------------

  // What is too tall to be whole is neither while a good piece of it is in sight.
  function isTall(place, box) {
    return place.bottom - place.top > box.bottom - box.top && place.top < box.bottom - PIECE_PX && place.bottom > box.top + PIECE_PX;
  }

  function isAbove(place, box) { return place.top < box.top - SLACK_PX && !isTall(place, box); }

  function isBelow(place, box) { return place.bottom > box.bottom + SLACK_PX && !isAbove(place, box) && !isTall(place, box); }

  fold._jump = function () {
    var box = this.options.box(), below = this.options.board.places().filter(function (place) { return isBelow(place, box); });
    below.sort(function (a, b) { return a.top - b.top; });
    this._leave(below.length ? this.options.board.scrollOf(below[0].record.id) : 0);
  };

  // Which of WORDS.news it is, while nobody has touched it; -1 where it is none.
  function kindOf(record) {
    if (record.pedido.estado === 'cancelado') { return 2; }
    if (record.changedAt !== null) { return 1; }
    return record.fresh ? 0 : -1;
  }

  // ['2 nuevos', '1 cambio']
  function news(places) {
    return WORDS.news.map(function (said, kind) {
      var count = places.filter(function (place) { return kindOf(place.record) === kind; }).length;
      return count ? pages.fill(said, { n: count }) : '';
    }).filter(Boolean);
  }

  fold._showBelow = function (places, box) {
    var below = places.filter(function (place) { return isBelow(place, box); });
    var above = places.filter(function (place) { return isAbove(place, box); });
    var side = below.length ? below : above, words = news(side), node = this.options.below;
    var key = JSON.stringify([below.length, above.length, words]);
    if (key === this.drawn.below) { return; }
    this.drawn.below = key;
    dom.empty(node);
    node.hidden = !side.length;
    if (!side.length) { return; }
    node.appendChild(dom.icon(below.length ? 'down' : 'up', 'icon--l'));
    node.appendChild(dom.text(pages.fill(below.length ? WORDS.below : WORDS.above, { n: side.length })));
    if (words.length) {
      node.appendChild(create('span', 'sr-only', ' · '));
      node.appendChild(create('span', 'kbelow__new', [dom.icon('bell'), dom.text(words.join(' · '))]));
    }
  };

  function wordOf(record) {
    if (record.pedido.estado === 'cancelado') { return WORDS.cancelled; }
    if (record.changedAt !== null) { return WORDS.changed; }
    return record.recalled ? WORDS.recalled : WORDS.isNew;
  }

  fold._showHead = function () {
    var outside = this.options.sight.isWatched() ? this.options.sight.outside() : [], node = this.options.head, record, key;
    this.newest = outside.sort(function (a, b) { return b.at - a.at; })[0] || null;
    record = this.newest && this.newest.record;
    key = record ? [record.id, record.revision].join() : '';
    if (key === this.drawn.head) { return; }
    this.drawn.head = key;
    dom.empty(node);
    node.hidden = !record;
    if (!record) { return; }
    node.appendChild(create('span', 'khead__word', wordOf(record)));
    node.appendChild(create('b', 'khead__label', pages.tickets.title(record.pedido)));
    node.appendChild(create('span', 'khead__meta', '#' + (record.pedido.numero || record.id)));
  };

  // After the board was drawn, or has moved.
  fold.show = function () {
    if (!this.options.board.frame) { return; }
    this._showBelow(this.options.board.places(), this.options.box());
    this._showHead();
  };

  pages.Fold = Fold;
}(window));
