/* This tells the service which events a cook can see: those of the tickets
   that are drawn on a visible page. Each is told once, and what comes together
   is sent together. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var PAUSE_MS = 250;

  function Receipts(client) {
    this.client = client;
    this.known = {};             // ids that have been sent, or wait to be
    this.waiting = [];
    this.timer = null;
  }

  // records: of the tickets on the board, each with its `events`. What is drawn
  // while nobody can see it waits for the next time.
  Receipts.prototype.drawn = function (records) {
    var self = this, i, j, events;
    if (document.hidden) { return; }
    for (i = 0; i < records.length; i++) {
      events = records[i].events;
      for (j = 0; j < events.length; j++) {
        if (!this.known[events[j]]) {
          this.known[events[j]] = true;
          this.waiting.push(events[j]);
        }
      }
      records[i].events = [];
    }
    if (this.waiting.length && this.timer === null) {
      this.timer = window.setTimeout(function () { self._send(); }, PAUSE_MS);
    }
  };

  Receipts.prototype._send = function () {
    this.timer = null;
    this.client.acusarRecibo(this.waiting);
    this.waiting = [];
  };

  pages.Receipts = Receipts;
}(window));
