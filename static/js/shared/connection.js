/* This shows the state of the connection: the plate #conexion, and the banner
   that says how old the data is, or what was missed meanwhile. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var GRACE_MS = 1500;           // a break shorter than this is not worth a banner
  // The kitchen's look: the icon and words of the plate, the classes, and what to do without a connection.
  var KITCHEN = {
    plates: {
      sse: ['live', 'En vivo'],
      polling: ['repeat', 'Cada pocos segundos'],
      sin_conexion: ['offline', 'Conectando…']
    },
    plateClass: 'kbar__state',
    bannerClass: 'kbanner',
    buttonClass: 'btn btn--inverse btn--kitchen',
    hint: 'Reintentando. Pregunte a los meseros si hay pedidos nuevos.'
  };
  // The light pages: a dot instead of an icon; the plate stays beside the banner.
  var OFFICE = {
    plates: {
      sse: ['', 'En vivo'],
      polling: ['', 'Cada 3 s'],
      sin_conexion: ['', 'Conectando…']
    },
    plateClass: 'live',
    bannerClass: 'obanner',
    buttonClass: 'btn btn--secondary',
    hint: 'Lo que toque se envía al volver.'
  };

  function plural(count, one, many) {
    return count + ' ' + (count === 1 ? one : many);
  }

  // onChange() is called when the banner comes or goes. look: Connection.OFFICE, or nothing for the kitchen's.
  function Connection(plate, banner, client, onChange, look) {
    var self = this;
    this.look = look || KITCHEN;
    this.plate = plate;
    this.banner = banner;
    this.client = client;
    this.onChange = onChange;
    this.offline = false;        // the banner says so
    this.kind = '';              // of the banner: 'offline', 'crowded', 'back' or ''
    this.ageNode = null;
    this.timer = null;
    this._setPlate('sin_conexion');
    this._startGrace(GRACE_MS * 4);
    client.on('conexion', function (state) { self._onMode(state); });
    client.on('demasiadas_pestanas', function () { self._showCrowded(); });
  }

  var connection = Connection.prototype;

  connection._setPlate = function (modo) {
    this.plate.setAttribute('data-modo', modo);
    this.plate.className = this.look.plateClass;
    dom.empty(this.plate);
    this.plate.appendChild(this.look.plates[modo][0] ?
      dom.icon(this.look.plates[modo][0], 'icon--l') : dom.create('i', 'dot'));
    this.plate.appendChild(dom.create('span', 'wide', this.look.plates[modo][1]));
  };

  connection._startGrace = function (ms) {
    var self = this;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(function () { self._showOffline(); }, ms);
  };

  connection._onMode = function (state) {
    this._setPlate(state.modo);
    if (state.modo === 'sin_conexion') {
      this._startGrace(state.planeado ? 0 : GRACE_MS);
      return;
    }
    window.clearTimeout(this.timer);
    this.offline = false;
    if (this.kind === 'offline' || this.kind === 'crowded') { this._hide(); }
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
    this.onChange();
  };

  connection._showOffline = function () {
    var age = dom.create('span', ''), block = this.look.bannerClass;
    if (this.kind === 'crowded') { return; }
    this.offline = true;
    if (this.look === KITCHEN) { this.plate.className = 'sr-only'; }
    this._open('offline', block, [
      dom.icon('offline', 'icon--l'),
      dom.create('span', block + '__title', 'Sin conexión'),
      dom.create('span', block + '__age num', [
        dom.create('small', '', [dom.create('span', 'wide', 'Datos de '), dom.text('hace ')]),
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
      dom.create('span', block + '__title', 'Demasiadas pestañas abiertas'),
      dom.create('span', block + '__text', 'Cierre las otras pestañas de este servicio en este navegador.')
    ]);
  };

  // missed: {nuevos, cancelados, cambios}
  connection.showMissed = function (missed) {
    var self = this, parts = [], block = this.look.bannerClass;
    if (missed.nuevos) { parts.push(plural(missed.nuevos, 'nuevo', 'nuevos')); }
    if (missed.cancelados) { parts.push(plural(missed.cancelados, 'cancelado', 'cancelados')); }
    if (missed.cambios) { parts.push(plural(missed.cambios, 'cambio', 'cambios')); }
    if (!parts.length || this.offline) { return; }
    this._open('back', block + ' ' + block + '--back', [
      dom.icon('live', 'icon--l'),
      dom.create('span', block + '__title', 'Mientras no estabas: ' + parts.join(', ')),
      dom.button(this.look.buttonClass, 'VISTO', function () { self._hide(); })
    ]);
  };

  connection.tick = function () {
    if (this.ageNode) { dom.setText(this.ageNode, pages.clock.minutes(this.client.getEstado().segundos_sin_datos * 1000)); }
  };

  Connection.OFFICE = OFFICE;
  pages.Connection = Connection;
}(window));
