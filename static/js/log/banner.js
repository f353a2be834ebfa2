/* The log's page says above its filters what is no alarm: that the service's
   engine is away, that the session is about to end, that there are newer
   files. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;

  function LogBanner(box) {
    this.box = box;
    this.since = null;           // when the engine went, as on the wire
    this.notices = {};           // by kind, as connection.js has them
  }

  var banner = LogBanner.prototype;

  banner.central = function (since) {
    if (since === this.since) { return; }
    this.since = since;
    this._show();
  };

  // Without a text it is said no more.
  banner.notice = function (kind, text, onTap) {
    if (text) { this.notices[kind] = { text: text, onTap: onTap }; } else { delete this.notices[kind]; }
    this._show();
  };

  banner._show = function () {
    var box = this.box, notice = this.notices.sesion || this.notices.version, words = [];
    if (this.since) {
      words = pages.away('obanner', this.since);
    } else if (notice) {
      words = [dom.icon('clock', 'icon--l'), dom.button('obanner__do', notice.text, notice.onTap)];
    }
    box.className = 'obanner log__banner' + (this.since ? '' : ' obanner--notice');
    dom.empty(box);
    words.forEach(function (node) { box.appendChild(node); });
    box.hidden = !words.length;
  };

  pages.LogBanner = LogBanner;
}(window));
