/* This signs out, so that somebody else may sign in. What this browser's other
   tabs show of who leaves does not stay on their screens, nor does what was
   kept of him: drafts, what he has carried, how far his pages have read, the
   kitchen's last board, and the notifications that are shown. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var KEY = 'notif:salida';
  var LOGIN = '/login';
  var PATIENCE_MS = 1000;
  // What stays is the device's: the tab's own name and which version it has loaded, the places of the browser's streams,
  // how large the kitchen's tickets are, the restaurant's tables, the phone's number for its notifications, and when
  // somebody signed out. Two things of people stay too. `personas` are the names of who has signed in here, which the
  // kitchen's tablet offers for the next sign-in (people.js). `operacion` is what others have asked for who had to go
  // before it was sent: it is their guests' food, and goes once they are back.
  var STAYS = /^notif:(cliente|vivo|version|lugar|letra|mesas|aparato|salida|personas|operacion)(:|$)/;

  function forget() { pages.storage.leave(STAYS); }

  // Until it is gone, a page goes on reading: what its stream's client has kept meanwhile goes last.
  function go() {
    forget();
    window.addEventListener('pagehide', forget, false);
    window.location.replace(LOGIN);
  }

  // onClosed() is called once, soon, whatever the browser does.
  function closeNotifications(onClosed) {
    var worker = window.navigator.serviceWorker, timer, over = false;
    function end() {
      window.clearTimeout(timer);
      if (!over) { onClosed(); }
      over = true;
    }
    if (!worker || window.isSecureContext === false) {
      end();
      return;
    }
    timer = window.setTimeout(end, PATIENCE_MS);
    worker.getRegistration().then(function (registration) {
      return registration ? registration.getNotifications() : [];
    }).then(function (shown) {
      shown.forEach(function (each) { each.close(); });
    }).then(end, end);
  }

  // onFailed(): nobody has been signed out.
  function signOut(onFailed) {
    pages.http.send('POST', '/api/auth/logout', {}, null, function (answer) {
      if (answer.status === 204 || answer.status === 401) {   // or somebody has been signed out already
        pages.storage.browser.set(KEY, new Date().getTime());
        closeNotifications(function () { pages.kept.leave(go); });
      } else {
        onFailed();
      }
    });
  }

  // Whether something that was asked for on the page `path` has not been answered, by who is signed in. It is sent by
  // that page alone, and for this session.
  function isUnsent(path) {
    var userId = window.document.body.getAttribute('data-usuario-id');
    return pages.storage.browser.keys(pages.storage.asked(path, userId)).length > 0;
  }

  // isWaiting(): something that was touched has not reached the service, kept or not. onLeave() is called before.
  function bind(button, isWaiting, onLeave) {
    var busy = false;
    button.onclick = function () {
      if (busy) { return false; }
      if ((isWaiting && isWaiting()) || isUnsent(window.location.pathname)) {
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
    if (event.key === KEY && event.newValue) { go(); }
  }, false);

  pages.leave = { bind: bind, isUnsent: isUnsent, signOut: signOut };
}(window));
