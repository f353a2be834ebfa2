/* This asks for JSON again and again: one request at a time, never sooner
   after the last than `leastMs`, and without being told to after `mostMs`. It
   asks for nothing while nobody looks at the page. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var RETRY_MS = 4000;

  // wanted: what an answer holds (http.js). onAnswer(body): what is not answered is soon asked for again, and what
  // was known stays. onAsk(), if any: before each request.
  function Ask(path, wanted, leastMs, mostMs, onAnswer, onAsk) {
    var self = this;
    this.path = path;
    this.wanted = wanted;
    this.leastMs = leastMs;
    this.mostMs = mostMs;
    this.onAnswer = onAnswer;
    this.onAsk = onAsk || function () { return; };
    this.request = null;
    this.again = false;          // asked for while a request was under way
    this.timer = null;
    this.askedAt = null;
    document.addEventListener('visibilitychange', function () {
      if (!document.hidden) { self.soon(); }
    });
  }

  var ask = Ask.prototype;

  ask.soon = function () {
    var left = this.askedAt === null ? 0 : this.askedAt + this.leastMs - new Date().getTime();
    if (this.request) { this.again = true; return; }
    this._in(Math.max(0, Math.min(left, this.leastMs)));
  };

  // At once, and of another path: what is under way is dropped.
  ask.of = function (path) {
    this.path = path;
    if (this.request) {
      this.request.drop();
      this.request = null;
    }
    this._in(0);
  };

  // What was answered changes no more.
  ask.rest = function () { window.clearTimeout(this.timer); };

  ask._in = function (ms) {
    var self = this;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(function () { self._ask(); }, ms);
  };

  ask._ask = function () {
    var self = this;
    if (document.hidden) { return; }
    this.again = false;
    this.askedAt = new Date().getTime();
    this.onAsk();
    this.request = pages.http.get(this.path, this.wanted, function (answer) {
      self.request = null;
      if (self.again) { self.soon(); } else { self._in(answer.status === 200 ? self.mostMs : RETRY_MS); }
      if (answer.status === 200) { self.onAnswer(answer.body); }
    });
  };

  pages.Ask = Ask;
}(window));
