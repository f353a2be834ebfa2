/* INICIAR TURNO is the one tap that a browser asks for before it lets a page
   sound or fill the screen; here the page also says what this browser cannot
   do. It covers the board, not the bar and the banner: nobody is at the tablet
   yet, so what is under it counts as not seen, and a waiter is told so. It is
   asked for once by a tab and user: after a reload in mid-shift the board is
   there at once, and the next tap unlocks the sound. */
(function (window) {
  'use strict';

  var document = window.document;
  var navigator = window.navigator;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var SLEEPS = 'Ponga la tableta en «nunca apagar».';

  // onBegin(): the board is uncovered. say(text): what did not work after all.
  function Shift(element, sound, userId, onBegin, say) {
    var self = this;
    this.element = element;
    this.sound = sound;
    this.key = 'notif:turno:' + userId;
    this.onBegin = onBegin;
    this.say = say;
    this.open = !this._isOn();
    this.lock = null;            // keeps the screen on; the browser takes it from a hidden page
    this.asking = false;
    document.addEventListener('visibilitychange', function () { self._keepAwake(); }, false);
    // Before the buttons' own handlers, which may draw what was tapped anew.
    document.addEventListener('click', function (event) {
      if (!self.open) { sound.unlock(true); } else if (isButton(event.target)) { self.begin(); }
    }, true);
    dom.byId('shift-go').onclick = function () { sound.unlock(); };
    this._showFeatures();
    element.hidden = !this.open;
    if (this.open) { dom.byId('shift-go').focus(); }
    this._keepAwake();
  }

  var shift = Shift.prototype;

  // ---- remembered by the tab -------------------------------------------------------

  shift._isOn = function () {
    return pages.storage.tab.has(this.key);
  };

  shift._remember = function () {
    pages.storage.tab.set(this.key, 'si');
  };

  // With the session; the next one begins anew.
  shift.end = function () {
    pages.storage.tab.remove(this.key);
  };

  // ---- the tap ---------------------------------------------------------------------

  // The chip of the sound, as each button of the bar, says as well that somebody is there.
  function isButton(node) {
    while (node && node.tagName !== 'BUTTON') { node = node.parentNode; }
    return !!node;
  }

  shift.begin = function () {
    this.open = false;
    this.element.hidden = true;
    this._remember();
    this.sound.unlock(true);
    fillScreen(document.documentElement);
    this._keepAwake();
    this.onBegin();
  };

  function fullScreenOf(element) {
    return element.requestFullscreen || element.webkitRequestFullscreen || element.webkitRequestFullScreen ||
      element.mozRequestFullScreen || element.msRequestFullscreen;
  }

  function fillScreen(element) {
    var request = fullScreenOf(element), answer = request && request.call(element);
    if (answer && answer.then) { answer.then(null, function () { return; }); }   // refused: the bars stay
  }

  shift._keepAwake = function () {
    var self = this;
    if (this.open || this.lock || this.asking || document.hidden || !navigator.wakeLock) { return; }
    this.asking = true;
    navigator.wakeLock.request('screen').then(function (lock) {
      self.asking = false;
      self.lock = lock;
      lock.addEventListener('release', function () { self.lock = null; });
    }, function () {
      self.asking = false;
      if (!document.hidden) { self.say('La pantalla puede apagarse. ' + SLEEPS); }
    });
  };

  // ---- drawing -----------------------------------------------------------------------

  function feature(id, text, works) {
    dom.setText(dom.byId(id + '-text'), text);
    dom.byId(id).className = works ? '' : 'is-warn';
  }

  shift._showFeatures = function () {
    var full = !!fullScreenOf(document.documentElement), awake = !!navigator.wakeLock;
    feature('shift-sound', this.sound.exists ? 'Oirá cada pedido nuevo, también el primero.' :
      'Este navegador no suena: la pantalla parpadea.', this.sound.exists);
    feature('shift-full', full ? 'Sin barras ni avisos encima.' : 'Este navegador no la tiene. El tablero funciona igual.', full);
    feature('shift-awake', awake ? 'No se apaga durante el turno.' :
      (window.isSecureContext === false ? 'Aquí pide HTTPS. ' : 'Este navegador no la tiene. ') + SLEEPS, awake);
  };

  // loaded: whether the service has told what there is. open: how many wait.
  shift.show = function (loaded, offline, open) {
    var text = open === 1 ? '1 pedido espera en cocina' : open ? open + ' pedidos esperan en cocina' : 'Ningún pedido espera';
    if (!loaded) { text = offline ? 'Sin conexión' : 'Cargando pedidos…'; }
    if (loaded && offline) { text = 'Sin conexión · ' + text; }
    dom.setText(dom.byId('shift-title'), text);
  };

  pages.Shift = Shift;
}(window));
