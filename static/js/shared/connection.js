/* This shows the state of the connection: the plate #conexion, and the banner
   that says how old the data is, what was missed meanwhile, or that what is
   seen is new and nothing can be sent. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.words;
  var GRACE_MS = 1500;           // a break shorter than this is not worth a banner
  var UNANSWERED_MS = 6000;
  // The kitchen's look: the icon and words of the plate, the classes, and what to do without a connection.
  var KITCHEN = {
    plates: {
      sse: ['live', WORDS.live],
      polling: ['repeat', WORDS.slow],
      sin_lugar: ['repeat', WORDS.slowTabs],
      sin_conexion: ['offline', WORDS.connecting]
    },
    plateClass: 'kbar__state',
    bannerClass: 'kbanner',
    buttonClass: 'btn btn--inverse btn--kitchen',
    hint: WORDS.retrying
  };
  // The light pages: a dot instead of an icon; the plate stays beside the banner.
  var OFFICE = {
    plates: {
      sse: ['', WORDS.live],
      polling: ['', WORDS.slow],
      sin_lugar: ['', WORDS.slowTabs],
      sin_conexion: ['', WORDS.connecting]
    },
    plateClass: 'live',
    bannerClass: 'obanner',
    buttonClass: 'btn btn--secondary',
    hint: WORDS.sentLater
  };

  // onChange() is called when the banner comes or goes. look: Connection.OFFICE, or nothing for the kitchen's.
  function Connection(plate, banner, client, onChange, look) {
    var self = this;
    this.look = look || KITCHEN;
    this.plate = plate;
    this.banner = banner;
    this.client = client;
    this.onChange = onChange;
    this.offline = false;        // the banner says so
    this.notices = {};           // by kind, 'sesion' before 'version': {text, onTap}
    this.awaySince = null;       // the service is there, and its engine is not
    this.kind = '';              // of the banner: 'offline', 'crowded', 'unanswered', 'back', 'away', 'notice' or ''
    this.ageNode = null;
    this.timer = null;
    this._setPlate('sin_conexion');
    this._startGrace(GRACE_MS * 4);
    client.on('conexion', function (state) { self._onMode(state); });
    client.on('demasiadas_pestanas', function () { self._showCrowded(); });
    client.on('central', function (state) { self._onCentral(state.sin_central_desde); });
    client.on('hora', function () { self._served(); });
    client.on('sesion_terminada', function () { self._rest(); });
  }

  var connection = Connection.prototype;

  // sinLugar: it polls since four other tabs of this browser are live, which is said on narrow screens too.
  connection._setPlate = function (modo, sinLugar) {
    var look = this.look.plates[sinLugar ? 'sin_lugar' : modo];
    this.plate.setAttribute('data-modo', modo);
    this.plate.className = this.look.plateClass;
    dom.empty(this.plate);
    this.plate.appendChild(look[0] ? dom.icon(look[0], 'icon--l') : dom.create('i', 'dot'));
    this.plate.appendChild(dom.create('span', sinLugar ? 'many' : 'wide', look[1]));
  };

  connection._startGrace = function (ms) {
    var self = this;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(function () { self._showOffline(); }, ms);
  };

  connection._onMode = function (state) {
    this._setPlate(state.modo, state.sin_lugar);
    if (state.modo === 'sin_conexion') {
      this._startGrace(state.planeado ? 0 : GRACE_MS);
      return;
    }
    window.clearTimeout(this.timer);
    this.offline = false;
    if (this.kind === 'offline' || this.kind === 'crowded') { this._hide(); }
  };

  // The service has answered: this tab has its connection.
  connection._served = function () {
    if (this.kind !== 'crowded') { return; }
    this.offline = false;
    this._hide();
    if (this.plate.getAttribute('data-modo') === 'sin_conexion') { this._startGrace(GRACE_MS); }
  };

  connection._open = function (kind, className, children) {
    var i;
    this.kind = kind;
    this.ageNode = null;
    this.banner.className = className;
    dom.empty(this.banner);
    for (i = 0; i < children.length; i++) { this.banner.appendChild(children[i]); }
    this.banner.hidden = false;
    this.onChange();
  };

  connection._hide = function () {
    this.kind = '';
    this.banner.hidden = true;
    if (this.awaySince) { this._showAway(); } else { this._showNotice(); }
    this.onChange();
  };

  connection._onCentral = function (since) {
    this.awaySince = since;
    if (this.kind === 'away') {
      this._hide();
    } else if (since && (this.kind === '' || this.kind === 'notice' || this.kind === 'unanswered')) {
      this._showAway();
    }
  };

  // Nothing that is done now is lost: it is sent again until it is taken.
  connection._showAway = function () {
    var block = this.look.bannerClass;
    this._open('away', block + ' ' + block + '--away', pages.away(block, this.awaySince));
  };

  // It is not the connection that has ended: the page says so itself.
  connection._rest = function () {
    window.clearTimeout(this.timer);
    this.offline = false;
    if (this.kind) { this._hide(); }
  };

  // What is said while nothing worse is; without a text no more.
  connection.notice = function (kind, text, onTap) {
    if (text) { this.notices[kind] = { text: text, onTap: onTap }; } else { delete this.notices[kind]; }
    if (this.kind === 'notice') { this._hide(); } else { this._showNotice(); }
  };

  connection._showNotice = function () {
    var notice = this.notices.sesion || this.notices.version, block = this.look.bannerClass;
    if (!notice || this.kind !== '') { return; }
    this._open('notice', block + ' ' + block + '--notice', [dom.icon('clock', 'icon--l'), dom.button(block + '__do', notice.text, notice.onTap)]);
  };

  connection._showOffline = function () {
    var age = dom.create('span', ''), block = this.look.bannerClass;
    if (this.kind === 'crowded') { return; }
    this.offline = true;
    if (this.look === KITCHEN) { this.plate.className = 'sr-only'; }
    this._open('offline', block, [
      dom.icon('offline', 'icon--l'),
      dom.create('span', block + '__title', WORDS.offline),
      dom.create('span', block + '__age num', [
        dom.create('small', '', [dom.create('span', 'wide', WORDS.dataOf), dom.text(WORDS.since)]),
        age
      ]),
      dom.create('span', block + '__text', this.look.hint)
    ]);
    this.ageNode = age;
    this.tick();
  };

  connection._showCrowded = function () {
    var block = this.look.bannerClass;
    this.offline = true;
    this._open('crowded', block, [
      dom.icon('offline', 'icon--l'),
      dom.create('span', block + '__title', WORDS.tooManyTabs),
      dom.create('span', block + '__text', WORDS.closeTabs)
    ]);
  };

  // The stream lives, and what is sent is not answered: other tabs may have all of the browser's connections.
  connection._showUnanswered = function () {
    var block = this.look.bannerClass;
    this._open('unanswered', block, [
      dom.icon('offline', 'icon--l'),
      dom.create('span', block + '__title', WORDS.notArriving),
      dom.create('span', block + '__text', WORDS.stillTrying)
    ]);
  };

  connection._checkAnswers = function () {
    var state = this.client.getEstado(), waits = Math.max(pages.http.unanswered(), state.segundos_sin_respuesta * 1000);
    if (state.sse_activo && waits >= UNANSWERED_MS) {
      if (this.kind === '' || this.kind === 'back' || this.kind === 'notice') { this._showUnanswered(); }
    } else if (this.kind === 'unanswered') {
      this._hide();
    }
  };

  // missed: {nuevos, cancelados, cambios}
  connection.showMissed = function (missed) {
    var self = this, parts = [], block = this.look.bannerClass;
    if (missed.nuevos) { parts.push(pages.fill(WORDS.missedNew, { n: missed.nuevos })); }
    if (missed.cancelados) { parts.push(pages.fill(WORDS.missedCancelled, { n: missed.cancelados })); }
    if (missed.cambios) { parts.push(pages.fill(WORDS.missedChanges, { n: missed.cambios })); }
    if (!parts.length || this.offline) { return; }
    this._open('back', block + ' ' + block + '--back', [
      dom.icon('live', 'icon--l'),
      dom.create('span', block + '__title', pages.fill(WORDS.missed, { list: parts.join(', ') })),
      dom.button(this.look.buttonClass, WORDS.seen, function () { self._hide(); })
    ]);
  };

  connection.tick = function () {
    this._checkAnswers();
    if (this.ageNode) { dom.setText(this.ageNode, pages.clock.minutes(this.client.getEstado().segundos_sin_datos * 1000)); }
  };

  Connection.OFFICE = OFFICE;
  pages.Connection = Connection;
}(window));
