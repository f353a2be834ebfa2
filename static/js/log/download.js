/* A download goes by a plain link, so that the browser writes the file as it
   comes: it is never in the page's memory, old browsers do the same, and
   leaving the page does not end it. How far it is, the service tells, by the
   name that the link carries. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.logWords;
  var PROGRESS = '/api/notificaciones/descargas';
  var ASK_MS = 1000;
  var ASK_AT_MOST = 10;          // for one that the service does not know: it was refused

  function uuid() {
    return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, function () {
      return Math.floor(Math.random() * 16).toString(16);
    });
  }

  // elements: {box, gauge, text}
  function Download(elements) {
    this.elements = elements;
    this.name = null;
    this.running = false;
    this.unknown = 0;
    this.timer = null;
  }

  var download = Download.prototype;

  // The link's address for the click that is under way.
  download.address = function (path, query) {
    this.name = uuid();
    this.unknown = 0;
    this.running = true;
    this._show(0, WORDS.preparing);
    this._soon();
    return path + '?' + (query ? query + '&' : '') + 'descarga=' + this.name;
  };

  // What has ended is of no interest any more.
  download.forget = function () {
    if (!this.running) { this.elements.box.hidden = true; }
  };

  download._soon = function () {
    var self = this;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(function () { self._ask(); }, ASK_MS);
  };

  download._ask = function () {
    var self = this, name = this.name;
    pages.http.get(PROGRESS, { descargas: 'list' }, function (answer) {
      if (name !== self.name) { return; }
      if (answer.status === 0) { self._soon(); return; }
      self._tell(answer.status === 200 ? self._find(answer.body.descargas) : null);
    });
  };

  download._find = function (list) {
    var i;
    for (i = list.length - 1; i >= 0; i--) {
      if (list[i].descarga === this.name) { return list[i]; }
    }
    return null;
  };

  download._tell = function (found) {
    var wording = pages.wording, how;
    if (!found) {
      this.unknown += 1;
      if (this.unknown < ASK_AT_MOST) { this._soon(); } else { this._end(0, WORDS.unknown); }
      return;
    }
    how = { all: wording.thousands(found.filas), sent: wording.thousands(found.enviadas) };
    if (found.estado === 'completa') { this._end(1, pages.fill(WORDS.complete, how)); return; }
    if (found.estado === 'interrumpida') { this._end(found.enviadas / found.filas, pages.fill(WORDS.interrupted, how)); return; }
    this._show(found.enviadas / found.filas, pages.fill(WORDS.downloading, how));
    this._soon();
  };

  download._end = function (part, text) {
    this.running = false;
    this._show(part, text);
  };

  download._show = function (part, text) {
    this.elements.box.hidden = false;
    this.elements.gauge.style.width = Math.floor((part || 0) * 100) + '%';
    dom.setText(this.elements.text, text);
  };

  pages.Download = Download;
}(window));
