/* A page that comes back by Back from the browser's own memory shows what it
   showed to whoever was here before. It is covered as it leaves, and stays so
   until the service has said that the same person is still signed in. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var root = document.documentElement;
  var PATH = '/api/auth/sesion';
  var AGAIN_MS = 1500;
  var PATIENCE_MS = 5000;
  var text = dom.create('p', 'cover');
  var userId = Number(document.body.getAttribute('data-usuario-id'));

  function cover() {
    dom.setText(text, pages.words.loading);
    root.className = 'is-covered';
  }

  function check() {
    pages.http.get(PATH, { rol: 'string' }, function (answer) {
      if (answer.status === 200 && answer.body.usuario_id === userId) {
        root.className = '';
      } else if (answer.status === 200 || answer.status === 401) {
        window.location.replace('/login?next=' + window.location.pathname);
      } else {
        dom.setText(text, pages.words.offline);
        window.setTimeout(check, AGAIN_MS);
      }
    }, PATIENCE_MS);
  }

  text.setAttribute('role', 'status');
  document.body.appendChild(text);
  window.addEventListener('pagehide', cover);
  window.addEventListener('pageshow', function (event) {
    if (event.persisted) { check(); } else { root.className = ''; }
  });
}(window));
