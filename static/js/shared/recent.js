/* This remembers values by a key, the newest ones: a page is open for weeks,
   and what is remembered for ever grows for ever. Of what was set, the last
   `most` are surely there, and never more than twice as many. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  function Recent(most) {
    this.most = most;
    this.count = 0;              // of the young
    this.young = {};
    this.old = {};
  }

  Recent.prototype.set = function (key, value) {
    if (!this.young.hasOwnProperty(key)) { this.count++; }
    this.young[key] = value;
    if (this.count < this.most) { return; }
    this.old = this.young;
    this.young = {};
    this.count = 0;
  };

  // undefined of what is not, or no more, there.
  Recent.prototype.get = function (key) {
    return this.young.hasOwnProperty(key) ? this.young[key] : this.old.hasOwnProperty(key) ? this.old[key] : undefined;
  };

  pages.Recent = Recent;
}(window));
