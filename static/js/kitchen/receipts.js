/* This tells the service which events were in sight of a cook, or touched. Each
   is told once, and what comes together is sent together. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var PAUSE_MS = 250;

  function Receipts(client) {
    this.client = client;
    this.waiting = [];
    this.timer = null;
  }

  Receipts.prototype.add = function (ids) {
    var self = this;
    this.waiting = this.waiting.concat(ids);
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
