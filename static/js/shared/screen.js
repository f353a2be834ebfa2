/* A screen is what every live page begins with: the client of the page's room,
   the service's clock, drawing each second and soon after a change, and the
   way out when the session ends. */
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
    this.client.on('sesion_terminada', function () {
      window.location.replace('/login?next=' + window.location.pathname);
    });
    pages.clock.setFromPage();
  }

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
