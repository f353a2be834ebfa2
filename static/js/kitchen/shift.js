/* INICIAR TURNO is the one tap that a browser asks for before it lets a page
   sound or fill the screen; here the page also says what this browser cannot
   do. It covers the board, not the bar and the banner: nobody is at the tablet
   yet, so what is under it counts as not seen, and a waiter is told so. It is
   asked for once by a tab and user: after a reload in mid-shift the board is
   there at once, and the next tap unlocks the sound. The screen is kept on from
   there, where the browser grants it: each tap asks while it does not. */
(function (window) {
  'use strict';

  var document = window.document;
  var navigator = window.navigator;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.kitchenWords;
  var ANSWER_MS = 1000;

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
    this.askedAt = 0;            // 0 where there is an answer
    this.told = '';              // why the screen may turn dark
    document.addEventListener('visibilitychange', function () { self._keepAwake(WORDS.touchBoard); }, false);
    // Before the buttons' own handlers, which may draw what was tapped anew.
    document.addEventListener('click', function (event) {
      if (!self.open) { self._touched(); } else if (isButton(event.target)) { self.begin(); }
    }, true);
    document.addEventListener('keydown', function () {
      if (!self.open) { self._touched(); }
    }, true);
    dom.byId('shift-go').onclick = function () { sound.unlock(); };
    element.hidden = !this.open;
    if (this.open) { dom.byId('shift-go').focus(); }
    this._showFeatures();
    this._keepAwake(WORDS.touchBoard);
  }

  var shift = Shift.prototype;

  // ---- remembered by the tab -------------------------------------------------------

  shift._isOn = function () {
    return pages.storage.tab.has(this.key);
  };

  shift._remember = function () {
    pages.storage.tab.set(this.key, 'si');
  };

  // With the session; the next one begins anew, unless the same person goes on.
  shift.end = function () {
    pages.storage.tab.remove(this.key);
  };

  shift.goOn = function () {
    if (!this.open) { this._remember(); }
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
    this._touched();
    fillScreen(document.documentElement);   // last: WebKit grants nothing more to the tap that asked for it
    this.onBegin();
  };

  shift._touched = function () {
    this._keepAwake(WORDS.mayGoDark + WORDS.setNever);
    this.sound.unlock(true);
  };

  function fullScreenOf(element) {
    return element.requestFullscreen || element.webkitRequestFullscreen || element.webkitRequestFullScreen ||
      element.mozRequestFullScreen || element.msRequestFullscreen;
  }

  function fillScreen(element) {
    var request = fullScreenOf(element), answer = request && request.call(element);
    if (answer && answer.then) { answer.then(null, function () { return; }); }   // refused: the bars stay
  }

  // A tap asks although nothing has been heard yet of what was asked without one.
  shift._isAsking = function () {
    return this.askedAt !== 0 && Math.abs(new Date().getTime() - this.askedAt) < ANSWER_MS;
  };

  // refused: what is said then.
  shift._keepAwake = function (refused) {
    var self = this;
    if (this.open || this.lock || this._isAsking() || document.hidden || !navigator.wakeLock) { return; }
    this.askedAt = new Date().getTime();
    navigator.wakeLock.request('screen').then(function (lock) {
      lock.addEventListener('release', function () {
        if (self.lock === lock) { self._hold(null, WORDS.touchBoard); }
      });
      self._hold(lock.released ? null : lock, WORDS.touchBoard);
    }, function () { self._hold(null, refused); });
  };

  // An app that shows nothing but this page, and keeps the screen on by itself.
  function isKiosk() { return !!window.fully; }

  shift._hold = function (lock, why) {
    this.askedAt = 0;
    this.lock = lock;
    this._showFeatures();
    if (lock) {
      this.told = '';
    } else if (!isKiosk() && !document.hidden && this.told !== why) {
      this.told = why;
      this.say(why);
    }
  };

  // ---- drawing -----------------------------------------------------------------------

  function feature(id, text, works) {
    dom.setText(dom.byId(id + '-text'), text);
    dom.byId(id).className = works ? '' : 'is-warn';
  }

  shift._showFeatures = function () {
    var full = !!fullScreenOf(document.documentElement), awake = !!navigator.wakeLock, chip = dom.byId('awake');
    feature('shift-sound', this.sound.exists ? WORDS.hears : WORDS.silent, this.sound.exists);
    feature('shift-full', full ? WORDS.full : WORDS.notFull, full);
    feature('shift-awake', isKiosk() ? WORDS.kioskLit : awake ? WORDS.keptLit :
      (window.isSecureContext === false ? WORDS.notSecure : WORDS.notLit) + WORDS.setNever, awake || isKiosk());
    chip.hidden = !awake || isKiosk() || this.open;
    chip.setAttribute('data-activo', this.lock ? 'true' : 'false');
    dom.setText(dom.byId('awake-text'), this.lock ? WORDS.staysLit : WORDS.maySleep);
  };

  // loaded: whether the service has told what there is. open: how many wait.
  shift.show = function (loaded, offline, open) {
    var text = open ? pages.fill(WORDS.waiting, { n: open }) : WORDS.noneWaiting;
    if (!loaded) { text = offline ? pages.words.offline : WORDS.loading; }
    if (loaded && offline) { text = pages.fill(WORDS.offlineAnd, { what: text }); }
    dom.setText(dom.byId('shift-title'), text);
  };

  pages.Shift = Shift;
}(window));
