/* This signs out, so that somebody else may sign in. What this browser's other
   tabs show of who leaves does not stay on their screens. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var KEY = 'notif:salida';
  var LOGIN = '/login';

  // onFailed(): nobody has been signed out.
  function signOut(onFailed) {
    pages.http.send('POST', '/api/auth/logout', {}, null, function (answer) {
      if (answer.status === 204 || answer.status === 401) {   // or somebody has been signed out already
        pages.storage.browser.set(KEY, new Date().getTime());
        pages.kept.leave(function () { window.location.replace(LOGIN); });
      } else {
        onFailed();
      }
    });
  }

  // isUnsent(): something that was touched has not reached the service. onLeave() is called before.
  function bind(button, isUnsent, onLeave) {
    var busy = false;
    button.onclick = function () {
      if (busy) { return false; }
      if (isUnsent && isUnsent()) {
        pages.dom.setText(button, pages.words.unsent);
        return false;
      }
      busy = true;
      if (onLeave) { onLeave(); }
      signOut(function () {
        busy = false;
        pages.dom.setText(button, pages.words.notLeft);
      });
      return false;
    };
  }

  window.addEventListener('storage', function (event) {
    if (event.key === KEY && event.newValue) { window.location.replace(LOGIN); }
  }, false);

  pages.leave = { bind: bind, signOut: signOut };
}(window));
