/* A session ends after a shift, or is ended. The page stays as it was, dimmed,
   and asks the same person for the PIN; then everything goes on where it was.
   Ten minutes before it says so, and the PIN may be given at once. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var SOON_MS = 10 * 60000;
  var LOOK_MS = 1000;
  var WORDS = pages.words;

  // person: {usuario_id, username, rol}. expires: a time on the wire, or ''. client: of the page, or null where it has
  // none. The rest may be set later: notices.notice(kind, text, onTap), see connection.js; onBack(early): the same
  // person goes on.
  function Session(person, expires, client) {
    var self = this;
    this.person = person;
    this.client = client;
    this.expiresAt = pages.clock.parseTold(expires);
    this.notices = null;
    this.onBack = function () { return; };
    this.ended = false;
    this.box = null;
    this.noticed = '';
    window.setInterval(function () { self._look(); }, LOOK_MS);
    window.addEventListener('storage', function (event) {
      if (event.key === pages.people.KEY && self.ended) { self._ask(); }
    }, false);
  }

  var session = Session.prototype;

  session._build = function () {
    var self = this;
    this.box = dom.create('div', 'door__box');
    this.box.setAttribute('role', 'dialog');
    this.box.setAttribute('aria-modal', 'true');
    this.box.setAttribute('aria-label', this.person.username);
    this.box.tabIndex = -1;
    this.later = dom.button('door__later', WORDS.notNow, function () { self._hide(); });
    this.box.appendChild(this.later);
    this.door = dom.create('div', 'door', [this.box]);
    this.door.id = 'door';
    document.body.appendChild(this.door);
    this.pad = new pages.PinPad(dom.create('div', 'pin'), {
      onEntered: function (answer) { self._entered(answer); },
      onOther: somebody
    });
    this.box.appendChild(this.pad.box);
    document.addEventListener('focus', function (event) {
      if (!self.door.hidden && event.target !== document && !self.box.contains(event.target)) { self.box.focus(); }
    }, true);
  };

  session._show = function (note) {
    if (!this.box) { this._build(); }
    this.later.hidden = this.ended;
    this.door.hidden = false;
    this.door.setAttribute('data-terminada', this.ended ? 'true' : 'false');
    this.pad.open(this.person, note);
    this.box.focus();
  };

  // Whether the page lies beneath the dialog.
  session.isAsking = function () { return Boolean(this.door) && !this.door.hidden; };

  session._hide = function () {
    this.door.hidden = true;
    this.pad.close();
  };

  // The service says that it is over.
  session.end = function () {
    if (this.ended) { return; }
    this.ended = true;
    this._notice('');
    this._show(pages.fill(WORDS.sessionEnded, { time: pages.clock.time() }));
  };

  // Else: to the names.
  function somebody() {
    window.location.replace('/login?next=' + encodeURIComponent(window.location.pathname));
  }

  // Another tab of this browser has signed in: perhaps for this one too.
  session._ask = function () {
    var self = this;
    pages.http.get('/api/auth/sesion', { rol: 'string' }, function (answer) {
      if (answer.status === 200 && self.ended) { self._entered(answer.body); }
    });
  };

  session._entered = function (answer) {
    var early = !this.ended;
    if (answer.usuario_id !== this.person.usuario_id || answer.rol !== this.person.rol) {
      window.location.reload();  // it is somebody else's page now
      return;
    }
    this.ended = false;
    this.expiresAt = pages.clock.parseTold(answer.expira);
    this._notice('');
    this._hide();
    if (this.client) {
      this.client.desconectar();
      this.client.conectar({ instantanea: true });
    }
    this.onBack(early);
  };

  // ---- before the end ----------------------------------------------------------------

  session._notice = function (text) {
    var self = this;
    if (!this.notices || text === this.noticed) { return; }
    this.noticed = text;
    this.notices.notice('sesion', text, function () { self._show(WORDS.sessionEarly); });
  };

  session._look = function () {
    var left = this.expiresAt === null ? Infinity : this.expiresAt - pages.clock.now();
    if (this.ended) { return; }
    this._notice(left > SOON_MS ? '' : pages.fill(WORDS.sessionSoon, { n: Math.max(1, Math.ceil(left / 60000)) }));
  };

  pages.Session = Session;
}(window));
