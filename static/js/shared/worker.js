/* This registers the service worker, where a browser lets a page have one: over
   HTTPS and on this machine. A page is open for weeks: what could not be
   installed, since the service was busy or away, is tried again. */
(function (window) {
  'use strict';

  var navigator = window.navigator;
  var pages = window.posNotif = window.posNotif || {};
  var FIRST_PAUSE_MS = 5000;
  var LONGEST_PAUSE_MS = 10 * 60000;
  var pause = FIRST_PAUSE_MS;
  var made = null;

  function may() {
    return window.isSecureContext !== false && !!navigator.serviceWorker && window.document.body.getAttribute('data-pwa') === 'true';
  }

  function register() { return navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' }); }

  function later(again) {
    window.setTimeout(function () { again().then(null, function () { later(again); }); }, pause);
    pause = Math.min(LONGEST_PAUSE_MS, 2 * pause);
  }

  // Of a first one that was given up nothing is left, its registration neither.
  function askAgain(registration) {
    return registration.active ? registration.update() : register().then(follow);
  }

  // One that has not got all that it keeps is given up by the browser, and asked for again by a load of a page alone.
  function watch(registration, worker) {
    var isInstalled = false;
    if (!worker) { return; }
    worker.onstatechange = function () {
      if (worker.state === 'installed') { isInstalled = true; pause = FIRST_PAUSE_MS; }
      if (worker.state === 'redundant' && !isInstalled) {
        later(function () { return askAgain(registration); });
      }
    };
  }

  function follow(registration) {
    if (!registration) { return; }
    registration.onupdatefound = function () { watch(registration, registration.installing); };
    if (registration.installing || !window.caches) {
      watch(registration, registration.installing);
      return;
    }
    // One may have been given up before this page looked: then nothing of its version is kept.
    window.caches.has(window.document.body.getAttribute('data-version')).then(function (isKept) {
      if (!isKept && !registration.installing) { later(function () { return askAgain(registration); }); }
    });
  }

  // Of the registration, once it works; null where there can be none.
  function get() {
    if (made || !may()) { return made; }
    made = register().then(function (registration) {
      if (!registration) { throw new Error('refused'); }
      follow(registration);
      return navigator.serviceWorker.ready;
    }, function (why) {
      // The service could not be asked; what a browser forbids it will forbid again.
      if (why instanceof window.TypeError) { later(function () { return register().then(follow); }); }
      throw why;
    });
    made.then(null, function () { return; });
    return made;
  }

  // Pages need it for nothing that they show first.
  window.addEventListener('load', function () { window.setTimeout(get, 0); }, false);

  // isOn(): this page is one that is answered without a connection.
  pages.worker = { get: get, isOn: function () { return may() && !!navigator.serviceWorker.controller; } };
}(window));
