/* What was done just now stands for five seconds where the finger was, with
   the button that takes it back. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var UNDO_MS = 5000;            // as on the kitchen's board

  // onChange(): one has come, or its time is over.
  function Undo(onChange) {
    this.onChange = onChange;
    this.list = [];              // {key, text, more, take(), until, operation}
  }

  var undo = Undo.prototype;

  // key: of what was done; text and more: its words, the first of them bold; take(): takes it back.
  undo.offer = function (key, text, more, take) {
    var self = this, entry = { key: key, text: text, more: more || '', take: take, until: clock.steady() + UNDO_MS, operation: null };
    this.drop(key);
    this.list.push(entry);
    clock.after(UNDO_MS, function () {
      var index = self.list.indexOf(entry);
      if (index < 0) { return; }
      self.list.splice(index, 1);
      self.onChange();
    });
    this.onChange();
    return entry;
  };

  // The same of an operation that is kept for so long: taken back, it is never sent. onLate(): it has been by then, since
  // more was asked of its order.
  undo.offerKept = function (operations, operation, key, text, more, onLate) {
    this.offer(key, text, more, function () {
      if (operation.kept) { operations.discard(operation); } else { onLate(); }
    }).operation = operation;
  };

  // What was sent meanwhile cannot be taken back any more.
  function holds(entry) { return entry.operation === null || entry.operation.kept; }

  undo.of = function (key) {
    return this.list.filter(function (entry) { return entry.key === key && holds(entry); })[0] || null;
  };

  // The newest, or null.
  undo.last = function () {
    return this.list.filter(holds).pop() || null;
  };

  undo.drop = function (key) {
    this.list = this.list.filter(function (entry) { return entry.key !== key; });
  };

  undo.take = function (entry) {
    if (this.list.indexOf(entry) < 0) { return; }
    this.drop(entry.key);
    entry.take();
    this.onChange();
  };

  function seconds(entry) {
    return pages.fill(pages.sheetWords.undoLeft, { n: Math.max(1, Math.ceil((entry.until - clock.steady()) / 1000)) });
  }

  undo._button = function (entry, className) {
    var self = this, left = dom.create('span', 'num undo__left', seconds(entry)), timer;
    var node = dom.button(className, [dom.icon('undo'), dom.text(pages.words.undo + ' '), left], function () { self.take(entry); });
    node.setAttribute('aria-label', pages.words.undo + ': ' + entry.text + ' ' + entry.more);
    timer = window.setInterval(function () {
      if (self.list.indexOf(entry) < 0) { window.clearInterval(timer); } else { dom.setText(left, seconds(entry)); }
    }, 250);
    return node;
  };

  // The dark bar with its white button.
  undo.bar = function (entry) {
    var node = dom.create('div', 'undobar', [
      dom.create('span', 'undobar__text', [dom.icon('check'), dom.create('b', '', entry.text), dom.text(entry.more ? ' ' + entry.more : '')]),
      this._button(entry, 'undobar__btn')
    ]);
    node.setAttribute('role', 'status');
    return node;
  };

  // The button alone, for a card.
  undo.button = function (entry) {
    return this._button(entry, 'btn btn--inverse');
  };

  Undo.MS = UNDO_MS;
  pages.Undo = Undo;
}(window));
