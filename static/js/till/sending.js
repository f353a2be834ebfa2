/* Orders that were taken at the counter and are not saved yet: on their way,
   found unsent after a reload, or refused. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var fill = pages.fill;
  var wording = pages.wording;
  var WORDS = pages.tillWords;

  // onOpen(draft): it is written on.
  function Sending(container, operations, onOpen, onChange) {
    this.rows = new pages.Rows(container);
    this.operations = operations;
    this.onOpen = onOpen;
    this.onChange = onChange;
    this.refused = [];           // {operation, why}
  }

  var sending = Sending.prototype;

  sending.refuse = function (operation, error) {
    this.refused.push({ operation: operation, why: wording.refusal(error) });
  };

  sending._drop = function (entry) {
    this.refused.splice(this.refused.indexOf(entry), 1);
    this.onChange();
  };

  // A button that is there for one of the two answers.
  function choice(text, onTap) { return dom.button('btn btn--secondary btn--touch', text, onTap); }

  function row(operation, text, buttons) {
    return {
      key: operation.id,
      content: text,
      draw: function () {
        return dom.create('div', 'due due--sending', [
          dom.create('p', 'due__what', [dom.create('span', 'due__label', operation.info.label), dom.create('span', 'due__meta', text)]),
          buttons.length ? dom.create('p', 'due__buttons', buttons) : null
        ]);
      }
    };
  }

  sending.show = function () {
    var self = this, operations = this.operations;
    this.rows.show(operations.list.filter(function (operation) { return !operation.info.pedido_id; }).map(function (operation) {
      return operation.state !== 'held' ? row(operation, operations.words(operation), []) : row(operation, WORDS.held, [
        choice(WORDS.sendNow, function () { operations.sendHeld(operation); }),
        choice(WORDS.discard, function () { operations.discard(operation); })
      ]);
    }).concat(this.refused.map(function (entry) {
      var info = entry.operation.info;
      return row(entry.operation, fill(WORDS.notSent, { whom: info.summary, why: entry.why }), [
        choice(WORDS.open, function () {
          self._drop(entry);
          self.onOpen(info.draft);
        }),
        choice(WORDS.discard, function () { self._drop(entry); })
      ]);
    })));
  };

  pages.Sending = Sending;
}(window));
