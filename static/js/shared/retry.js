/* The page that is shown without a connection asks for the one that it stands
   in for, and loads it once the service answers. */
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
      var status;
      if (xhr.readyState !== 4) { return; }
      window.clearTimeout(timer);
      status = xhr.status;
      xhr = null;
      if (status > 0 && status < AWAY) { leave(); }
    };
    xhr.send(null);
  }

  window.setInterval(ask, EVERY_MS);
  window.addEventListener('online', ask, false);
  window.document.addEventListener('visibilitychange', function () {
    if (!window.document.hidden) { ask(); }
  }, false);
}(window));
