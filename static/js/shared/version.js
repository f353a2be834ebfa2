/* A page that was open during an upgrade says so. It loads itself anew only
   where nobody loses anything by it, and once for each version: behind one
   address there may be services of two. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var KEY = 'notif:version';
  var LOOK_MS = 2000;
  var HEARD_MS = 5000;
  var REST_MS = 10 * 60000;
  var TOUCHES = ['mousedown', 'touchstart', 'keydown', 'wheel'];

  // client: of the page, or null where it has none and tells `take` by itself. notices: see connection.js.
  // mayReload(restedMs): nothing is lost now, of what nobody has touched for so long.
  function Version(client, notices, mayReload) {
    var self = this;
    this.own = window.document.body.getAttribute('data-version');
    this.found = '';             // the service's, where it is another one
    this.notices = notices;
    this.mayReload = mayReload;
    this.isBack = false;         // somebody has just signed in again
    this.touchedAt = pages.clock.now();
    this.heardAt = 0;
    TOUCHES.forEach(function (name) {
      window.document.addEventListener(name, function () { self.touchedAt = pages.clock.now(); }, true);
    });
    if (client) {
      client.on('version', function (told) { self.take(told.version); });
      client.on('conexion', function (state) { self._askPolling(state.modo); });
    }
    window.setInterval(function () { self._look(); }, LOOK_MS);
  }

  var version = Version.prototype;

  // found: the service's.
  version.take = function (found) {
    this.heardAt = pages.clock.now();
    this.found = found === this.own ? '' : found;
    this.notices.notice('version', this.found ? pages.words.newVersion : '', function () { window.location.reload(); });
    if (this.isBack && this.found) { this._reload(); }
    this.isBack = false;
    this._look();
  };

  // A stream's greeting tells, polls do not: after a break the snapshot is asked.
  version._askPolling = function (mode) {
    var self = this;
    if (mode !== 'polling' || Math.abs(pages.clock.now() - this.heardAt) < HEARD_MS) { return; }
    pages.http.get('/api/pedidos', { version: 'string' }, function (answer) {
      if (answer.status === 200) { self.take(answer.body.version); }
    });
  };

  version._look = function () {
    if (this.found && this.mayReload(Math.max(0, pages.clock.now() - this.touchedAt))) { this._reload(); }
  };

  version._reload = function () {
    var done = pages.storage.tab;
    if (done.get(KEY) === this.found) { return; }
    done.set(KEY, this.found);
    if (done.get(KEY) === this.found) { window.location.reload(); }   // what is not remembered would never end
  };

  Version.REST_MS = REST_MS;

  pages.Version = Version;
}(window));
