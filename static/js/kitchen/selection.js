/* A cook may work by keyboard, or by a bump bar: a number selects a ticket, or
   a row of the open list, and Enter or the same number again presses its
   button. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // choices(): the panel's name and what its numbers stand for: {panel, records}.
  // press(record, panel): its button. onChange(): another one is selected. reveal(id): its ticket is brought into sight.
  function Selection(choices, press, onChange, reveal) {
    this.choices = choices;
    this.press = press;
    this.onChange = onChange;
    this.reveal = reveal;
    this.chosen = null;          // {id, panel}
  }

  var selection = Selection.prototype;

  selection.clear = function () { this.chosen = null; };

  // The id that is selected on this panel, or null.
  selection.on = function (panel) {
    return this.chosen !== null && this.chosen.panel === panel ? this.chosen.id : null;
  };

  selection.digit = function (number) {
    var choices = this.choices(), record = choices.records[number - 1];
    if (!record) { return; }
    if (this.on(choices.panel) === record.id) {
      this.confirm();
      return;
    }
    this.chosen = { panel: choices.panel, id: record.id };
    this.onChange();
    if (choices.panel === 'board') { this.reveal(record.id); }
  };

  // False where nothing is selected.
  selection.confirm = function () {
    var chosen = this.chosen;
    if (!chosen) { return false; }
    if (this.press(chosen.id, chosen.panel) !== false) { this.chosen = null; }
    this.onChange();
    return true;
  };

  pages.Selection = Selection;
}(window));
