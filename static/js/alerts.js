/* A tone, a buzz and, where granted, one notification of the phone: for what is
   ready while the phone is in a pocket. */
(function (window) {
  'use strict';

  var document = window.document;
  var navigator = window.navigator;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var BUZZ = [250, 120, 250];

  // button: asks for the permission; note: says why there is none to ask for.
  function Alerts(sound, button, note) {
    var self = this;
    this.sound = sound;
    this.button = button;
    this.note = note;
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
    var can = !!window.Notification && window.isSecureContext !== false;
    this.button.hidden = !can || window.Notification.permission !== 'default';
    dom.setText(this.note, can ? '' : 'Los avisos del teléfono necesitan HTTPS. El tono y la vibración funcionan igual.');
    this.note.hidden = can;
  };

  // tag: one order has one notification, however often it is told.
  Alerts.prototype.ready = function (title, text, tag) {
    this.sound.ready();
    if (this.touched && navigator.vibrate) { navigator.vibrate(BUZZ); }
    if (!window.Notification || window.Notification.permission !== 'granted') { return; }
    try {
      new window.Notification(title, { body: text, tag: tag, lang: 'es' });
    } catch (error) {
      return;                    // Chromium on Android shows none without a service worker
    }
  };

  pages.Alerts = Alerts;
}(window));
