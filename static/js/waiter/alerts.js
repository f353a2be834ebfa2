/* What is ready while the phone is in a pocket is told by a tone, a buzz and,
   where granted, one notification of the phone. */
(function (window) {
  'use strict';

  var document = window.document;
  var navigator = window.navigator;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var BUZZ = [250, 120, 250];

  // button: asks for the permission; note: says why there is none to ask for.
  function Alerts(sound, button, note) {
    var self = this;
    this.sound = sound;
    this.button = button;
    this.note = note;
    this.covered = false;        // the page asks in another way (shared/pushpanel.js)
    this.touched = false;        // a browser lets no page buzz before
    document.addEventListener('click', function () {
      self.touched = true;
      sound.unlock(true);
    }, false);
    button.onclick = function () {
      window.Notification.requestPermission(function () { self.show(); });
    };
    this.show();
  }

  Alerts.prototype.show = function () {
    var secure = window.isSecureContext !== false, can = !!window.Notification && secure, text = '';
    if (!can) {
      text = secure ? WORDS.noNotices : WORDS.noNoticesHere;
    } else if (window.Notification.permission === 'denied') {
      text = WORDS.noticesBlocked;
    }
    if (text) { text += ' ' + (navigator.vibrate ? WORDS.toneAndBuzzWork : WORDS.toneWorks); }
    if (this.covered) { text = ''; }
    this.button.hidden = this.covered || !can || window.Notification.permission !== 'default';
    dom.setText(this.note, text);
    this.note.hidden = !text;
  };

  Alerts.prototype.cover = function (covered) {
    if (this.covered === covered) { return; }
    this.covered = covered;
    this.show();
  };

  // One order has one notification, however often it is told, also by the service, which tells it with the same id
  // (sw.js): null where another event than the one that phones are told of has come first, as of a tap on LISTO.
  Alerts.prototype.ready = function (title, text, orderId, eventId) {
    var data = { id: eventId, at: new Date().getTime(), navigate: '/pos?pedido=' + orderId };
    this.sound.ready();
    if (this.touched && navigator.vibrate) { navigator.vibrate(BUZZ); }
    if (window.Notification && window.Notification.permission === 'granted') {
      this._notify(title, { body: text, tag: 'pedido-' + orderId, lang: 'es', data: data });
    }
  };

  function byPage(title, options) {
    try { return new window.Notification(title, options); } catch (error) { return null; }   // not in Chromium on Android
  }

  // Chromium on Android shows notifications by a service worker alone.
  Alerts.prototype._notify = function (title, options) {
    var worker = pages.worker.get();
    if (!worker) {
      byPage(title, options);
      return;
    }
    // What is told while the worker is being made waits for it: nothing else can show it there.
    worker.then(function (registration) { return registration.showNotification(title, options); })
      .then(null, function () { byPage(title, options); });
  };

  pages.Alerts = Alerts;
}(window));
