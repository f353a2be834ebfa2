/* The page that is shown without a connection asks for the one that it stands
   in for, and loads it once the service answers: a page of ours says of which
   version it is, a hotspot's or a proxy's does not. */
(function (window) {
  'use strict';

  var location = window.location;
  var EVERY_MS = 5000;
  var PATIENCE_MS = 3500;        // the service worker waits 4 s: what takes longer would show this page again
  var AWAY = 500;
  var xhr = null;
  // Opened by its own address, it is no other page's.
  var own = /^\/sin-conexion\?pantalla=(\w+)/.exec(location.pathname + location.search);
  var target = own ? '/' + own[1] : location.pathname + location.search;

  function leave() {
    if (own) { location.replace(target); } else { location.reload(); }
  }

  function ask() {
    var timer;
    if (xhr) { return; }
    xhr = new window.XMLHttpRequest();
    timer = window.setTimeout(function () {
      xhr.onreadystatechange = null;
      xhr.abort();
      xhr = null;
    }, PATIENCE_MS);
    xhr.open('GET', target, true);
    xhr.setRequestHeader('Accept', 'text/html');
    xhr.onreadystatechange = function () {
      var ours;
      if (xhr.readyState !== 4) { return; }
      window.clearTimeout(timer);
      ours = xhr.status < AWAY && xhr.responseText.indexOf(' data-version="') >= 0;
      xhr = null;
      if (ours) { leave(); }
    };
    xhr.send(null);
  }

  window.setInterval(ask, EVERY_MS);
  window.addEventListener('online', ask, false);
  window.document.addEventListener('visibilitychange', function () {
    if (!window.document.hidden) { ask(); }
  }, false);
}(window));
