/* A screen is what every live page begins with: the client of the page's room,
   the service's clock, drawing each second and soon after a change, what
   happens when the session ends, and when there are newer files than the page's. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // draw(): the whole page, as things are now.
  function Screen(draw) {
    var self = this, body = window.document.body;
    this.draw = draw;
    this.timer = null;
    this.userId = Number(body.getAttribute('data-usuario-id')) || null;
    this.username = body.getAttribute('data-username');
    this.role = body.getAttribute('data-rol');
    this.client = window.__notif = new window.ClienteNotificaciones({
      rol: body.getAttribute('data-room-role'),
      usuario_id: this.userId,
      username: this.username,
      debug: /[?&]debug=1/.test(window.location.search)
    });
    // Many events at once, as after a pause, are drawn once.
    this.redraw = function () {
      if (self.timer === null) { self.timer = window.setTimeout(function () { self._drawNow(); }, 0); }
    };
    this.client.on('hora', function (time) { pages.clock.set(time.hora_servidor, time.desfase_ms); });
    pages.clock.setFromPage();
    this.session = new pages.Session({
      usuario_id: this.userId, username: this.username, rol: this.role
    }, body.getAttribute('data-expira'), this.client);
    this.client.on('sesion_terminada', function () { self.session.end(); });
  }

  // notices: where the page says what is no alarm, see connection.js. mayReload: see version.js. onBack(): after its end
  // the same person's session goes on.
  Screen.prototype.tell = function (notices, mayReload, onBack) {
    var version = new pages.Version(this.client, notices, mayReload);
    this.session.notices = notices;
    this.session.onBack = function (early) {
      version.isBack = !early;
      if (onBack) { onBack(); }
    };
  };

  // What is drawn is whole: it may be seen.
  Screen.prototype.unveil = function () {
    var body = window.document.body;
    if (/ is-unknown$/.test(body.className)) { body.className = body.className.replace(/ is-unknown$/, ''); }
  };

  Screen.prototype._drawNow = function () {
    this.timer = null;
    this.draw();
  };

  // Once the page's handlers are there.
  Screen.prototype.start = function () {
    window.setInterval(this.draw, 1000);
    this.draw();
    this.client.conectar({ instantanea: true });
  };

  pages.Screen = Screen;
}(window));
