/* This is the service worker of the phone's notifications: Chromium on Android
   shows none without one. It answers no request and keeps nothing. */
(function (self) {
  'use strict';

  // A tap on the notification brings the page to the front that is open, or opens it.
  self.addEventListener('notificationclick', function (event) {
    event.notification.close();
    event.waitUntil(self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then(function (windows) {
      var open = windows.filter(function (each) { return /\/pos(?:[?#]|$)/.test(each.url); })[0];
      return open ? open.focus() : self.clients.openWindow('/pos');
    }));
  });
}(self));
